"""Realised accuracy: the labels that feedback brought, joined with the answers of the window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binomtest, fisher_exact

from bentos.request_log import Row, item_of
from monitoring.tally import Key

SOURCES = ("audit", "user")  # never pooled: users answer mostly when they are unhappy
MIN_LABELS = 20
POWER = 0.8


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a window by the labels of one source, beside that of the reference."""

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


def join(answered: Mapping[Key, str], feedback: Iterable[Row]) -> dict[str, dict[Key, tuple[str, str]]]:
    """(predicted, true) label of each answered item, by source. The last label of an item counts."""
    pairs: dict[str, dict[Key, tuple[str, str]]] = {source: {} for source in SOURCES}
    for row in feedback:
        key, source, label = item_of(row), row.get("source"), row.get("label")
        if key and key in answered and source in SOURCES and isinstance(label, str):
            pairs[source][key] = (answered[key], label)
    return pairs


def reference_counts(rows: Sequence[Row]) -> tuple[int, int]:
    """Right answers and labelled rows of the reference."""
    labelled = [row for row in rows if isinstance(row.get("true_label"), str)]
    return sum(row.get("label") == row["true_label"] for row in labelled), len(labelled)


def deciding_source(sizes: Mapping[str, int]) -> str | None:
    """The source that the verdict goes by: audit, where it has enough labels."""
    return next((source for source in SOURCES if sizes.get(source, 0) >= MIN_LABELS), None)


def measure(
    pairs: Sequence[tuple[str, str]], known: Sequence[str], reference: tuple[int, int], alpha: float
) -> Accuracy | None:
    """The accuracy of one source's labels, judged at `alpha`; None without any label on either side."""
    usable = [pair for pair in pairs if pair[1] in known]
    n, (reference_right, reference_n) = len(usable), reference
    if not n or not reference_n:
        return None
    right = sum(predicted == true for predicted, true in usable)
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
