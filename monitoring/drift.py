"""Has the traffic moved away from the reference? One family of tests under one stated false-alarm rate.

The rate holds for windows and references that are independent samples of one source. All windows share the
sampling error of one reference: where they are much larger than it, an unlucky reference alarms more often
than the rate says. MIN_DISTANCE damps that and does not end it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact, ks_2samp

from monitoring.columns import Columns, finite

MONTH = timedelta(days=30)
SHORTEST = timedelta(hours=1)  # an unscheduled window counts at least so long: nobody asks more often
MAX_ALPHA = 0.05
MIN_DISTANCE = 0.05  # smaller moves never alarm, however many rows prove them
DETECTABLE = 0.25  # rows are too few when even a move of this distance could not alarm
MIN_ROWS = 50


@dataclass(frozen=True)
class AlarmRate:
    """How often a window without any change may alarm, and from what that follows."""

    false_alarms_per_month: float
    windows_per_month: float
    alpha: float  # of one window, all its tests together


@dataclass(frozen=True)
class Statistic:
    """The comparison of one column. Distances lie in [0, 1]: at least this share of the rows has moved."""

    column: str
    test: str
    distance: float
    p: float
    measure: str  # what `reference` and `current` are: the mean, or the share of the label that moved most
    reference: float
    current: float
    reference_rows: int
    current_rows: int
    threshold: float = 0.0  # of p
    drifted: bool = False


def alarm_rate(per_month: float, length: timedelta, scheduled: bool) -> AlarmRate:
    """The alpha of one window so that `per_month` false alarms come of windows that follow each other."""
    windows = MONTH / (length if scheduled else max(length, SHORTEST))
    return AlarmRate(per_month, windows, min(MAX_ALPHA, per_month / windows))


def compare(
    reference: Columns, current: Columns, alpha: float, leave_out: Iterable[str] = ()
) -> list[Statistic]:
    """Judge every column with enough usable rows on both sides, by Bonferroni at `alpha` together.

    `leave_out` names columns whose contract is broken. Furthest moved first.
    """
    broken = set(leave_out)
    found = [] if "label" in broken else _labels(reference.labels, current.labels)
    for name, values in current.numbers.items():
        if name.partition("[")[0] not in broken and name in reference.numbers:
            found += _numbers(name, finite(reference.numbers[name]), finite(values))
    threshold = alpha / max(len(found), 1)
    judged = [
        replace(one, threshold=threshold, drifted=one.p <= threshold and one.distance >= MIN_DISTANCE)
        for one in found
    ]
    return sorted(judged, key=lambda one: -one.distance)


def count_tests(reference: Columns) -> int:
    """How many statistics a whole window is judged by."""
    return 1 + sum(len(finite(values)) >= MIN_ROWS for values in reference.numbers.values())


def smallest_distance(threshold: float, n_reference: int, n_current: int) -> float:
    """The least distance at which the Kolmogorov-Smirnov test reaches a threshold."""
    return math.sqrt(math.log(2 / threshold) / 2 * (1 / n_reference + 1 / n_current))


def rows_needed(threshold: float, n_reference: int) -> int | None:
    """The least window in which a distance of DETECTABLE can alarm; None: the reference is too small."""
    room = 2 * DETECTABLE**2 / math.log(2 / threshold) - 1 / max(n_reference, 1)
    return max(MIN_ROWS, math.ceil(1 / room)) if room > 0 and n_reference >= MIN_ROWS else None


def _numbers(name: str, reference: NDArray[np.float64], current: NDArray[np.float64]) -> list[Statistic]:
    """K-S: exact enough at any size, conservative where values are tied."""
    if min(len(reference), len(current)) < MIN_ROWS:
        return []
    result = ks_2samp(reference, current, method="asymp")
    means = float(reference.mean()), float(current.mean())
    sizes = len(reference), len(current)
    return [Statistic(name, "K-S", float(result.statistic), float(result.pvalue), "mean", *means, *sizes)]


def _labels(reference: Sequence[str | None], current: Sequence[str | None]) -> list[Statistic]:
    """Fisher's exact test of each label against the rest: chi-square alarms too often on rare labels."""
    before, after = (Counter(label for label in labels if label) for labels in (reference, current))
    sizes = before.total(), after.total()
    if min(sizes) < MIN_ROWS:
        return []
    names = sorted(before | after)
    moves = {name: after[name] / sizes[1] - before[name] / sizes[0] for name in names}
    tables = [
        np.array([[counts[n], counts.total() - counts[n]] for counts in (before, after)]) for n in names
    ]
    tests = 1 if len(names) == 2 else len(names)  # of two labels, each test says the same
    p = min(1.0, tests * min(float(fisher_exact(table).pvalue) for table in tables))
    most = max(names, key=lambda name: abs(moves[name]))
    distance = sum(abs(move) for move in moves.values()) / 2
    shares = before[most] / sizes[0], after[most] / sizes[1]
    return [Statistic("label", "Fisher", distance, p, f"share of '{most}'", *shares, *sizes)]
