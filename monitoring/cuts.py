"""Where each column that drifted moved most, as a question to a row: is it on this side of the cut?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.binned import Bins, Counts
from monitoring.columns import Columns
from monitoring.drift import Baseline, Statistic, Test

Sides = NDArray[np.float64]  # [rows]: 1 on this side, 0 on the other, NaN without a usable value


@dataclass(frozen=True)
class Cut:
    """An edge of a number, a label, or a token bucket."""

    column: str
    cell: int  # as in drift.Baseline.share
    reference: float  # share of the rows on this side
    window: float

    def sides(self, columns: Columns, bins: Bins) -> Sides:
        """On which side each row is."""
        if self.column in bins.edges:
            values = columns.numbers[self.column]
            above = np.searchsorted(bins.edges[self.column], values) > self.cell
            return np.where(np.isnan(values), math.nan, above)
        if self.column == "label":
            return np.where(columns.labels < 0, math.nan, columns.labels == self.cell)
        lengths = np.diff(columns.bucket_ends, prepend=0)
        rows = np.repeat(np.arange(len(columns)), lengths)[columns.buckets == self.cell]
        held = np.bincount(rows, minlength=len(columns)).astype(np.float64)
        return np.where(lengths == 0, math.nan, held)


def cuts_of(statistics: list[Statistic], baseline: Baseline, counts: Counts) -> list[Cut]:
    """That of each column that drifted, in their order."""
    return [_cut(one, baseline, counts) for one in statistics if one.drifted]


def _cut(one: Statistic, baseline: Baseline, counts: Counts) -> Cut:
    """Of token buckets the one least like chance: of the words of all texts, one is often off by more."""
    measure = "one token bucket" if one.column == "tokens" else one.test
    cell = int(baseline.apart(Test(one.column, measure), baseline.counts, counts).cell)
    return Cut(one.column, cell, *(baseline.share(one.column, cell, c) for c in (baseline.counts, counts)))
