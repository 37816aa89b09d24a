"""Times and windows as a user writes them, and the rows that lie in a window."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.windows import (
    Window,
    WindowError,
    parse_length,
    parse_time,
    plan_windows,
)
from tests.monitoring_rows import START

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-17", datetime(2026, 11, 17, tzinfo=UTC)),
        ("2026-11-17T09:30", datetime(2026, 11, 17, 9, 30, tzinfo=UTC)),
        ("2026-11-17T09:30Z", datetime(2026, 11, 17, 9, 30, tzinfo=UTC)),
        ("2026-11-17T09:30+02:00", datetime(2026, 11, 17, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_iso_or_a_length_back(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "5 hours", "", "2026-13-01"])
def test_a_wrong_time_says_what_to_write(text: str) -> None:
    with pytest.raises(WindowError, match="write for example 2026-11-21"):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["0h", "1y", "d", "1.5h", "-1h"])
def test_a_wrong_length_says_what_to_write(text: str) -> None:
    with pytest.raises(WindowError, match="30m, 1h, 7d or 2w"):
        parse_length(text)


def test_without_a_length_there_is_one_window() -> None:
    assert plan_windows(START, NOW, None, NOW) == [Window(START, NOW)]


def test_windows_are_closed_and_aligned() -> None:
    windows = plan_windows(NOW - timedelta(hours=3), NOW, timedelta(hours=1), NOW)
    assert [window.start.hour for window in windows] == [7, 8, 9]
    assert windows[-1].end == datetime(2026, 11, 18, 10, tzinfo=UTC)


def test_a_day_back_holds_yesterday() -> None:
    (window,) = plan_windows(NOW - timedelta(hours=24), NOW, timedelta(days=1), NOW)
    assert window.name == "20261117T000000Z_20261118T000000Z"


def test_weeks_begin_on_mondays() -> None:
    windows = plan_windows(NOW - timedelta(days=5), NOW, timedelta(weeks=1), NOW)
    assert windows == [Window(START - timedelta(weeks=1), START)]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (NOW, START, "is not before --until"),
        (START, NOW + timedelta(hours=1), "still to come"),
        (NOW - timedelta(hours=1), NOW, "No window of 7 days"),
    ],
)
def test_an_impossible_range_is_told(since: datetime, until: datetime, message: str) -> None:
    with pytest.raises(WindowError, match=message):
        plan_windows(since, until, timedelta(days=7), NOW)
