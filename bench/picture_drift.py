"""How often the monitor of pictures alarms, without a change and with one: python -m bench.picture_drift

Takes a stored model of pictures whose task has a `train_dir` with one class more than its labels, the unseen
one. References and windows are drawn from its held-out pictures, a part of each window is changed. The
model of the figures, its other settings being in the result:

python -m train image-attributes --set train_dir=FOLDER --set test_split_percentage=60
  --set "labels=[cardboard, glass, metal, paper, plastic]"

Writes bench/results/picture-drift.json.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from bench.alarms import ALPHA, SHARED, band, in_processes, one_call
from bench.compare_result import machine
from bench.road import console
from bentos.model_store import load_entry, write_atomically
from bentos.pictures import open_picture
from bentos.runner import Loaded, load_sound
from bentos.task import Task
from monitoring.chance import surprise
from monitoring.columns import Columns, joined, to_columns
from monitoring.drift import Baseline, compare, moved
from train.data import load_splits
from train.picture_sources import class_folders

RESULT = Path(__file__).parent / "results" / "picture-drift.json"
REFERENCE, WINDOW = 300, 200
PARTS = (0.1, 0.25, 1.0)  # of a window that is changed
CAST = (1.06, 1.0, 0.92)  # a warmer white balance: red, green, blue

Change = Callable[[Image.Image], Image.Image]


def recompressed(picture: Image.Image, quality: int = 20) -> Image.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cast(picture: Image.Image) -> Image.Image:
    channels = [c.point(lambda v, f=f: v * f) for c, f in zip(picture.split(), CAST, strict=True)]
    return Image.merge("RGB", channels)


CHANGES: dict[str, Change] = {
    "blur, radius 1": lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
    "blur, radius 2": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "darker by 10 %": lambda picture: ImageEnhance.Brightness(picture).enhance(0.9),
    "darker by 20 %": lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    "a camera's colour cast": cast,
    "JPEG quality 20": recompressed,
}
UNSEEN = "an unseen class"


def pools(loaded: Loaded) -> dict[str, Columns]:
    """The answers to the held-out pictures as they are, to each change of them, and to the unseen class."""
    task = loaded.entry.task
    usual = [open_picture(picture.read()) for picture in load_splits(task).test.texts]
    found = {"none": answered(loaded, usual)}
    for name, change in CHANGES.items():
        console.print(f"{name}: {len(usual)} pictures through {loaded.entry.tag}")
        found[name] = answered(loaded, [change(picture) for picture in usual])
    return found | {UNSEEN: answered(loaded, unseen(task))}


def unseen(task: Task) -> list[Image.Image]:
    """Those of the class that the model does not know."""
    table = class_folders(str(task.train_dir), task)
    rows = zip(table[task.image_column_name], table[task.label_column_names[0]], strict=True)
    return [open_picture(read()) for read, label in rows if label not in task.labels]


def answered(loaded: Loaded, pictures: list[Image.Image]) -> Columns:
    """The log rows of pictures, as columns. PNG, so that nothing else is changed."""
    rows = [row for picture in pictures for row in one_call(loaded, [png(picture)])]
    return to_columns(rows, loaded.entry.task)


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawn(change: str, part: float, seed: int) -> tuple[Columns, Columns]:
    """Usual rows as a reference, and others as a window of which a part is changed."""
    rng, usual, changed = np.random.default_rng(seed), SHARED["none"], SHARED[change]
    rows, n_changed = rng.permutation(len(usual))[: REFERENCE + WINDOW], rng.binomial(WINDOW, part)
    reference, kept, others = np.split(rows, [REFERENCE, REFERENCE + WINDOW - n_changed])
    if change == UNSEEN:
        others = rng.choice(len(changed), n_changed, replace=n_changed > len(changed))
    return usual.take(reference), joined([usual.take(kept), changed.take(others)])


def found_by(labels: tuple[str, ...], change: str, part: float, seed: int) -> dict[str, float]:
    """The family's p of a fresh window beside a fresh reference, and that of each test alone."""
    reference, current = drawn(change, part, seed)
    baseline = Baseline(reference, labels)
    null, counts = baseline.null(current, WINDOW), baseline.bins.count(current)
    alone = {
        test.name: float(np.exp(-surprise(null.scores[test], np.asarray(apart.score))))
        for test, apart in moved(baseline, counts).items()
    }
    return {"family": min(one.p for one in compare(baseline, counts, null, ALPHA)), **alone}


def flagged(windows: list[dict[str, float]]) -> dict[str, Any]:
    """The share of windows that the family flags, and that of the best test alone."""
    shares = {name: sum(one[name] <= ALPHA for one in windows) / len(windows) for name in windows[0]}
    family = shares.pop("family")
    best = max(shares, key=lambda name: shares[name])
    return {"flagged": family, "best": best, "alone": shares[best]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.picture_drift", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--model", default="image-attributes-onnx-int8:latest", help="default: %(default)s")
    parser.add_argument("--windows", type=int, default=100, help="of each change; default: %(default)s")
    given = parser.parse_args()
    loaded = load_sound(load_entry(given.model))
    entry, found = loaded.entry, pools(loaded)
    work = partial(found_by, entry.task.labels)
    usual = in_processes(found, partial(work, "none", 0.0), 10 * given.windows)
    result: dict[str, Any] = {
        "machine": machine(),
        "model": {"config": entry.task.config_overrides, "training": entry.task.training, **entry.metrics},
        "rows": {"reference": REFERENCE, "window": WINDOW, **{name: len(one) for name, one in found.items()}},
        "false alarms": {"stated": ALPHA, "windows": len(usual), "band": band(len(usual)), **flagged(usual)},
    }
    for change in (*CHANGES, UNSEEN):
        for part in PARTS:
            windows = in_processes(found, partial(work, change, part), given.windows)
            result[f"{change}, {part:.0%}"] = flagged(windows)
            console.print(f"{change}, {part:.0%}", result[f"{change}, {part:.0%}"])
    write_atomically(RESULT, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
