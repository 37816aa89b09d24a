"""The road on real reviews: train, serve, send the held-out rows over HTTP, report. Writes bench/results.

python -m bench.real_data FOLDER [SYSTEM ...] --base MODEL, where FOLDER holds steam.parquet, imdb.parquet and
ai_text.parquet with the columns text and label (and timestamp, split, group respectively).
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pandas as pd

from bench.road import call, console, judge, last_run, send, served
from bentos.task import load_task
from train.data import load_splits

RESULTS = Path(__file__).parent / "results"
STEAM_SOURCE = "Data-Sci-2025+Steam-Reviews-Analysis"
FIRST_SERVED_YEAR = 2019  # the Steam model learns from the years before
ROWS_A_PART = 1500
LABELLED = 300
TRAINING = ["training.bf16=true", "training.per_device_train_batch_size=16", "training.learning_rate=5.0e-5"]
Traffic = Iterator[tuple[str, list[str], list[str]]]  # title, texts, labels


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.real_data", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("systems", nargs="*", choices=[*SYSTEMS, []], default=list(SYSTEMS))
    parser.add_argument("--base", required=True, help="model_name_or_path to start from")
    arguments = parser.parse_args()
    for name in arguments.systems:
        with tempfile.TemporaryDirectory() as scratch:
            settings, traffic = SYSTEMS[name](arguments.data, Path(scratch))
            one_system(name, [*settings, *TRAINING, f"model_name_or_path={arguments.base}"], traffic)
    return 0


def one_system(name: str, settings: list[str], traffic: Callable[[list[str]], Traffic]) -> None:
    """Train, serve, send, judge; the figures go to bench/results/real-<system>.json.

    A finished training run in runs/real-data is served as it is: remove it to train again.
    """
    folder = train(name, settings)
    with served(name, "onnx-int8", folder) as url:
        parts = [send(url, t, x, y, LABELLED) for t, x, y in traffic(settings)]
    run = last_run(folder, name)
    latencies = [latency for part in parts for latency in part.latencies]
    result = {
        "system": name,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "settings": [_without_folder(setting) for setting in settings],
        "rows": run["data"],
        "metrics": run["metrics"],
        "baseline": run["baseline"],
        "training_seconds": run["training_seconds"],
        "latency_ms": {"p50": median(latencies), "p99": quantiles(latencies, n=100)[98], "n": len(latencies)},
        "windows": [_window(part.title, part.accuracy, judge(name, part, folder)) for part in parts],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"real-{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    console.print(f"Written: {RESULTS.name}/real-{name}.json")


def train(name: str, settings: list[str]) -> Path:
    """Train with the settings, unless it has been done; the run's folder."""
    folder = Path("runs", "real-data", name)
    if not (folder / name / "last_run.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        overrides = [part for setting in settings for part in ("--set", setting)]
        call("train", name, "--baseline", "--runs", str(folder), *overrides)
    return folder


def _without_folder(setting: str) -> str:
    """A file's own name: where it lies on this machine is nobody's business."""
    key, _, value = setting.partition("=")
    return f"{key}={Path(value).name}"


def _window(title: str, accuracy: float, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "traffic": title,
        "accuracy": accuracy,
        "verdict": result["verdict"],
        "summary": result["summary"],
    }


def steam(data: Path, scratch: Path) -> tuple[list[str], Callable[[list[str]], Traffic]]:
    """One source; the model learns from the years before 2019 and is then watched year by year."""
    rows = pd.read_parquet(data / "steam.parquet")
    rows = rows[rows["source"] == STEAM_SOURCE]
    year = rows["timestamp"].dt.year
    early = scratch / "steam-early.parquet"
    rows[year < FIRST_SERVED_YEAR].to_parquet(early)
    settings = [f"train_file={early}", "timestamp_column_name=timestamp", "max_seq_length=128"]

    def traffic(settings: list[str]) -> Traffic:
        yield from _held_out("steam-reviews", settings)
        for y in range(FIRST_SERVED_YEAR, int(year.max()) + 1):
            part = rows[year == y]
            part = part[part["text"].str.strip() != ""]
            part = part.sample(min(ROWS_A_PART, len(part)), random_state=1)
            yield str(y), part["text"].tolist(), part["label"].tolist()

    return [*settings, "training.num_train_epochs=2"], traffic


def imdb(data: Path, scratch: Path) -> tuple[list[str], Callable[[list[str]], Traffic]]:
    """The official split."""
    settings = [f"train_file={data / 'imdb.parquet'}", "split_column_name=split", "max_seq_length=128"]
    settings += ["max_train_samples=8000", "training.num_train_epochs=2"]
    return settings, lambda settings: _held_out("imdb-reviews", settings)


def ai_text(data: Path, scratch: Path) -> tuple[list[str], Callable[[list[str]], Traffic]]:
    """Split by group: a text and its rewritings are never on both sides."""
    settings = [
        f"train_file={data / 'ai_text.parquet'}",
        "text_column_names=text",
        "group_column_name=group",
        "max_seq_length=128",
    ]
    settings += ["max_train_samples=8000", "training.num_train_epochs=2"]
    return settings, lambda settings: _held_out("ai-generated-text", settings)


def _held_out(name: str, settings: list[str]) -> Traffic:
    """The first rows of the test split, as a user of the service would send them."""
    task = load_task(name, settings)
    test = load_splits(task).test
    step = max(1, len(test.texts) // ROWS_A_PART)
    texts, ids = test.texts[::step][:ROWS_A_PART], test.labels[::step][:ROWS_A_PART]
    yield "held-out", [str(t) for t in texts], [task.labels[int(i)] for i in ids]


SYSTEMS = {"steam-reviews": steam, "imdb-reviews": imdb, "ai-generated-text": ai_text}

if __name__ == "__main__":
    sys.exit(main())
