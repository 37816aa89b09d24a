"""Log rows as columns: one array per number that can be compared."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bentos.pictures import PICTURE_NUMBERS
from bentos.request_log import BUCKET_NAMES, TEXT_NUMBERS, Row
from bentos.task import Task

# What describe() gives for each pipeline tag.
NUMBERS = {"text-classification": TEXT_NUMBERS, "image-classification": PICTURE_NUMBERS}
BUCKETS = len(BUCKET_NAMES)
BUCKET_OF = {name: bucket for bucket, name in enumerate(BUCKET_NAMES)}
LARGEST = 1e100  # beyond it a number counts as infinite: means and histograms of such overflow


@dataclass(frozen=True)
class Columns:
    """Rows by column. NaN stands where a row holds no usable number."""

    labels: NDArray[np.int64]  # [rows], positions in the task's labels; -1 where a row has none of them
    numbers: dict[str, NDArray[np.float64]]  # each [rows]; `probs[<label>]` and describe()'s numbers
    buckets: NDArray[np.int16]  # the token buckets of one row after the other
    bucket_ends: NDArray[np.int64]  # [rows], where in `buckets` those of the row end

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64]) -> "Columns":
        """These rows, in this order."""
        lengths = np.diff(self.bucket_ends, prepend=0)[rows]
        ends = np.cumsum(lengths)
        first = np.repeat(self.bucket_ends[rows] - ends, lengths)  # of a row's buckets, in both orders
        return Columns(
            self.labels[rows],
            {name: values[rows] for name, values in self.numbers.items()},
            self.buckets[first + np.arange(len(first))],
            ends,
        )


def to_columns(rows: Sequence[Row], task: Task) -> Columns:
    """The columns that drift is judged on; bad values count as none, never as an error."""
    numbers = _scores(rows, task)
    for name in NUMBERS.get(task.pipeline_tag, ()):
        numbers[name] = np.array([number(row.get(name)) for row in rows], dtype=np.float64)
    buckets = [_buckets(row.get("buckets")) for row in rows]
    return Columns(
        labels=np.array([_position(row.get("label"), task) for row in rows], np.int64),
        numbers=numbers,
        buckets=np.array([bucket for one in buckets for bucket in one], np.int16),
        bucket_ends=np.cumsum([len(one) for one in buckets], dtype=np.int64),
    )


def no_columns(numbers: Iterable[str]) -> Columns:
    """No rows."""
    none = np.array([], np.int64)
    return Columns(none, {name: np.array([]) for name in numbers}, none.astype(np.int16), none)


def joined(parts: Sequence[Columns]) -> Columns:
    """The rows of one part after the other; at least one, all with the same numbers."""
    starts = np.cumsum([0, *(len(one.buckets) for one in parts)])
    return Columns(
        np.concatenate([one.labels for one in parts]),
        {name: np.concatenate([one.numbers[name] for one in parts]) for name in parts[0].numbers},
        np.concatenate([one.buckets for one in parts]),
        np.concatenate([one.bucket_ends + start for one, start in zip(parts, starts, strict=False)]),
    )


def finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values without NaN."""
    return values[~np.isnan(values)]


def number_fault(value: Any) -> str | None:
    """Why a value is no usable number, or None."""
    if value is None:
        return "missing"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"of type {type(value).__name__}"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return None if abs(value) <= LARGEST else "infinite"


def probs_fault(value: Any, task: Task) -> str | None:
    """Why a value is no list of one probability per label, or None."""
    if value is None:
        return "missing"
    if not isinstance(value, list):
        return f"of type {type(value).__name__}"
    if len(value) != len(task.labels):
        return f"of {len(value)} numbers"
    if fault := next((fault for item in value if (fault := number_fault(item))), None):
        return f"with an item {fault}"
    if task.problem_type != "regression" and not all(-1e-6 <= item <= 1 + 1e-6 for item in value):
        return "outside 0 to 1"
    if task.problem_type == "single_label_classification" and abs(sum(value) - 1) > 1e-3:
        return "not adding up to 1"
    return None


def probs_are_sound(probs: NDArray[np.float64], task: Task) -> bool:
    """Whether `probs_fault` finds nothing in any row of [rows, labels]."""
    if not (np.abs(probs) <= LARGEST).all():
        return False
    if task.problem_type != "regression" and not ((probs >= -1e-6) & (probs <= 1 + 1e-6)).all():
        return False
    return task.problem_type != "single_label_classification" or bool(
        (np.abs(probs.sum(axis=1) - 1) <= 1e-3).all()
    )


def compared_scores(probs: NDArray[np.float64], task: Task) -> dict[str, NDArray[np.float64]]:
    """Of [rows, labels] a column for each class; of two classes that add up to 1 the second tells all."""
    binary = task.problem_type == "single_label_classification" and len(task.labels) == 2
    return {f"probs[{label}]": probs[:, i] for i, label in enumerate(task.labels) if not (binary and i == 0)}


def _scores(rows: Sequence[Row], task: Task) -> dict[str, NDArray[np.float64]]:
    empty = [math.nan] * len(task.labels)
    lists = [empty if probs_fault(row.get("probs"), task) else row["probs"] for row in rows]
    return compared_scores(np.array(lists, dtype=np.float64).reshape(len(rows), len(task.labels)), task)


def _position(label: Any, task: Task) -> int:
    return task.labels.index(label) if label in task.labels else -1


def _buckets(value: Any) -> list[int]:
    """The usable ones of a row, each once; store entries of earlier versions have lists of numbers."""
    if isinstance(value, str):
        value = [BUCKET_OF.get(value[i : i + 2]) for i in range(0, len(value), 2)]
    if not isinstance(value, list):
        return []
    return sorted({one for one in value if type(one) is int and 0 <= one < BUCKETS})


def number(value: Any) -> float:
    """A usable number, or NaN."""
    return math.nan if number_fault(value) else float(value)
