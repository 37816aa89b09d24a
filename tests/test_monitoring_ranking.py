"""By rank among ordinary windows: what wobbles is usual, what moves is seen, two in a row are an alarm."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.drift import AlarmRate, alarm_rate
from monitoring.history import Past
from monitoring.ranking import BURN_IN, MAX_ALPHA, alarms, ordinary, rank, rule
from monitoring.windows import Window

START = datetime(2026, 11, 16, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURLY, DAILY = (alarm_rate(1, length, scheduled=True) for length in (HOUR, DAY))


def window(i: int, length: timedelta = DAY) -> Window:
    return Window(START + i * length, START + (i + 1) * length)


def wobbling(rng: np.random.Generator) -> dict[str, float]:
    """Distances of a window without any change: three columns that hang together, one of them lively."""
    day = abs(rng.normal())
    return {"a": 0.02 + 0.01 * day, "b": 0.2 + 0.1 * day + 0.02 * rng.random(), "c": rng.random() / 100}


def past(
    n: int, length: timedelta = DAY, flagged: tuple[int, ...] = (), until: int | None = None
) -> list[Past]:
    """`n` windows before the one of that number, the newest first."""
    rng, end = np.random.default_rng(n), n if until is None else until
    windows = (window(i, length) for i in range(end - 1, end - 1 - n, -1))
    return [Past(w, wobbling(rng), i in flagged, i not in flagged) for i, w in enumerate(windows)]


def test_without_change_every_rank_is_equally_likely() -> None:
    rng = np.random.default_rng(3)
    p = [
        min(rank([wobbling(rng) for _ in range(BURN_IN)], wobbling(rng)).values()) <= 0.1 for _ in range(400)
    ]
    least, most = binom.ppf([0.005, 0.995], 400, 6 / 61)
    assert least <= sum(p) <= most


def test_a_quiet_column_that_moves_is_seen_beside_a_lively_one() -> None:
    rng = np.random.default_rng(4)
    usual = [wobbling(rng) for _ in range(BURN_IN)]
    found = rank(usual, wobbling(rng) | {"c": 0.1})
    assert found["c"] == pytest.approx(1 / (BURN_IN + 1))


def test_a_column_that_earlier_windows_did_not_have_is_left_out() -> None:
    assert rank([{"a": 0.1}] * 5, {"a": 0.2, "new": 0.9}).keys() == {"a"}


def test_a_single_window_is_judged_by_chance_alone() -> None:
    once = rule(AlarmRate(1, 30, 1 / 30, scheduled=False), 1 / 30, window(70), past(70))
    assert (once.alpha, once.in_a_row, once.usual) == (1 / 30, 1, [])


@pytest.mark.parametrize(
    ("rate", "n", "alpha", "usual"),
    [
        (DAILY, BURN_IN - 1, 1 / 30, 0),
        (DAILY, BURN_IN, math.sqrt(1 / 30), BURN_IN),
        (HOURLY, BURN_IN, math.sqrt(1 / 720), BURN_IN),
        (alarm_rate(30, DAY, scheduled=True), BURN_IN, MAX_ALPHA, BURN_IN),
        (alarm_rate(1, HOUR / 60, scheduled=True), BURN_IN, 1 / 43200, 0),  # ranks of 60 are too coarse
    ],
)
def test_ordinary_windows_take_the_place_of_chance(rate: AlarmRate, n: int, alpha: float, usual: int) -> None:
    found = rule(rate, rate.alpha, window(n), past(n))
    assert (found.alpha, len(found.usual), found.in_a_row) == (pytest.approx(alpha), usual, 2)


def test_a_flagged_window_is_not_ordinary_until_someone_says_so() -> None:
    assert len(ordinary(window(10), past(10, flagged=(2, 5)))) == 8


def test_windows_of_an_hour_are_ranked_among_the_same_part_of_the_day() -> None:
    few, many = past(6 * 24, HOUR), past(12 * 24, HOUR)
    assert len(ordinary(window(6 * 24, HOUR), few)) == 6 * 24
    assert len(ordinary(window(12 * 24, HOUR), many)) == 12 * 6


def test_two_flagged_windows_in_a_row_are_an_alarm() -> None:
    twice = rule(DAILY, 1 / 30, window(10), past(10))
    assert alarms(twice, window(10), past(10, flagged=(0,)), flagged=True)
    assert not alarms(twice, window(10), past(10, flagged=(0,)), flagged=False)
    assert not alarms(twice, window(10), past(10, flagged=(1,)), flagged=True)
    assert not alarms(twice, window(11), past(10, flagged=(0,)), flagged=True), "a window is missing between"
    assert not alarms(twice, window(0), [], flagged=True)
