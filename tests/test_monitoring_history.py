"""The history of a task: idempotent, in order, and of one model and length at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.history import History
from monitoring.windows import Window, WindowError

START = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)
TAG = "sample-reviews-onnx-int8:1"


def window(i: int, length: timedelta = DAY) -> Window:
    return Window(START + i * DAY, START + i * DAY + length)


def result(verdict: str = "OK", flagged: bool = False) -> dict[str, Any]:
    return {"verdict": verdict, "flagged": flagged, "effects": {"label, chi-square": 0.1}}


def test_windows_come_back_the_newest_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    for i in (2, 0, 1):
        history.remember(TAG, window(i), result())
    assert [one.window for one in history.before(window(2), TAG)] == [window(1), window(0)]
    assert History(tmp_path).before(window(1), TAG)[0].effects == {"label, chi-square": 0.1}


def test_other_models_lengths_and_overlaps_are_left_out(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.remember("other:1", window(0), result())
    history.remember(TAG, window(0, DAY / 24), result())
    history.remember(TAG, window(1), result())
    half_later = Window(START + 1.5 * DAY, START + 2.5 * DAY)
    assert history.before(half_later, TAG) == []


def test_a_window_judged_again_is_replaced(tmp_path: Path) -> None:
    history = History(tmp_path)
    for verdict in ("WATCH", "OK", "OK"):
        history.remember(TAG, window(0), result(verdict, verdict == "WATCH"))
    (one,) = history.before(window(1), TAG)
    assert (one.flagged, one.ordinary, len(history.results())) == (False, True, 1)


@pytest.mark.parametrize("verdict", ["WATCH", "DRIFT", "PERFORMANCE", "CONTRACT", "INSUFFICIENT"])
def test_only_an_ordinary_window_counts_until_it_is_acknowledged(tmp_path: Path, verdict: str) -> None:
    history = History(tmp_path)
    history.remember(TAG, window(0), result(verdict, flagged=verdict in ("WATCH", "DRIFT")))
    assert not history.before(window(1), TAG)[0].ordinary
    history.acknowledge(START)
    history.remember(TAG, window(0), result(verdict))
    assert history.before(window(1), TAG)[0].ordinary


def test_a_window_that_was_not_judged_cannot_be_acknowledged(tmp_path: Path) -> None:
    with pytest.raises(WindowError, match="No window that was judged begins at 2026-11-16"):
        History(tmp_path).acknowledge(START)


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    def run(i: int) -> None:
        History(tmp_path).remember(TAG, window(i), result())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, list(range(20)) * 2))
    assert len(History(tmp_path).before(window(20), TAG)) == 20
