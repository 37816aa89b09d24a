"""How far two samples are apart, from their counts: the distances and scores that drift is judged by.

A distance lies in [0, 1]: at least this share of the rows would have to be others. A score grows with the
evidence; its tail under chance is about exponential. Both are computed for many pairs of samples at once.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

MIN_COUNT = 5  # rows with a token bucket, and without it, for it to count; both samples together

Floats = NDArray[np.float64]


class Apart(NamedTuple):
    """Of pairs of samples [...]: how far they are apart, and in which cell most."""

    distance: Floats
    score: Floats
    cell: NDArray[np.int64]


def numbers(before: NDArray[Any], after: NDArray[Any]) -> Apart:
    """Kolmogorov-Smirnov, of counts [..., bins]: the score is -log p of its asymptotic law, but for log 2."""
    n, m = before.sum(-1), after.sum(-1)
    gaps = np.abs(np.cumsum(before, -1) / at_least_one(n) - np.cumsum(after, -1) / at_least_one(m))
    distance = gaps.max(-1)
    return Apart(distance, 2 * n * m / np.maximum(n + m, 1) * distance**2, gaps.argmax(-1))


def tails(before: NDArray[Any], after: NDArray[Any]) -> Apart:
    """Berk and Jones (1979), of counts [..., bins]: the score is the largest log likelihood ratio of a cut.

    Kolmogorov-Smirnov looks at the middle: five rows of a hundred that went to the far end hardly move it.
    """
    n, m = at_least_one(before.sum(-1)), at_least_one(after.sum(-1))
    below, below_after = np.cumsum(before, -1), np.cumsum(after, -1)
    score = likelihood_ratio(below, below_after, n, m)
    gaps, cell = np.abs(below / n - below_after / m), score.argmax(-1)
    return Apart(taken(gaps, cell), taken(score, cell), cell)


def shares(before: NDArray[Any], after: NDArray[Any]) -> Apart:
    """Of counts [..., labels]: total variation; the score is half of chi-square's statistic."""
    n, m = at_least_one(before.sum(-1)), at_least_one(after.sum(-1))
    gaps = np.abs(before / n - after / m)
    chi_square = (gaps**2 / np.maximum(before + after, 1)).sum(-1) * (n * m)[..., 0]
    return Apart(gaps.sum(-1) / 2, chi_square / 2, gaps.argmax(-1))


def tokens(before: NDArray[Any], after: NDArray[Any]) -> Apart:
    """Of counts [..., 1 + buckets] of rows, and of those that hold a token of each bucket.

    The distance is that of the bucket that moved most; the score sums the squares of all standardized moves.
    """
    n, m = at_least_one(before[..., 0]), at_least_one(after[..., 0])
    before, after = before[..., 1:], after[..., 1:]
    gaps, held = np.abs(before / n - after / m), before + after
    judged = (held >= MIN_COUNT) & (n + m - held >= MIN_COUNT)
    pooled = held / (n + m)
    variance = np.where(judged, pooled * (1 - pooled) * (1 / n + 1 / m), np.inf)
    gaps = np.where(judged, gaps, 0)
    return Apart(gaps.max(-1), (gaps**2 / variance).sum(-1) / 2, gaps.argmax(-1))


def one_token(before: NDArray[Any], after: NDArray[Any]) -> Apart:
    """Of the same counts: the bucket whose log likelihood ratio is largest, which is the score."""
    n, m = at_least_one(before[..., 0]), at_least_one(after[..., 0])
    before, after = before[..., 1:], after[..., 1:]
    score = likelihood_ratio(before, after, n, m)
    gaps, cell = np.abs(before / n - after / m), score.argmax(-1)
    return Apart(taken(gaps, cell), taken(score, cell), cell)


def likelihood_ratio(
    before: NDArray[Any], after: NDArray[Any], n: NDArray[Any], m: NDArray[Any]
) -> NDArray[Any]:
    """Of two shares, before / n and after / m: log of how much likelier they are as two than as one."""
    apart = bernoulli(before, n) + bernoulli(after, m)
    return np.asarray(np.maximum(apart - bernoulli(before + after, n + m), 0))


def bernoulli(count: NDArray[Any], of: NDArray[Any]) -> NDArray[Any]:
    """The log likelihood of so many of so many, at its best."""
    rest = of - count
    return np.asarray(xlogy(count, count) + xlogy(rest, rest) - xlogy(of, of))


def taken(values: NDArray[Any], cell: NDArray[np.int64]) -> NDArray[Any]:
    """Of values [..., cells] those of one cell each."""
    return np.take_along_axis(values, cell[..., None], -1)[..., 0]


def at_least_one(sizes: NDArray[Any]) -> NDArray[Any]:
    """The sizes as a last axis of one, to divide by."""
    return np.asarray(np.maximum(sizes, 1)[..., None])
