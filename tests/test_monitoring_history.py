"""The history of a task: idempotent, in order, and of one model and length at a time."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitoring.history import FILE, History
from monitoring.windows import Window, WindowError
from tests.monitoring_records import DAY, HOUR, START, TAG, make_result, window

NOW = START + 30 * DAY
OLD = """create table windows (model_tag text not null, start text not null, end text not null,
 verdict text not null, flagged integer not null, acknowledged integer not null default 0,
 effects text not null, result text not null, primary key (model_tag, start, end))"""


def remember(history: History, one: Window, verdict: str = "OK", at: datetime = NOW, tag: str = TAG) -> None:
    history.remember(tag, one, make_result(verdict, flagged=verdict in ("WATCH", "DRIFT")), at)


def test_windows_come_back_the_newest_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    for i in (2, 0, 1):
        remember(history, window(i))
    assert [one.window for one in history.before(window(2), TAG)] == [window(1), window(0)]
    assert History(tmp_path).before(window(1), TAG)[0].effects == {
        "n_chars, K-S": 0.03,
        "label, chi-square": 0.01,
    }


def test_other_models_lengths_and_overlaps_are_left_out(tmp_path: Path) -> None:
    history = History(tmp_path)
    remember(history, window(0), tag="other:1")
    remember(history, window(0, HOUR))
    remember(history, window(1))
    assert history.before(window(1.5), TAG) == []


def test_a_window_judged_again_is_replaced(tmp_path: Path) -> None:
    history = History(tmp_path)
    for verdict in ("WATCH", "OK", "OK"):
        remember(history, window(0), verdict)
    (one,) = history.before(window(1), TAG)
    assert (one.flagged, one.ordinary, history.count()) == (False, True, 1)


@pytest.mark.parametrize("verdict", ["WATCH", "DRIFT", "PERFORMANCE", "CONTRACT", "INSUFFICIENT"])
def test_only_an_ordinary_window_counts_until_it_is_acknowledged(tmp_path: Path, verdict: str) -> None:
    history = History(tmp_path)
    remember(history, window(0), verdict)
    assert not history.before(window(1), TAG)[0].ordinary
    history.acknowledge(START)
    remember(history, window(0), verdict)
    assert history.before(window(1), TAG)[0].ordinary


def test_a_window_that_was_not_judged_cannot_be_acknowledged(tmp_path: Path) -> None:
    with pytest.raises(WindowError, match="No window that was judged begins at 2026-11-16"):
        History(tmp_path).acknowledge(START)


def test_the_newest_windows_of_a_length_come_the_oldest_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    for i in range(4):
        remember(history, window(i))
    remember(history, window(96, HOUR))
    assert [one.window for one in history.newest(2, DAY)] == [window(2), window(3)]
    assert [one.window for one in history.newest(2, HOUR)] == [window(96, HOUR)]


def test_of_two_models_the_later_judgement_is_the_records(tmp_path: Path) -> None:
    history = History(tmp_path)
    remember(history, window(0), "DRIFT", NOW + HOUR, "new:2")
    remember(history, window(0), "OK", NOW)
    (record,) = history.newest(10, DAY)
    assert (record.tag, record.result["verdict"], record.counted_at) == ("new:2", "DRIFT", NOW + HOUR)
    assert history.count() == 1


def test_the_first_count_of_rows_is_kept(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.first_logged(TAG, window(0)) is None
    for rows in (300, 320):
        history.remember(TAG, window(0), make_result(rows=rows), NOW)
    assert history.first_logged(TAG, window(0)) == 300
    assert history.newest(1, DAY)[0].result["rows"]["logged"] == 320


def test_counting_the_rows_again_is_remembered(tmp_path: Path) -> None:
    history = History(tmp_path)
    remember(history, window(0))
    history.counted(TAG, window(0), NOW + HOUR)
    assert history.newest(1, DAY)[0].counted_at == NOW + HOUR


def test_a_file_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    start, end = START.isoformat(), (START + DAY).isoformat()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute(OLD)
        row = (TAG, start, end, "OK", 0, 1, "{}", json.dumps(make_result(rows=77)))
        connection.execute("insert into windows values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    (record,) = History(tmp_path).newest(1, DAY)
    assert (record.counted_at, record.first_logged) == (START + DAY, 77)
    assert History(tmp_path).before(window(1), TAG)[0].ordinary


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database, but long enough to be looked at" * 20)
    with pytest.raises(OSError, match=r"history.sqlite cannot be used: file is not a database. Move it away"):
        History(tmp_path)


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    def run(i: int) -> None:
        remember(History(tmp_path), window(i))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, list(range(20)) * 2))
    assert len(History(tmp_path).before(window(20), TAG)) == 20


def test_lengths_that_are_no_hours_are_told_apart(tmp_path: Path) -> None:
    history = History(tmp_path)
    for minutes in (30, 90):
        remember(history, window(0, timedelta(minutes=minutes)))
    assert [one.window.length for one in history.newest(5, timedelta(minutes=90))] == [timedelta(minutes=90)]
