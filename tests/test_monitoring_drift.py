"""Alarms keep their stated rate, see what they should, and survive every shape of column."""

from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.columns import Columns
from monitoring.drift import MIN_ROWS, Statistic, alarm_rate, compare, rows_needed, smallest_distance

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def columns(rng: np.random.Generator, n: int, shift: float = 0.0, share: float = 0.3) -> Columns:
    """Eight columns: continuous, skewed, rounded and mostly constant ones, and the label."""
    numbers = {f"normal{i}": rng.normal(shift, 1, n) for i in range(3)}
    numbers |= {f"length{i}": rng.lognormal(4, 1, n).round() for i in range(2)}
    numbers |= {"rare": (rng.random(n) < 0.02) / 10, "probs[b]": rng.beta(0.5, 0.5, n)}
    return Columns(np.where(rng.random(n) < share, "a", "b").tolist(), numbers)


def one_column(reference: list[float], current: list[float]) -> list[Statistic]:
    sides = (Columns([], {"x": np.array(values, dtype=float)}) for values in (reference, current))
    return compare(*sides, alpha=0.05)


@pytest.mark.parametrize(
    ("length", "scheduled", "alpha"),
    [(DAY, True, 1 / 30), (HOUR, True, 1 / 720), (7 * DAY, True, 0.05), (HOUR / 60, False, 1 / 720)],
)
def test_alpha_follows_from_the_bearable_alarms(length: timedelta, scheduled: bool, alpha: float) -> None:
    assert alarm_rate(1, length, scheduled).alpha == pytest.approx(alpha)


@pytest.mark.parametrize(("n_reference", "n_current"), [(1000, 200), (300, 1000)])
def test_false_alarms_stay_within_the_stated_rate(n_reference: int, n_current: int) -> None:
    rng = np.random.default_rng(7)
    pairs = ((columns(rng, n_reference), columns(rng, n_current)) for _ in range(200))
    alarms = sum(any(one.drifted for one in compare(*pair, alpha=0.05)) for pair in pairs)
    assert alarms <= binom.ppf(0.995, 200, 0.05)  # one-sided: Bonferroni and ties make it rarer


def test_a_real_shift_is_seen() -> None:
    rng = np.random.default_rng(8)
    reference = columns(rng, 2000)
    seen = [compare(reference, columns(rng, 500, shift=0.3), alpha=1 / 30) for _ in range(50)]
    assert sum(any(one.drifted for one in statistics) for statistics in seen) >= 45


def test_what_moved_furthest_stands_first() -> None:
    rng = np.random.default_rng(9)
    first, *_, last = compare(columns(rng, 2000), columns(rng, 2000, share=0.6), alpha=1 / 30)
    assert (first.column, first.measure, first.drifted) == ("label", "share of 'a'", True)
    assert not last.drifted


def test_a_million_rows_do_not_page_for_nothing() -> None:
    rng = np.random.default_rng(10)
    sides = [Columns([], {"x": rng.normal(shift, 1, 400_000)}) for shift in (0, 0.03)]
    (one,) = compare(*sides, alpha=1 / 30)
    assert one.p < one.threshold
    assert not one.drifted


def test_rare_labels_do_not_alarm_by_chance() -> None:
    before, after = ["a"] * 1998 + ["b"] * 2, ["a"] * 99 + ["b"]
    (one,) = compare(Columns(before, {}), Columns(after, {}), alpha=0.05)
    assert one.p > 0.05


def test_a_label_of_three_that_vanishes_is_seen() -> None:
    (one,) = compare(Columns(["a", "b", "c"] * 100, {}), Columns(["a", "b"] * 60, {}), alpha=0.05)
    assert (one.measure, one.drifted) == ("share of 'c'", True)


@pytest.mark.parametrize("size", [0, 1, 5, MIN_ROWS - 1])
def test_too_few_values_are_not_judged(size: int) -> None:
    assert one_column([float(i) for i in range(200)], [1e6] * size) == []


def test_a_column_of_nan_is_not_judged() -> None:
    assert one_column([1.0, 2.0] * 100, [float("nan")] * 200) == []


def test_the_same_constant_has_not_moved() -> None:
    (one,) = one_column([3.0] * 100, [3.0] * 100)
    assert (one.distance, one.p, one.drifted) == (0.0, 1.0, False)


def test_another_constant_has_moved() -> None:
    (one,) = one_column([3.0] * 100, [4.0] * 100)
    assert (one.distance, one.drifted) == (1.0, True)


def test_one_label_on_both_sides_has_not_moved() -> None:
    (one,) = compare(Columns(["a"] * 100, {}), Columns(["a"] * 100, {}), alpha=0.05)
    assert (one.distance, one.drifted) == (0.0, False)


def test_columns_of_a_broken_contract_are_left_out() -> None:
    rng = np.random.default_rng(11)
    judged = compare(columns(rng, 100), columns(rng, 100), 0.05, leave_out=["probs", "label", "rare"])
    assert {one.column for one in judged} == {"normal0", "normal1", "normal2", "length0", "length1"}


def test_the_rows_needed_show_a_quarter_moved() -> None:
    needed = rows_needed(0.004, 2000)
    assert needed is not None
    assert smallest_distance(0.004, 2000, needed) <= 0.25 < smallest_distance(0.004, 2000, needed - 1)


def test_a_tiny_reference_serves_no_window() -> None:
    assert rows_needed(0.004, 40) is None
