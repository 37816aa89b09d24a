"""Realised errors of a regression: the right numbers, a rise and a shift told, a rate that is kept."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from bentos.postprocess import Interval
from monitoring.errors import Errors, measure_errors

ALPHA = 0.05
Floats = NDArray[np.float64]


def errors(seed: int, n: int, spread: float = 1.0, bias: float = 0.0) -> Floats:
    return np.asarray(np.random.default_rng(seed).normal(bias, spread, n))


def measured(now: Floats, before: Floats, alpha: float = ALPHA) -> Errors:
    """Of answers that are 5 in all cases."""
    pairs, reference = ([(5.0, 5.0 + one) for one in side] for side in (now, before))
    found = measure_errors(pairs, reference, Interval(0.9, 1.645), alpha, least=20)
    assert found is not None
    return found


def test_the_figures_of_a_case_done_by_hand() -> None:
    found = measured(np.array([1.0, -2.0, 2.0]), np.array([1.0, -1.0]))
    assert found.rmse == pytest.approx(np.sqrt(3))
    assert found.mae == pytest.approx(5 / 3)
    assert found.bias == pytest.approx(1 / 3)
    assert (found.labels, found.reference_labels, found.reference_rmse, found.reference_bias) == (
        3,
        2,
        1.0,
        0.0,
    )
    assert found.inside is not None
    assert (found.inside.share, found.inside.coverage) == (pytest.approx(1 / 3), 0.9)


def test_larger_errors_are_told() -> None:
    found = measured(errors(1, 100, spread=1.5), errors(0, 2000), alpha=1 / 60)
    assert found.fell
    assert found.p < found.p_bias
    assert found.inside is not None
    assert found.inside.high < 0.9


def test_errors_to_one_side_are_told_though_they_are_not_larger() -> None:
    found = measured(errors(1, 200, spread=0.9, bias=0.4), errors(0, 2000), alpha=1 / 60)
    assert found.fell
    assert found.p_bias < found.threshold < found.p


def test_few_labels_prove_nothing() -> None:
    assert not measured(errors(1, 19, spread=9), errors(0, 2000)).fell


def test_smaller_errors_are_no_alarm() -> None:
    assert not measured(errors(1, 200, spread=0.5), errors(0, 2000)).fell


def test_without_labels_there_are_no_errors() -> None:
    assert measure_errors([], [(1.0, 2.0)], None, ALPHA, 20) is None
    assert measure_errors([(1.0, 2.0)], [], None, ALPHA, 20) is None


def test_false_alarms_stay_within_the_stated_rate() -> None:
    alarms = [measured(errors(i, 60), errors(1000 + i, 400)).fell for i in range(100)]
    assert sum(alarms) <= binom.ppf(0.995, len(alarms), ALPHA)


def test_the_smallest_rise_is_seen_in_four_of_five_cases() -> None:
    rise = measured(errors(1, 80), errors(0, 2000)).smallest_rise
    assert rise is not None
    seen = [measured(errors(i, 80, spread=1 + rise), errors(0, 2000)).fell for i in range(40)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.15)
