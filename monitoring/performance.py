"""Realised accuracy: the labels that feedback brought, joined with the answers of the window."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import beta, binomtest, fisher_exact

from bentos.postprocess import THRESHOLD, Interval
from bentos.request_log import Row, item_of
from bentos.task import Task
from monitoring.columns import number
from monitoring.errors import Errors, measure_errors
from monitoring.tally import Given, Key

SOURCES = ("audit", "user")  # never pooled: users answer mostly when they are unhappy
MIN_LABELS = 20
POWER = 0.8
FIGURES = ("accuracy", "rmse")  # each with `low`, `high` and that of the reference


Pair = tuple[Any, Any]  # what the model says and what is true: labels, frozen sets of labels, or numbers


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a window by the labels of one source, beside that of the reference.

    Of several labels an answer is right if all of them are.
    """

    labels: int
    right: int
    unknown_labels: int  # labels that the task does not have; left out
    accuracy: float
    low: float  # exact 95 % limits (Clopper-Pearson)
    high: float
    reference_labels: int
    reference_accuracy: float
    p: float  # one-sided Fisher test of "lower than the reference"
    threshold: float
    fell: bool
    smallest_drop: float | None  # seen with 80 % power by so many labels; None: no drop could be


def labelled_items(feedback: Iterable[Row]) -> set[Key]:
    """The items that labels have come for."""
    return {key for row in feedback if (key := item_of(row))}


def join(answered: Mapping[Key, Given], feedback: Iterable[Row], task: Task) -> dict[str, dict[Key, Pair]]:
    """What the model says and what is true of each item, by source. The last label of an item counts."""
    pairs: dict[str, dict[Key, Pair]] = {source: {} for source in SOURCES}
    for row in feedback:
        key, source = item_of(row), row.get("source")
        if key and key in answered and source in SOURCES:
            pair = pair_of(answered[key], row.get("label"), task)
            if pair:
                pairs[source][key] = pair
    return pairs


def reference_pairs(rows: Sequence[Row], task: Task) -> list[Pair]:
    """The same of the labelled rows of the reference."""
    found = (
        pair_of(Given(row.get("label"), row.get("probs") or ()), row.get("true_label"), task) for row in rows
    )
    return [pair for pair in found if pair]


def pair_of(given: Given, label: Any, task: Task) -> Pair | None:
    """None where one of the two is none."""
    says, true = (read(one, task) for read, one in zip(READ[task.problem_type], (given, label), strict=True))
    return None if says is None or true is None else (says, true)


def measured(
    pairs: Sequence[Pair], reference: Sequence[Pair], task: Task, interval: Interval | None, alpha: float
) -> Accuracy | Errors | None:
    """The accuracy, or the errors, of one source's labels; None without any label on either side."""
    if task.problem_type == "regression":
        return measure_errors(pairs, reference, interval, alpha, MIN_LABELS)
    return measure(pairs, task.labels, counts_of(reference), alpha)


def counts_of(pairs: Sequence[Pair]) -> tuple[int, int]:
    """Right answers, and all."""
    return sum(says == true for says, true in pairs), len(pairs)


def figure_of(found: Mapping[str, Any]) -> float:
    """The accuracy, or the RMSE, of what was measured, as it stands in `result.json`."""
    return float(found[next(name for name in FIGURES if name in found)])


def deciding_source(sizes: Mapping[str, int]) -> str | None:
    """The source that the verdict goes by: audit, where it has enough labels."""
    return next((source for source in SOURCES if sizes.get(source, 0) >= MIN_LABELS), None)


def measure(
    pairs: Sequence[Pair], known: Sequence[str], reference: tuple[int, int], alpha: float
) -> Accuracy | None:
    """The accuracy of one source's labels, judged at `alpha`; None without any label on either side."""
    usable = [pair for pair in pairs if _labels(pair[1]) <= set(known)]
    n, (reference_right, reference_n) = len(usable), reference
    if not n or not reference_n:
        return None
    right, _ = counts_of(usable)
    limits = binomtest(right, n).proportion_ci(0.95, method="exact")
    p = _p_lower(right, n, *reference)
    return Accuracy(
        labels=n,
        right=right,
        unknown_labels=len(pairs) - n,
        accuracy=right / n,
        low=float(limits.low),
        high=float(limits.high),
        reference_labels=reference_n,
        reference_accuracy=reference_right / reference_n,
        p=p,
        threshold=alpha,
        fell=n >= MIN_LABELS and p <= alpha,
        smallest_drop=smallest_drop(n, *reference, alpha),
    )


def _labels(label: str | frozenset[str]) -> frozenset[str]:
    return frozenset([label]) if isinstance(label, str) else label


def _set_given(given: Given, task: Task) -> frozenset[str] | None:
    if len(given.scores) != len(task.labels) or any(map(math.isnan, given.scores)):
        return None
    return frozenset(t for t, score in zip(task.labels, given.scores, strict=True) if score >= THRESHOLD)


def _set_true(label: Any, task: Task) -> frozenset[str] | None:
    is_list = isinstance(label, list) and all(isinstance(one, str) for one in label)
    return frozenset(label) if is_list else None


def _number(value: Any) -> float | None:
    found = number(value)
    return None if math.isnan(found) else found


# By problem type, how to read what the model says, and what is true; None where there is nothing to read.
READ: dict[str, tuple[Callable[[Given, Task], Any], Callable[[Any, Task], Any]]] = {
    "single_label_classification": (
        lambda given, task: given.label,
        lambda label, task: label if isinstance(label, str) else None,
    ),
    "multi_label_classification": (_set_given, _set_true),
    "regression": (
        lambda given, task: _number(given.scores[0]) if given.scores else None,
        lambda label, task: _number(label),
    ),
}


def smallest_drop(n: int, reference_right: int, reference_n: int, alpha: float) -> float | None:
    """The drop of accuracy that `n` labels show with 80 % power, the reference taken as it is."""
    low, high = -1, n  # most right answers that still alarm: at least low, below high
    while high - low > 1:
        middle = (low + high) // 2
        if _p_lower(middle, n, reference_right, reference_n) <= alpha:
            low = middle
        else:
            high = middle
    if low < 0:
        return None
    # P(at most `low` right of n) = POWER, solved for the chance of a right answer
    drop = reference_right / reference_n - float(beta.ppf(1 - POWER, low + 1, n - low))
    return drop


def _p_lower(right: int, n: int, reference_right: int, reference_n: int) -> float:
    """Fisher's exact test: the reference accuracy is itself an estimate."""
    table = np.array([[right, n - right], [reference_right, reference_n - reference_right]])
    return float(fisher_exact(table, alternative="less").pvalue)
