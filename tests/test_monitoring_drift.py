"""Alarms keep their stated rate, see what they should, and survive every shape of column."""

from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.columns import Columns
from monitoring.drift import (
    MIN_ROWS,
    Baseline,
    Statistic,
    alarm_rate,
    compare,
    rows_needed,
    smallest_distance,
    strongest,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOWS = 200
LABELS = ("a", "b", "c")


def columns(rng: np.random.Generator, n: int, shift: float = 0.0, share: float = 0.3) -> Columns:
    """Eight numbers, continuous, skewed, rounded and mostly constant ones, two labels, and a few words."""
    numbers = {f"normal{i}": rng.normal(shift, 1, n) for i in range(3)}
    numbers |= {f"length{i}": rng.lognormal(4, 1, n).round() for i in range(2)}
    numbers |= {"rare": (rng.random(n) < 0.02) / 10, "probs[b]": rng.beta(0.5, 0.5, n)}
    holds = rng.random((n, 60)) < np.linspace(0, 0.3, 60)
    return Columns(
        labels=(rng.random(n) >= share).astype(np.int64),
        numbers=numbers,
        buckets=np.nonzero(holds)[1],
        bucket_ends=np.cumsum(holds.sum(1)),
    )


def labelled(*labels: int) -> Columns:
    """Nothing but labels."""
    return Columns(np.array(labels, np.int64), {}, np.array([], np.int64), np.zeros(len(labels), np.int64))


def numbered(values: list[float]) -> Columns:
    """Nothing but one number."""
    nothing = np.zeros(len(values), np.int64)
    return Columns(nothing - 1, {"x": np.array(values, np.float64)}, nothing[:0], nothing)


def statistics(
    reference: Columns, current: Columns, alpha: float = 0.05, leave_out: tuple[str, ...] = ()
) -> list[Statistic]:
    baseline = Baseline(reference, LABELS)
    null = baseline.null(current, len(current))
    return strongest(compare(baseline, baseline.bins.count(current), null, alpha, leave_out))


@pytest.mark.parametrize(
    ("length", "scheduled", "alpha"),
    [(DAY, True, 1 / 30), (HOUR, True, 1 / 720), (7 * DAY, True, 0.05), (HOUR / 60, False, 1 / 720)],
)
def test_alpha_follows_from_the_bearable_alarms(length: timedelta, scheduled: bool, alpha: float) -> None:
    assert alarm_rate(1, length, scheduled).alpha == pytest.approx(alpha)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("n_reference", "n_current"), [(300, 1000), (1000, 200)])
def test_false_alarms_come_at_the_stated_rate(n_reference: int, n_current: int) -> None:
    rng = np.random.default_rng(7)
    flagged = [
        min(one.p for one in statistics(columns(rng, n_reference), columns(rng, n_current))) <= 0.05
        for _ in range(WINDOWS)
    ]
    least, most = binom.ppf([0.005, 0.995], WINDOWS, 0.05)
    assert least <= sum(flagged) <= most


@pytest.mark.parametrize("change", [{"shift": 0.2}, {"share": 0.42}])
def test_a_real_shift_is_seen(change: dict[str, float]) -> None:
    rng = np.random.default_rng(8)
    reference, windows = columns(rng, 2000), [columns(rng, 500, **change) for _ in range(30)]
    seen = [any(one.drifted for one in statistics(reference, window, 1 / 30)) for window in windows]
    assert sum(seen) >= 27


def test_a_few_values_that_move_far_are_seen() -> None:
    rng = np.random.default_rng(8)
    reference, current = rng.normal(size=2000), rng.normal(size=1000)
    current[:30] = 9  # 3 % of the rows: a K-S distance of that size comes by chance
    (one,) = statistics(numbered(reference.tolist()), numbered(current.tolist()))
    assert (one.test, one.drifted) == ("tails", True)


def test_one_new_word_is_seen() -> None:
    rng = np.random.default_rng(8)
    reference, current = columns(rng, 2000), columns(rng, 1000)
    rows = np.flatnonzero(np.diff(current.bucket_ends, prepend=0))[:30]  # 3 % of them hold it
    current.buckets[current.bucket_ends[rows] - 1] = 999
    found = {one.column: one for one in statistics(reference, current)}
    assert (found["tokens"].test, found["tokens"].drifted) == ("one token bucket", True)


