"""From the bytes of a picture file to upright RGB pixels, within limits, and the numbers of a picture."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 25_000_000  # 75 MB in memory, read from the header before anything is decoded
PICTURE_NUMBERS = ("width", "height", "mean", "std", "sharpness", "saturation", "entropy")
DESCRIBED_SIDE = 256  # pixels of the longer side at which a picture is described, unless it is smaller
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Floats = NDArray[np.floating[Any]]


class PictureError(ValueError):
    """Bytes that are no picture we read; the message goes on after the name of the input."""


def open_picture(data: bytes) -> Image.Image:
    """The first frame in RGB, turned as its EXIF data says: what `transformers.image_utils.load_image` gives.

    Raises PictureError for anything but a whole picture of FORMATS with at most MAX_PIXELS pixels.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            check_size(image)
            ImageOps.exif_transpose(image, in_place=True)
            return image.convert("RGB")
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"is no picture ({len(data):,} bytes); expected {', '.join(FORMATS)}.") from None
    except Image.DecompressionBombError:
        raise PictureError(f"is a picture of too many pixels; send at most {MAX_PIXELS:,}.") from None
    except Exception as error:  # of damaged files Pillow raises whatever its parsers run into
        raise PictureError("is a damaged picture: it breaks off, or cannot be decoded.") from error


def check_size(image: Image.Image) -> None:
    """Raises PictureError for more pixels than MAX_PIXELS, by the header."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"is a picture of {width:,} x {height:,} pixels; send at most {MAX_PIXELS:,} pixels."
        )


def describe_picture(picture: Image.Image) -> dict[str, float]:
    """The PICTURE_NUMBERS of an RGB picture.

    Its size in pixels; and at DESCRIBED_SIDE of its grey values from 0 to 1 their mean (brightness), standard
    deviation (contrast), that of their Laplacian (sharpness) and their entropy in bits; the saturation is the
    mean of HSV's. At most seven digits.
    """
    colours = np.asarray(_described(picture), np.float32) / 255
    grey = colours @ LUMA
    highest, lowest = colours.max(axis=2), colours.min(axis=2)
    numbers = {
        "mean": grey.mean(),
        "std": grey.std(),
        "sharpness": laplacian(grey).std(),
        "saturation": ((highest - lowest) / np.maximum(highest, 1 / 255)).mean(),
        "entropy": entropy(grey),
    }
    width, height = picture.size
    return {"width": width, "height": height, **{n: float(f"{v:.7g}") for n, v in numbers.items()}}


def laplacian(grey: Floats) -> Floats:
    """The four neighbours of each pixel less four times itself; the border stands for what is beyond it."""
    padded = np.pad(grey, 1, mode="edge")
    return np.asarray(padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * grey)


def entropy(grey: Floats) -> float:
    """Shannon's entropy of the grey values in 256 steps, in bits."""
    counts = np.bincount(np.rint(grey * 255).astype(np.int64).ravel(), minlength=256)
    shares = counts[counts > 0] / grey.size
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # not -0


def _described(picture: Image.Image) -> Image.Image:
    """Of a camera's millions of pixels every number would be as much one of its noise."""
    longest = max(picture.size)
    if longest <= DESCRIBED_SIDE:
        return picture
    width, height = (max(1, round(side * DESCRIBED_SIDE / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
