"""Pictures to model arrays by `preprocessor_config.json` alone, equal to transformers' own processor."""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bentos.model_input import Arrays, EncodedPicture, ModelInput
from bentos.pictures import describe_picture, open_picture
from bentos.task import Task, TaskError

CONFIG = "preprocessor_config.json"
PIXELS = "pixels"
PATCH = 16  # pixels a side, of a model whose config.json says none: by it a picture is counted in tokens
READ = {"do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor"}
READ |= {"do_normalize", "image_mean", "image_std"}
NO_MATTER = {"image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb"}
NO_MATTER |= {"data_format", "default_to_square", "_valid_processor_keys"}

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Settings:
    """What is done to a picture: it is resized, cropped around its middle, and each value looked up."""

    resize: Size | int  # a number: the length of the shorter side
    crop: Size  # what the model reads
    resample: Image.Resampling
    values: NDArray[np.float32]  # [3, 256], by channel what the model reads of a pixel's value


class PicturePreprocess:
    """Decodes, resizes and crops pictures as `preprocessor_config.json` in `folder` says.

    Arrays hold the pixels as bytes; `pad` makes floats of them. Raises TaskError for a step unknown to it.
    """

    in_threads = True

    def __init__(self, folder: Path, task: Task) -> None:
        self._settings = read_settings(folder / CONFIG)
        patch = patch_size(folder / "config.json")
        height, width = self._settings.crop
        self._n_tokens = max(1, height // patch) * max(1, width // patch)

    def __call__(self, inputs: Sequence[bytes]) -> list[EncodedPicture]:
        """Raises PictureError for one that is none."""
        return [self._encoded(open_picture(data)) for data in inputs]

    def pad(self, items: Sequence[ModelInput]) -> Arrays:
        """`pixel_values` [n, 3, height, width]."""
        pixels = np.stack([item.arrays[PIXELS] for item in items]).reshape(-1, *self._settings.crop, 3)
        channels = [self._settings.values[channel][pixels[..., channel]] for channel in range(3)]
        return {"pixel_values": np.stack(channels, axis=1)}

    def from_json(self, value: Any) -> bytes:
        """Base64."""
        return b64decode(value)

    def pixels(self, picture: Image.Image) -> Arrays:
        """The arrays of an RGB picture."""
        return {PIXELS: np.asarray(resized(picture, self._settings), np.uint8).ravel()}

    def _encoded(self, picture: Image.Image) -> EncodedPicture:
        return EncodedPicture(self.pixels(picture), self._n_tokens, describe_picture(picture))


def resized(picture: Image.Image, settings: Settings) -> Image.Image:
    """The part of a picture that the model reads, in its size; black where there is nothing of it."""
    height, width = target(picture, settings.resize)
    whole = picture.resize((width, height), settings.resample)
    if (height, width) == settings.crop:
        return whole
    top, left = (height - settings.crop[0]) // 2, (width - settings.crop[1]) // 2
    return whole.crop((left, top, left + settings.crop[1], top + settings.crop[0]))


def target(picture: Image.Image, resize: Size | int) -> Size:
    """The size given, or the picture's proportions with its shorter side as given."""
    if not isinstance(resize, int):
        return resize
    width, height = picture.size
    longer = int(resize * max(width, height) / min(width, height))
    return (longer, resize) if width <= height else (resize, longer)


def read_settings(path: Path) -> Settings:
    """What the file says; raises TaskError for what we cannot do like transformers."""
    given = json.loads(path.read_text("utf-8"))
    steps = [k for k, v in given.items() if k not in READ | NO_MATTER and not k.startswith("_") and v]
    if steps:
        raise TaskError(f"{path} asks for {', '.join(steps)}; pictures are only resized, cropped and scaled.")
    if not given.get("do_resize", True):
        raise TaskError(f"{path} says do_resize: false; the pictures of one call must have one size.")
    resize = _size(given, "size", path)
    crop = _size(given, "crop_size", path) if given.get("do_center_crop") else resize
    if isinstance(crop, int):
        raise TaskError(f"{path} gives no height and width of what the model reads, only a shortest_edge.")
    resample = Image.Resampling(given.get("resample", Image.Resampling.BILINEAR))
    return Settings(resize, crop, resample, np.stack([_values(given, channel) for channel in range(3)]))


def patch_size(path: Path) -> int:
    """The side of a patch that the model's config names; PATCH where there is none."""
    size = json.loads(path.read_text("utf-8")).get("patch_size") if path.is_file() else None
    return size if isinstance(size, int) else PATCH


def _size(given: Mapping[str, Any], key: str, path: Path) -> Size | int:
    match given.get(key):
        case {"height": int(height), "width": int(width)}:
            return height, width
        case {"shortest_edge": int(edge)}:
            return edge
        case other:
            expected = '{"height": ..., "width": ...} or {"shortest_edge": ...}'
            raise TaskError(f"{path} gives {key} as {other!r}; expected {expected}.")


def _values(given: Mapping[str, Any], channel: int) -> NDArray[np.float32]:
    """[256]: rescaled in double precision, normalised in single, as transformers does."""
    values = np.arange(256, dtype=np.float64)
    if given.get("do_rescale", True):
        values = values * given.get("rescale_factor", 1 / 255)
    single = values.astype(np.float32)
    if not given.get("do_normalize", True):
        return single
    mean, std = (np.float32(given[name][channel]) for name in ("image_mean", "image_std"))
    return np.asarray((single - mean) / std, np.float32)