def test_words_that_nobody_wrote_before_are_seen() -> None:
    rng = np.random.default_rng(8)
    reference, current = columns(rng, 1000), columns(rng, 500)
    current.buckets[current.buckets % 10 == 0] += 500
    found = statistics(reference, current)
    assert {one.column for one in found if one.drifted} == {"tokens"}


def test_what_moved_furthest_stands_first() -> None:
    rng = np.random.default_rng(9)
    first, *_, last = statistics(columns(rng, 2000), columns(rng, 2000, share=0.6))
    assert (first.column, first.measure, first.drifted) == ("label", "share of 'a'", True)
    assert (first.reference, first.current) == (pytest.approx(0.3, abs=0.05), pytest.approx(0.6, abs=0.05))
    assert not last.drifted


def test_a_number_tells_where_it_moved_most() -> None:
    (one,) = statistics(numbered([1.0, 2.0, 3.0, 4.0] * 100), numbered([3.0, 4.0] * 100))
    assert (one.measure, one.reference, one.current, one.distance) == ("share above 2", 0.5, 1.0, 0.5)


def test_a_million_rows_do_not_page_for_nothing() -> None:
    rng = np.random.default_rng(10)
    sides = [rng.choice([0.0, 1.0], 200_000, p=[share, 1 - share]).tolist() for share in (0.5, 0.51)]
    (one,) = statistics(*map(numbered, sides))
    assert one.p < one.threshold
    assert not one.drifted


def test_rare_labels_do_not_alarm_by_chance() -> None:
    (one,) = statistics(labelled(*[0] * 1998, 1, 1), labelled(*[0] * 99, 1))
    assert one.p > 0.04


def test_a_label_of_three_that_vanishes_is_seen() -> None:
    (one,) = statistics(labelled(*[0, 1, 2] * 100), labelled(*[0, 1] * 60))
    assert (one.measure, one.drifted) == ("share of 'c'", True)


@pytest.mark.parametrize("size", [0, 1, 5, MIN_ROWS - 1])
def test_too_few_values_are_not_judged(size: int) -> None:
    assert statistics(numbered([float(i) for i in range(200)]), numbered([1e6] * size)) == []


def test_a_column_of_nan_is_not_judged() -> None:
    assert statistics(numbered([1.0, 2.0] * 100), numbered([float("nan")] * 200)) == []


def test_the_same_constant_has_not_moved() -> None:
    (one,) = statistics(numbered([3.0] * 100), numbered([3.0] * 100))
    assert (one.distance, one.p, one.drifted) == (0.0, 1.0, False)


def test_another_constant_has_moved() -> None:
    (one,) = statistics(numbered([3.0] * 100), numbered([4.0] * 100))
    assert (one.distance, one.drifted) == (1.0, True)


def test_one_label_on_both_sides_has_not_moved() -> None:
    (one,) = statistics(labelled(*[0] * 100), labelled(*[0] * 100))
    assert (one.distance, one.drifted) == (0.0, False)


def test_columns_of_a_broken_contract_are_left_out() -> None:
    rng = np.random.default_rng(11)
    judged = statistics(columns(rng, 100), columns(rng, 100), 0.05, ("probs", "label", "rare", "tokens"))
    assert {one.column for one in judged} == {"normal0", "normal1", "normal2", "length0", "length1"}


def test_the_rows_needed_show_a_quarter_moved() -> None:
    rng = np.random.default_rng(12)
    baseline = Baseline(columns(rng, 2000), LABELS)
    null = baseline.null(columns(rng, 100), 100)
    needed = rows_needed(null, baseline, 0.05)
    assert needed is not None
    assert smallest_distance(null, baseline, needed, 0.05) <= 0.25
    assert smallest_distance(null, baseline, needed - 1, 0.05) > 0.25 or needed == MIN_ROWS


def test_a_tiny_reference_serves_no_window() -> None:
    rng = np.random.default_rng(13)
    baseline = Baseline(columns(rng, 40), LABELS)
    assert rows_needed(baseline.null(columns(rng, 100), 100), baseline, 0.05) is None
