"""What a picture file may be, what is refused at no cost, and the numbers that describe a picture."""

import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bentos.pictures import MAX_PIXELS, PICTURE_NUMBERS, PictureError, describe_picture, open_picture
from tests.pictures import file_of, picture

WHOLE = {kind: file_of(picture("light", 3), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")}


def png_of_size(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG file whose header says so, whatever it holds."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def gif_of_size(width: int, height: int) -> bytes:
    whole = bytearray(WHOLE["GIF"])
    whole[6:10] = struct.pack("<HH", width, height)
    return bytes(whole)


def webp_of_size(width: int, height: int) -> bytes:
    """A lossless file whose header says so."""
    whole = bytearray(file_of(picture("light", 3), "WEBP", lossless=True))
    at = whole.index(b"VP8L") + 9
    whole[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(whole)


PEAKS = """
import resource, sys
from pathlib import Path
from bentos.pictures import PictureError, open_picture
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        open_picture(path.read_bytes())
    except PictureError:
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
BOMBS = {
    "png": png_of_size(30_000, 30_000),
    "png, beyond Pillow's own limit": png_of_size(2**31 - 1, 2**31 - 1),
    "png, just above": png_of_size(5001, 5000),
    "gif": gif_of_size(65535, 65535),
    "webp": webp_of_size(16383, 16383),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_its_header(data: bytes) -> None:
    with pytest.raises(PictureError, match="pixels"):
        open_picture(data)


def test_bombs_cost_no_memory(tmp_path: Path) -> None:
    """In a process of its own, whose peak nothing else has raised."""
    for i, data in enumerate((WHOLE["WEBP"], WHOLE["GIF"], WHOLE["PNG"], *BOMBS.values())):
        (tmp_path / f"{i:02}").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEAKS, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    peaks = [int(line) for line in done.stdout.split()]
    assert len(peaks) == 3 + len(BOMBS)
    assert peaks[-1] - peaks[2] < 10_000  # KiB


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_that_breaks_off_is_damaged(kind: str) -> None:
    for part in (0.5, 0.8):
        with pytest.raises(PictureError, match=r"is a damaged picture|is no picture"):
            open_picture(WHOLE[kind][: int(part * len(WHOLE[kind]))])


@pytest.mark.parametrize("data", [b"", b"a text", b"%PDF-1.7", b"\x00" * 1000, b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(PictureError, match=r"is no picture \([0-9,]+ bytes\); expected JPEG, PNG, WEBP"):
        open_picture(data)


def test_damage_raises_nothing_else() -> None:
    rng, refused = random.Random(7), 0
    for kind, whole in WHOLE.items():
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            try:
                assert open_picture(bytes(data)).mode == "RGB", kind
            except PictureError:
                refused += 1
    assert refused > 20


def test_the_largest_picture_is_taken() -> None:
    side = int(MAX_PIXELS**0.5)
    assert open_picture(file_of(Image.new("L", (side, side)), compress_level=1)).size == (side, side)


def test_the_numbers_have_their_names() -> None:
    numbers = describe_picture(picture("light", 1, 90, 60))
    assert tuple(numbers) == PICTURE_NUMBERS
    assert (numbers["width"], numbers["height"]) == (90, 60)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (256, 256), (257, 3)])
def test_an_even_picture_has_no_contrast(size: tuple[int, int]) -> None:
    numbers = describe_picture(Image.new("RGB", size, (255, 0, 0)))
    assert numbers["saturation"] == pytest.approx(1)
    assert numbers["mean"] == pytest.approx(0.299, abs=1e-6)
    assert [numbers[name] for name in ("std", "sharpness", "entropy")] == pytest.approx([0, 0, 0], abs=1e-6)


def test_each_number_answers_to_its_change() -> None:
    usual = picture("light", 1, 200, 150)
    numbers = describe_picture(usual)
    blurred = describe_picture(usual.filter(ImageFilter.GaussianBlur(1)))
    darker = describe_picture(usual.point(lambda value: value * 0.7))
    grey = describe_picture(usual.convert("L").convert("RGB"))
    assert blurred["sharpness"] < 0.5 * numbers["sharpness"]
    assert darker["mean"] == pytest.approx(0.7 * numbers["mean"], rel=0.02)
    assert darker["std"] < 0.8 * numbers["std"]
    assert grey["saturation"] == 0 < numbers["saturation"]


def test_two_equal_halves_have_one_bit_of_entropy() -> None:
    halves = Image.fromarray(np.repeat(np.array([[0] * 50 + [255] * 50], np.uint8), 80, axis=0)).convert(
        "RGB"
    )
    numbers = describe_picture(halves)
    assert numbers["entropy"] == pytest.approx(1)
    assert numbers["std"] == pytest.approx(0.5)
