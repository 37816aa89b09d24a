"""Synthetic pictures, their files, and a tiny ViT task of two classes that they teach."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bentos.task import Task, load_task

LABELS = ("dark", "light")
SMALL_VIT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def picture(label: str, seed: int, width: int = 48, height: int = 36) -> Image.Image:
    """Coloured noise around a level that the label says, each seed a picture of its own."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(40, 100) if label == "dark" else rng.uniform(150, 210)
    pixels = rng.normal(level, 30, (height, width, 3)).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The image as a file of that format."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def class_folders(root: Path, n: int = 60) -> Path:
    """`n` pictures of each label in a folder of its own."""
    for position, label in enumerate(LABELS):
        (root / label).mkdir(parents=True)
        for i in range(n):
            (root / label / f"{i}.png").write_bytes(file_of(picture(label, 1000 * position + i)))
    return root


def picture_task(*overrides: str) -> Task:
    """`image-attributes` as a tiny ViT from scratch."""
    return load_task("image-attributes", [*TINY, *overrides])


TINY = [
    "model_name_or_path=null",
    "model_type=vit",
    f"config_overrides={SMALL_VIT}",
    f"labels=[{', '.join(LABELS)}]",
    "label_column_name=label",
]
