"""A few fixed inputs, by which a machine that serves shows that it computes what training computed."""

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bentos.task import Task

CANONICAL_TEXTS = (
    "A wonderful evening, every minute of it.",
    "I asked for my money back after an hour.",
    "meh",
    "Not as bad as everyone says, and yet I would not buy it again.",
    "It crashed twice, the menus are a maze, and still I played until four in the morning. " * 4,
)


def canonical_texts(task: Task) -> list[Any]:
    """Texts, or pairs of texts."""
    return [text if len(task.text_column_names) == 1 else [text, "A book."] for text in CANONICAL_TEXTS]


def canonical_pictures(task: Task) -> list[Any]:
    """PNG files in base64: even grey, stripes, a slope of colours, noise."""
    y, x = np.mgrid[:48, :64]
    flat, stripes = np.full_like(x, 128), x // 8 % 2 * 255
    noise = (x * 73 + y * 151) * (x + 7 * y) % 256
    layers = [(flat,) * 3, (stripes,) * 3, (x * 4, y * 5, 255 - x * 4), (noise, stripes, y * 5)]
    return [b64encode(png(np.stack(channels, axis=2).astype(np.uint8))).decode() for channels in layers]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A file of RGB pixels [height, width, 3]."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


CANONICAL: dict[str, Callable[[Task], list[Any]]] = {
    "text-classification": canonical_texts,
    "image-classification": canonical_pictures,
}
