"""Times and windows as a user writes them, and the rows that lie in a window."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bentos.request_log import LogRead
from monitoring.windows import (
    Window,
    WindowError,
    parse_length,
    parse_time,
    plan_windows,
    read_labels,
    read_window,
)
from tests.monitoring_rows import DAY, START, make_labels, make_rows

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


def log(folder: Path, kind: str, lines: list[str], hour: str = "20261116T12") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{kind}-{hour}-host-1-abc.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_a_window_holds_its_rows_and_their_labels(tmp_path: Path) -> None:
    rows = make_rows(24, seed=1)
    log(tmp_path, "requests", [json.dumps(row) for row in rows[11:14]])
    log(tmp_path, "feedback", [json.dumps(row) for row in make_labels(rows[11:14], 1.0) * 2])
    window = Window(START + timedelta(hours=11), START + timedelta(hours=13))
    labels = read_labels(tmp_path, [window])
    found = read_window(tmp_path, window, labels, NOW, newest=False)
    assert [row["request_id"] for row in found.rows] == ["r11", "r12"]
    assert len(found.feedback) == 3


def test_rows_from_the_future_and_torn_lines_are_counted(tmp_path: Path) -> None:
    row = make_rows(1, seed=1)[0]
    later = {**row, "ts": "2027-01-01T00:00:00.000000Z"}
    log(
        tmp_path,
        "requests",
        [json.dumps(later), json.dumps(row), '{"ts": "2026', '{"no": "ts"}'],
        "20261116T00",
    )
    found = read_window(tmp_path, DAY, LogRead(), NOW, newest=True)
    assert (len(found.rows), found.future_rows, found.unreadable_lines) == (1, 1, 2)


def test_only_the_newest_window_tells_of_the_future(tmp_path: Path) -> None:
    row = make_rows(1, seed=1)[0] | {"ts": "2027-01-01T00:00:00.000000Z"}
    log(tmp_path, "requests", [json.dumps(row)])
    assert read_window(tmp_path, DAY, LogRead(), NOW, newest=False).future_rows == 0
