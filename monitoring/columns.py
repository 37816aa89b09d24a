"""Log rows as columns: one array per number that can be compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bentos.request_log import TEXT_NUMBERS, Row
from bentos.task import Task

NUMBERS = {"text-classification": TEXT_NUMBERS}  # what describe() gives for each pipeline tag
LARGEST = 1e100  # beyond it a number counts as infinite: means and histograms of such overflow


@dataclass(frozen=True)
class Columns:
    """Rows by column. NaN stands where a row holds no usable number, None where it holds no label."""

    labels: list[str | None]
    numbers: dict[str, NDArray[np.float64]]  # each [rows]; `probs[<label>]` and describe()'s numbers

    def __len__(self) -> int:
        return len(self.labels)


def to_columns(rows: Sequence[Row], task: Task) -> Columns:
    """The columns that drift is judged on; bad values become NaN or None, never an error."""
    numbers = {f"probs[{label}]": values for label, values in _scores(rows, task).items()}
    for name in NUMBERS.get(task.pipeline_tag, ()):
        numbers[name] = np.array([_number(row.get(name)) for row in rows], dtype=np.float64)
    labels = [row["label"] if row.get("label") in task.labels else None for row in rows]
    return Columns(labels, numbers)


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


def _scores(rows: Sequence[Row], task: Task) -> dict[str, NDArray[np.float64]]:
    """One array per class; of two classes that add up to 1 the second tells all."""
    empty = [math.nan] * len(task.labels)
    lists = [empty if probs_fault(row.get("probs"), task) else row["probs"] for row in rows]
    matrix = np.array(lists, dtype=np.float64).reshape(len(rows), len(task.labels))
    binary = task.problem_type == "single_label_classification" and len(task.labels) == 2
    return {label: matrix[:, i] for i, label in enumerate(task.labels) if not (binary and i == 0)}


def _number(value: Any) -> float:
    return math.nan if number_fault(value) else float(value)
