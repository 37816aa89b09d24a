"""Our picture preprocessing without transformers equals transformers' own."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPImageProcessor, DeiTImageProcessor, ViTImageProcessor
from transformers.image_utils import load_image

from bentos.picture_preprocess import PicturePreprocess
from bentos.task import TaskError
from tests.pictures import file_of, picture, picture_task

TOLERANCE = 1e-5
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
PROCESSORS = {
    "vit": ViTImageProcessor(size={"height": 32, "width": 32}),
    "oblong": ViTImageProcessor(size={"height": 24, "width": 40}, resample=3, **IMAGENET),
    "bare": ViTImageProcessor(size={"height": 16, "width": 16}, do_normalize=False, do_rescale=False),
    "deit": DeiTImageProcessor(size={"height": 36, "width": 36}, crop_size={"height": 32, "width": 32}),
    "clip": CLIPImageProcessor(size={"shortest_edge": 33}, crop_size={"height": 32, "width": 32}),
    "crop beyond": CLIPImageProcessor(size={"shortest_edge": 21}, crop_size={"height": 32, "width": 32}),
}


def noise(mode: str, width: int = 61, height: int = 43) -> Image.Image:
    """Noise in every channel of a mode."""
    return picture("light", 5, width, height).convert(mode)


def with_alpha(mode: str) -> Image.Image:
    image = noise(mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def wide_grey() -> Image.Image:
    return Image.fromarray(np.arange(61 * 43, dtype=np.uint16).reshape(43, 61) * 20)


def rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(noise("RGB"), "JPEG", exif=exif)


FILES: dict[str, bytes] = {
    "jpeg": file_of(noise("RGB"), "JPEG"),
    "progressive": file_of(noise("RGB"), "JPEG", progressive=True),
    "grey jpeg": file_of(noise("L"), "JPEG"),
    "cmyk": file_of(noise("CMYK"), "JPEG"),
    "png": file_of(noise("RGB")),
    "grey": file_of(noise("L")),
    "bilevel": file_of(noise("1")),
    "alpha": file_of(with_alpha("RGB")),
    "grey with alpha": file_of(with_alpha("L")),
    "palette": file_of(noise("P")),
    "transparent palette": file_of(noise("P"), transparency=3),
    "16 bit": file_of(wide_grey()),
    "webp": file_of(noise("RGB"), "WEBP"),
    "webp with alpha": file_of(with_alpha("RGB"), "WEBP"),
    "gif": file_of(noise("P"), "GIF"),
    "animated": file_of(noise("RGB"), "GIF", save_all=True, append_images=[picture("dark", 1, 61, 43)]),
    "bmp": file_of(noise("RGB"), "BMP"),
    "tiff": file_of(noise("RGB"), "TIFF"),
    "one pixel": file_of(noise("RGB", 1, 1)),
    "one row": file_of(noise("RGB", 500, 1)),
    "one column": file_of(noise("RGB", 1, 500)),
    "exact": file_of(noise("RGB", 32, 32)),
    "large": file_of(noise("RGB", 900, 1300), "JPEG"),
    **{f"orientation {i}": rotated(i) for i in range(1, 9)},
}


def theirs(data: bytes, processor: Any) -> np.ndarray[Any, Any]:
    """`pixel_values` as the pipeline of transformers makes them; of one row it cannot tell the channels."""
    options = {"return_tensors": "np", "input_data_format": "channels_last"}
    return np.asarray(processor(load_image(Image.open(BytesIO(data))), **options)["pixel_values"])


def ours(data: bytes, processor: Any, folder: Path) -> np.ndarray[Any, Any]:
    processor.save_pretrained(folder)
    preprocess = PicturePreprocess(folder, picture_task())
    return preprocess.pad(preprocess([data]))["pixel_values"]


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_equals_transformers(name: str, tmp_path: Path) -> None:
    expected = theirs(FILES[name], PROCESSORS["vit"])
    np.testing.assert_allclose(ours(FILES[name], PROCESSORS["vit"], tmp_path), expected, atol=TOLERANCE)


@pytest.mark.parametrize("file", ["jpeg", "one row", "one column", "large", "orientation 6"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_every_processor_equals_transformers(name: str, file: str, tmp_path: Path) -> None:
    if name in ("clip", "crop beyond") and file.startswith("one"):
        pytest.skip("transformers itself would make a picture of 16,500 columns of it")
    expected = theirs(FILES[file], PROCESSORS[name])
    found = ours(FILES[file], PROCESSORS[name], tmp_path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_batch_holds_each_picture(tmp_path: Path) -> None:
    PROCESSORS["vit"].save_pretrained(tmp_path)
    preprocess = PicturePreprocess(tmp_path, picture_task())
    files = [FILES["jpeg"], FILES["alpha"], FILES["one pixel"]]
    whole = preprocess.pad(preprocess(files))["pixel_values"]
    assert whole.shape == (3, 3, 32, 32)
    for one, file in zip(whole, files, strict=True):
        np.testing.assert_array_equal(one, preprocess.pad(preprocess([file]))["pixel_values"][0])


def test_a_picture_counts_as_its_patches(tmp_path: Path) -> None:
    PROCESSORS["vit"].save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"patch_size": 8}))
    (encoded,) = PicturePreprocess(tmp_path, picture_task())([FILES["jpeg"]])
    assert encoded.n_tokens == 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"do_pad": True, "do_flip_channel_order": True}, "asks for do_pad, do_flip_channel_order"),
        ({"do_resize": False}, "the pictures of one call must have one size"),
        ({"size": {"longest_edge": 32}}, "gives size as {'longest_edge': 32}; expected"),
        ({"size": {"shortest_edge": 32}}, "no height and width of what the model reads"),
    ],
)
def test_what_it_cannot_do_it_says(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    PROCESSORS["vit"].save_pretrained(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(TaskError, match=message):
        PicturePreprocess(tmp_path, picture_task())
