"""The columns that drifted, before and now: shares by the tenths of the reference, and quantiles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.binned import Counts
from monitoring.columns import Columns, finite
from monitoring.drift import Baseline, Statistic

QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}
TENTHS = np.arange(1, 10) / 10


@dataclass(frozen=True)
class Distribution:
    """One column: of a number, part i holds the values above bound i - 1 up to bound i; or a part a label."""

    column: str
    bounds: list[float] | list[str]
    reference: list[float]  # share of the rows in each part; a number has one part more than bounds
    window: list[float]
    quantiles: dict[str, dict[str, float]]  # QUANTILES of `reference` and `window`; none of labels


def distributions_of(
    statistics: list[Statistic], baseline: Baseline, counts: Counts, reference: Columns, window: Columns
) -> list[Distribution]:
    """Those of the labels and numbers that drifted; `window` is the sample of the rows counted."""
    drifted = [one.column for one in statistics if one.drifted and one.column != "tokens"]
    return [
        of_labels(baseline, counts)
        if column == "label"
        else of_number(column, baseline, counts, reference, window)
        for column in drifted
    ]


def of_labels(baseline: Baseline, counts: Counts) -> Distribution:
    span = baseline.bins.spans["label"]
    before, after = (_shares(one[span]) for one in (baseline.counts, counts))
    return Distribution("label", list(baseline.labels), before, after, {})


def of_number(
    column: str, baseline: Baseline, counts: Counts, reference: Columns, window: Columns
) -> Distribution:
    """Fewer than ten parts where many values are equal."""
    span, edges = baseline.bins.spans[column], baseline.bins.edges[column]
    up_to = np.cumsum(baseline.counts[span])
    ends = np.unique(np.searchsorted(up_to, TENTHS * up_to[-1]))
    ends = ends[ends < len(edges) - 1]  # above the largest value of the reference there is nothing of it
    before, after = (
        _shares(np.add.reduceat(one[span], [0, *(ends + 1)])) for one in (baseline.counts, counts)
    )
    values = {"reference": finite(reference.numbers[column]), "window": finite(window.numbers[column])}
    quantiles = {side: _quantiles(one) for side, one in values.items() if len(one)}
    return Distribution(column, edges[ends].tolist(), before, after, quantiles)


def _shares(counts: Counts) -> list[float]:
    shares: list[float] = (counts / max(counts.sum(), 1)).tolist()
    return shares


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    found = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf")
    return dict(zip(QUANTILES, found.tolist(), strict=True))
