"""What a scheduled run takes: nothing twice, nothing left out, late rows noticed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring.history import History
from monitoring.schedule import closes_next, not_judged, written_since
from monitoring.windows import Window
from tests.monitoring_records import DAY, HOUR, START, TAG, make_result, window

NOW = START + 100 * DAY


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def judged(history: History, *windows: Window, at: datetime = NOW) -> None:
    for one in windows:
        history.remember(TAG, one, make_result(), at)


def test_without_a_history_the_last_closed_window_is_taken(history: History) -> None:
    assert not_judged(history, HOUR, START + 2.5 * HOUR, NOW) == [window(1, HOUR)]
    assert not_judged(history, HOUR, START + 2 * HOUR, NOW) == [window(1, HOUR)]


def test_a_missed_night_is_caught_up_window_by_window(history: History) -> None:
    judged(history, window(3, HOUR), window(4, HOUR))
    missed = not_judged(history, HOUR, START + 9.1 * HOUR, NOW)
    assert missed == [window(i, HOUR) for i in (5, 6, 7, 8)]


def test_nothing_is_taken_twice(history: History) -> None:
    judged(history, window(3, HOUR))
    assert not_judged(history, HOUR, START + 4.9 * HOUR, NOW) == []
    assert not_judged(history, HOUR, START + 2 * HOUR, NOW) == []


def test_at_most_30_days_are_caught_up(history: History) -> None:
    judged(history, window(0))
    assert len(not_judged(history, DAY, START + 90 * DAY, NOW)) == 30


def test_other_lengths_do_not_count(history: History) -> None:
    judged(history, window(9))
    assert not_judged(history, HOUR, START + 10 * DAY, NOW) == [window(239, HOUR)]


@pytest.mark.parametrize(("hour", "noticed"), [(3, False), (4, True), (5, True), (6, True), (7, False)])
def test_a_file_written_to_after_counting_may_hold_late_rows(
    hour: int, noticed: bool, history: History, tmp_path: Path
) -> None:
    counted = datetime.now(UTC) - timedelta(seconds=5)
    judged(history, window(5, HOUR), at=counted)
    (tmp_path / f"requests-20261116T{hour:02}-host-1-0.jsonl").touch()
    found = written_since(history, tmp_path, HOUR)
    assert [record.window for record in found] == ([window(5, HOUR)] if noticed else [])


def test_a_file_written_before_counting_holds_none(history: History, tmp_path: Path) -> None:
    (tmp_path / "requests-20261116T05-host-1-0.jsonl").touch()
    judged(history, window(5, HOUR), at=datetime.now(UTC) + timedelta(seconds=5))
    assert written_since(history, tmp_path, HOUR) == []


def test_only_the_last_day_is_looked_at(history: History, tmp_path: Path) -> None:
    judged(history, *(window(i, HOUR) for i in range(40)), at=START)
    for hour in (5, 20):
        (tmp_path / f"requests-20261116T{hour:02}-host-1-0.jsonl").touch()
    found = [record.window for record in written_since(history, tmp_path, HOUR)]
    assert found == [window(i, HOUR) for i in (19, 20, 21)]


def test_a_window_closes_on_the_grid() -> None:
    assert closes_next(START + 0.5 * HOUR, HOUR) == START + HOUR
    assert closes_next(START + HOUR, HOUR) == START + 2 * HOUR
    assert closes_next(START + 2.2 * DAY, 7 * DAY) == START + 7 * DAY
