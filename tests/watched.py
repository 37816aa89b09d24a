"""A task of its own for the monitor: a store entry with what monitoring reads, and a log of made-up rows."""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from bentos.model_store import save_entry
from bentos.request_log import Row
from tests.monitoring_rows import TASK, make_reference, make_rows, write_lines, write_log

NAME = "watched-reviews"
TAG = f"{NAME}-onnx-int8:1"


def store_task(folder: Path) -> Path:
    """Store the entry, and write the task's file into the folder."""
    entry = folder / "entry"
    entry.mkdir()
    path = folder / "watched.yaml"
    for file in (path, entry / "task.yaml"):
        file.write_text(yaml.safe_dump(yaml.safe_load(TASK.to_yaml()) | {"name": NAME}))
    write_lines(entry / "reference.jsonl", make_reference(1000).rows)
    contents = {"calibration": {"temperature": 1.0}, "metrics": {}, "canonical": []}
    for name, content in contents.items():
        (entry / f"{name}.json").write_text(json.dumps(content))
    save_entry(entry, TAG)
    return path


def log(root: Path, rows: list[Row], feedback: Sequence[Row] = ()) -> list[str]:
    """Write the rows as a day's log, a file an hour; the arguments that read it."""
    for kind, lines in (("requests", rows), ("feedback", feedback)):
        write_log(root / "logs" / NAME, kind, lines)
    return ["--logs", str(root / "logs"), "--out", str(root / "reports")]


def rows_of_the_day(n: int = 300, **changes: float) -> list[Row]:
    """Rows of the task's model, spread over 2026-11-16."""
    return make_rows(n, seed=1, model_tag=TAG, **changes)


def results(root: Path) -> list[dict[str, object]]:
    """Every result.json, by window."""
    return [json.loads(path.read_text()) for path in sorted(root.rglob("result.json"))]
