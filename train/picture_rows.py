"""Pictures as the Trainer reads them: decoded when asked for, a random part of each to learn from."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image
from torch.utils.data import Dataset

from bentos.model_input import ModelInput
from bentos.picture_preprocess import PicturePreprocess
from bentos.pictures import open_picture
from bentos.task import Task
from train.pictures import Picture

LEAST_AREA = 0.35  # of a picture that a random crop of it keeps
LEAST_RATIO = 3 / 4  # of width and height of such a crop, beside those of the picture


class PictureRows(Dataset[dict[str, Any]]):
    """Rows for the Trainer, decoded when asked for; with `augmented` a random part of each, perhaps mirrored.

    These are the random crop and flip of Hugging Face's run_image_classification, by torch's generator, which
    a checkpoint remembers.
    """

    def __init__(
        self,
        pictures: Iterable[Picture],
        labels: Sequence[Any],
        preprocess: PicturePreprocess,
        augmented: bool,
    ) -> None:
        self._pictures, self._labels = list(pictures), labels
        self._preprocess, self._augmented = preprocess, augmented

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> dict[str, Any]:
        picture = open_picture(self._pictures[index].read())
        if self._augmented:
            picture = random_part(picture)
        (values,) = self._preprocess.pad([ModelInput(self._preprocess.pixels(picture), 0)])["pixel_values"]
        return {"pixel_values": torch.from_numpy(values), "label": self._labels[index]}


def random_part(picture: Image.Image) -> Image.Image:
    """A random rectangle of at least LEAST_AREA of the picture, mirrored every other time."""
    area, ratio, x, y, side = torch.rand(5).tolist()
    area, ratio = LEAST_AREA + area * (1 - LEAST_AREA), LEAST_RATIO ** (2 * ratio - 1)
    width = min(picture.width, max(1, round(picture.width * (area * ratio) ** 0.5)))
    height = min(picture.height, max(1, round(picture.height * (area / ratio) ** 0.5)))
    left, top = int(x * (picture.width - width + 1)), int(y * (picture.height - height + 1))
    part = picture.crop((left, top, left + width, top + height))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if side < 0.5 else part


def preprocess_like(processor: Any, task: Task) -> PicturePreprocess:
    """What the service will do in its place; raises TaskError for a step that it cannot do."""
    with TemporaryDirectory() as folder:
        processor.save_pretrained(folder)
        return PicturePreprocess(Path(folder), task)
