"""Small labelled data sets for the tests of train/data.py and its parts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bentos.task import Task, make_task
from train.data import Splits, load_splits

LABELS = ("negative", "positive")


def rows(n: int = 200, **columns: Any) -> list[dict[str, Any]]:
    """Different texts, the classes in turn, a day from one to the next."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        {
            "text": f"Review number {i}, {LABELS[i % 2]}.",
            "label": LABELS[i % 2],
            "timestamp": (start + timedelta(days=i)).isoformat(),
            "group": f"group {i // 4}",
        }
        | columns
        for i in range(n)
    ]


def write(path: Path, data: list[dict[str, Any]]) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in data))
    return str(path)


def task_of(**values: Any) -> Task:
    return make_task({"name": "t", "labels": LABELS, "model_type": "distilbert", **values}, "test")


def load(path: Path, data: list[dict[str, Any]], **values: Any) -> Splits:
    return load_splits(task_of(train_file=write(path / "rows.jsonl", data), **values))


def all_texts(splits: Splits) -> list[Any]:
    return [*splits.train.texts, *splits.validation.texts, *splits.test.texts]
