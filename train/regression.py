"""Regression: metrics, the interval of an answer, and the scale on which a model learns."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import ndcg_score

from bentos.postprocess import COVERAGE, Interval

TOP = 10  # items that a user looks at

Floats = NDArray[np.float64]


class Scale(NamedTuple):
    """Mean and standard deviation of the training labels: a model learns labels of mean 0 and deviation 1."""

    mean: float = 0.0
    deviation: float = 1.0


def scale_of(labels: Sequence[float]) -> Scale:
    """That of the labels; of equal ones the deviation counts as 1."""
    return Scale(float(np.mean(labels)), float(np.std(labels)) or 1.0)


def fit_interval(scores: Floats, truth: Sequence[float]) -> Interval:
    """The distance that COVERAGE of new labels lie within, from held-out rows that nothing was fitted on.

    Split conformal prediction (Lei et al. 2018, "Distribution-free predictive inference for regression"):
    it holds for whatever model, as long as the new rows are like the held-out ones. Fewer than nine rows are
    too few for it.
    """
    errors = np.sort(np.abs(scores - np.asarray(truth, np.float64)))
    rank = math.ceil((len(errors) + 1) * COVERAGE)
    return Interval(COVERAGE, float(errors[min(rank, len(errors)) - 1]))


def regression_metrics(
    scores: Floats, truth: Sequence[float], users: Sequence[str | None] = (), interval: Interval | None = None
) -> dict[str, Any]:
    """Every number we report of a regression; `scores` and `truth` are [n].

    With users also the normalised discounted cumulative gain of each one's ten best, the gain being the
    label (nothing below 0), as a mean over the users with two different labels or more.
    """
    y = np.asarray(truth, np.float64)
    errors = scores - y
    found = {
        "n": len(y),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
        "spearman": rank_correlation(scores, y),
        **ranking_metrics(scores, y, users),
    }
    if interval:
        found["interval_width"] = 2 * interval.half_width
        found["interval_coverage"] = float(np.mean(np.abs(errors) <= interval.half_width))
    return found


def rank_correlation(scores: Floats, truth: Floats) -> float:
    """Spearman's; 0 where all are equal on one side."""
    if not (np.ptp(scores) and np.ptp(truth)):
        return 0.0
    return float(spearmanr(scores, truth).statistic)


def ranking_metrics(scores: Floats, truth: Floats, users: Sequence[str | None]) -> dict[str, Any]:
    """`ndcg_at_10` and the number of `users` it is of; nothing without any."""
    rows: dict[str, list[int]] = {}
    for i, user in enumerate(users):
        if user is not None:
            rows.setdefault(user, []).append(i)
    ranked = [one for one in rows.values() if np.ptp(truth[one])]
    if not ranked:
        return {}
    gains = np.maximum(truth, 0)
    return {
        "ndcg_at_10": float(np.mean([ndcg_score([gains[one]], [scores[one]], k=TOP) for one in ranked])),
        "users": len(ranked),
    }
