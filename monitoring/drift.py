"""Has the traffic moved away from the reference? One family of tests under one stated false-alarm rate.

Every statistic compares counts on the reference's bins. How far chance moves them all is known from dealing
the rows of both sides out anew (monitoring/chance.py). So the rate is kept however the columns hang together,
at every size of window and reference, ties or not. With both sides drawn from the reference alone it was not
kept where values are rare: beside a reference that has met one by chance, three look like a change.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from monitoring import distances
from monitoring.binned import Counts, bins_of, table_of
from monitoring.chance import Null, drawn, shuffled
from monitoring.columns import Columns
from monitoring.distances import Apart

MONTH = timedelta(days=30)
SHORTEST = timedelta(hours=1)  # an unscheduled window counts at least so long: nobody asks more often
MAX_ALPHA = 0.05
MIN_DISTANCE = 0.02  # smaller moves never alarm, however many rows prove them
DETECTABLE = 0.25  # rows are too few when even a move of this distance could not alarm
MIN_ROWS = 50

MEASURES: dict[str, Callable[[Any, Any], Apart]] = {
    "K-S": distances.numbers,
    "tails": distances.tails,
    "chi-square": distances.shares,
    "token buckets": distances.tokens,
    "one token bucket": distances.one_token,
}
OF_NUMBERS = ("K-S", "tails")
OF_OTHERS = {"label": ("chi-square",), "tokens": ("token buckets", "one token bucket")}


class Test(NamedTuple):
    """One member of the family."""

    column: str
    measure: str  # of MEASURES

    @property
    def name(self) -> str:
        """`n_chars, tails`."""
        return f"{self.column}, {self.measure}"


@dataclass(frozen=True)
class AlarmRate:
    """How often a window without any change may alarm, and from what that follows."""

    false_alarms_per_month: float
    windows_per_month: float
    alpha: float  # of one window, all its tests together
    scheduled: bool  # the windows follow each other


@dataclass(frozen=True)
class Statistic:
    """The comparison of one column. Distances lie in [0, 1]: at least this share of the rows has moved."""

    column: str
    test: str
    distance: float
    effect: float  # the score without the sample sizes: what windows of any size are ranked by
    p: float  # that chance alone takes any test of the family so improbably far
    measure: str  # what `reference` and `current` are the shares of
    reference: float
    current: float
    reference_rows: int
    current_rows: int
    threshold: float  # of p
    drifted: bool

    @property
    def name(self) -> str:
        """That of its test."""
        return Test(self.column, self.test).name


class Baseline:
    """What windows are compared with: the reference as counts, and what chance makes of them."""

    def __init__(self, reference: Columns, labels: Sequence[str]) -> None:
        self.labels, self.n_rows = labels, len(reference)
        self.bins = bins_of(reference, len(labels))
        self.counts = self.bins.count(reference)
        self._table = table_of(reference, self.bins)

    @property
    def tests(self) -> list[Test]:
        """The whole family; the one label of a regression cannot change."""
        columns = [c for c in self.bins.spans if c != "label" or len(self.labels) > 1]
        return [Test(c, one) for c in columns for one in OF_OTHERS.get(c, OF_NUMBERS)]

    def apart(self, test: Test, before: NDArray[Any], after: NDArray[Any]) -> Apart:
        """How far a column is apart between counts [..., cells]."""
        span = self.bins.spans[test.column]
        return MEASURES[test.measure](before[..., span], after[..., span])

    def null(self, window: Columns, n_rows: int) -> Null[Test]:
        """What chance does to all tests in windows of `n_rows`, of which `window` is a sample."""
        table = vstack([self._table, table_of(window, self.bins)], format="csr")
        if n_rows == len(window):
            before, after = shuffled(table, self.n_rows)
        else:
            weights = np.repeat([1.0, n_rows / len(window)], [self.n_rows, len(window)])
            before, after = drawn(table, weights, (self.n_rows, n_rows))
        return Null({test: self.apart(test, before, after).score for test in self.tests})

    def filled(self, counts: Counts) -> list[str]:
        """The columns with enough usable values in these counts and in the reference."""
        return [
            c
            for c in self.bins.spans
            if min(self.n_values(c, self.counts), self.n_values(c, counts)) >= MIN_ROWS
        ]

    def n_values(self, column: str, counts: Counts) -> int:
        """How many rows have a usable value."""
        cells = counts[self.bins.spans[column]]
        return int(cells[0] if column == "tokens" else cells.sum())

    def described(self, column: str, cell: int) -> str:
        """What the share of a cell is the share of."""
        if column == "label":
            return f"share of '{self.labels[cell]}'"
        return (
            "share with one bucket" if column == "tokens" else f"share above {self._edge(column, cell):.3g}"
        )

    def share(self, column: str, cell: int, counts: Counts) -> float:
        """Of the rows, those in the cell of a label, in a token bucket, or above the edge of a number."""
        cells, n = counts[self.bins.spans[column]], max(self.n_values(column, counts), 1)
        if column in self.bins.edges:
            return float(cells[cell + 1 :].sum() / n)
        return float(cells[cell + (column == "tokens")] / n)

    def _edge(self, column: str, cell: int) -> float:
        edges = self.bins.edges[column]
        return float(edges[min(cell, len(edges) - 1)])


def alarm_rate(per_month: float, length: timedelta, scheduled: bool) -> AlarmRate:
    """The alpha of one window so that `per_month` false alarms come of windows that follow each other."""
    windows = MONTH / (length if scheduled else max(length, SHORTEST))
    return AlarmRate(per_month, windows, min(MAX_ALPHA, per_month / windows), scheduled)


def compare(
    baseline: Baseline, counts: Counts, null: Null[Test], alpha: float, leave_out: Iterable[str] = ()
) -> list[Statistic]:
    """Every test of each column with enough usable rows on both sides, judged together at `alpha`.

    `leave_out` names columns whose contract is broken.
    """
    found = moved(baseline, counts, leave_out)
    p = null.p_values({test: float(apart.score) for test, apart in found.items()})
    return [_statistic(baseline, counts, test, apart, p[test], alpha) for test, apart in found.items()]


def moved(baseline: Baseline, counts: Counts, leave_out: Iterable[str] = ()) -> dict[Test, Apart]:
    """Every test of each column with enough usable rows on both sides."""
    broken = set(leave_out)
    columns = {c for c in baseline.filled(counts) if c.partition("[")[0] not in broken}
    tests = [test for test in baseline.tests if test.column in columns]
    return {test: baseline.apart(test, baseline.counts, counts) for test in tests}


def strongest(statistics: Iterable[Statistic]) -> list[Statistic]:
    """Of each column the test that shows most; the furthest moved first."""
    best: dict[str, Statistic] = {}
    for one in statistics:
        rival = best.get(one.column)
        if rival is None or (not one.drifted, one.p) < (not rival.drifted, rival.p):
            best[one.column] = one
    return sorted(best.values(), key=lambda one: -one.distance)


def smallest_distance(null: Null[Test], baseline: Baseline, n_rows: int, alpha: float) -> float:
    """The least distance of most numbers at which a window of so many rows alarms."""
    return math.sqrt(_critical(null, baseline, alpha) / 2 * (1 / baseline.n_rows + 1 / n_rows))


def rows_needed(null: Null[Test], baseline: Baseline, alpha: float) -> int | None:
    """The least window in which a distance of DETECTABLE can alarm; None: the reference is too small."""
    if baseline.n_rows < MIN_ROWS:
        return None
    room = 2 * DETECTABLE**2 / _critical(null, baseline, alpha) - 1 / baseline.n_rows
    return max(MIN_ROWS, math.ceil(1 / room)) if room > 0 else None


def _critical(null: Null[Test], baseline: Baseline, alpha: float) -> float:
    """The score that most numbers must reach to alarm."""
    return median(null.critical(Test(column, OF_NUMBERS[0]), alpha) for column in baseline.bins.edges)


def has_drifted(p: float, alpha: float, distance: float) -> bool:
    """Beyond chance, and far enough to matter."""
    return p <= alpha and distance >= MIN_DISTANCE


def effect(score: float, n: int, m: int) -> float:
    """A score of samples of n and m rows, freed from their sizes: of K-S it is the distance."""
    return math.sqrt(score / 2 * (1 / n + 1 / m))


def _statistic(
    baseline: Baseline, counts: Counts, test: Test, apart: Apart, p: float, alpha: float
) -> Statistic:
    column, distance, cell = test.column, float(apart.distance), int(apart.cell)
    before, after = (baseline.share(column, cell, one) for one in (baseline.counts, counts))
    n, m = (baseline.n_values(column, one) for one in (baseline.counts, counts))
    return Statistic(
        column=column,
        test=test.measure,
        distance=distance,
        effect=effect(float(apart.score), n, m),
        p=p,
        measure=baseline.described(column, cell),
        reference=before,
        current=after,
        reference_rows=n,
        current_rows=m,
        threshold=alpha,
        drifted=has_drifted(p, alpha, distance),
    )
