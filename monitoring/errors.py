"""Realised errors of a regression: the numbers that feedback brought, beside the answers of the window."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import binomtest

from bentos.postprocess import Interval
from monitoring.chance import shuffled, surprise, value_at

LIMITS = 1.96  # standard errors on either side
LOST = 0.2  # of the cases may go unseen where a rise is said to be seen

Floats = NDArray[np.float64]
Pair = tuple[float, float]  # answer and true number


@dataclass(frozen=True)
class Inside:
    """How many of the true numbers lie in the interval of the answer."""

    share: float
    low: float  # exact 95 % limits (Clopper-Pearson)
    high: float
    coverage: float  # what the model promises


@dataclass(frozen=True)
class Errors:
    """The errors of a window by the labels of one source, beside those of the reference.

    Two tests share the rate: of larger squared errors, and of errors that have moved to one side.
    """

    labels: int
    rmse: float
    low: float  # 95 % limits of the RMSE, by the standard error of the mean square
    high: float
    mae: float
    bias: float  # mean of true number less answer
    reference_labels: int
    reference_rmse: float
    reference_mae: float
    reference_bias: float
    inside: Inside | None  # None: the model gives no interval
    p: float  # one-sided permutation test of "the squared errors are larger"
    p_bias: float  # two-sided permutation test of "the mean error is another"
    threshold: float  # of either p
    fell: bool  # one of them shows it
    smallest_rise: float | None  # of the RMSE, seen with 80 % power by so many labels; None: no rise could be


def measure_errors(
    pairs: Sequence[Pair], reference: Sequence[Pair], interval: Interval | None, alpha: float, least: int
) -> Errors | None:
    """The errors of one source's labels, judged at `alpha`; None without any label on either side.

    Fewer than `least` labels prove nothing.
    """
    if not pairs or not reference:
        return None
    now, before = (np.array([true - given for given, true in one]) for one in (pairs, reference))
    squares, means = _by_chance(before, now)
    square, shift = float(np.mean(now**2)), float(abs(now.mean() - before.mean()))
    p, p_bias = (_p(draws, one) for draws, one in ((squares, square), (means, shift)))
    spread = LIMITS * float(np.std(now**2)) / math.sqrt(len(now))
    rmse = math.sqrt(float(np.mean(before**2)))
    return Errors(
        labels=len(now),
        rmse=math.sqrt(square),
        low=math.sqrt(max(square - spread, 0)),
        high=math.sqrt(square + spread),
        mae=float(np.mean(np.abs(now))),
        bias=float(now.mean()),
        reference_labels=len(before),
        reference_rmse=rmse,
        reference_mae=float(np.mean(np.abs(before))),
        reference_bias=float(before.mean()),
        inside=_inside(now, interval) if interval else None,
        p=p,
        p_bias=p_bias,
        threshold=alpha / 2,
        fell=len(now) >= least and min(p, p_bias) <= alpha / 2,
        smallest_rise=_smallest_rise(squares, rmse, alpha / 2),
    )


def _by_chance(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Mean square of the window, and distance of both means, with the errors dealt out anew [draws]."""
    errors = np.concatenate([before, now])
    of_before, of_now = shuffled(csr_array(np.column_stack([errors**2, errors])), len(before))
    means = of_now[:, 1] / len(now) - of_before[:, 1] / len(before)
    return of_now[:, 0] / len(now), np.abs(means)


def _p(draws: Floats, found: float) -> float:
    return float(np.exp(-surprise(draws, np.array(found))))


def _inside(errors: Floats, interval: Interval) -> Inside:
    within = int((np.abs(errors) <= interval.half_width).sum())
    limits = binomtest(within, len(errors)).proportion_ci(0.95, method="exact")
    return Inside(within / len(errors), float(limits.low), float(limits.high), interval.coverage)


def _smallest_rise(squares: Floats, rmse: float, alpha: float) -> float | None:
    """Were all errors larger by one factor, the rise that lifts the draws so far; the reference as it is."""
    usual = float(np.quantile(squares, LOST))
    if not usual:
        return None
    return rmse * (math.sqrt(value_at(squares, -math.log(alpha)) / usual) - 1)
