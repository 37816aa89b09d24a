"""Which windows a scheduled run takes: those behind the newest one judged, and those with late rows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bentos.log_files import hour_of, log_paths
from bentos.log_reader import SLACK
from monitoring.history import History, Record
from monitoring.windows import MONDAY, Window, plan_windows

CATCH_UP = timedelta(days=30)  # what was missed longer ago stays unjudged, unless --since asks for it
LATE = timedelta(days=1)  # before the newest window: of rows that come later only --since learns
HOUR = timedelta(hours=1)


def not_judged(history: History, length: timedelta, until: datetime, now: datetime) -> list[Window]:
    """The closed windows behind the newest one of the history, or the last closed one where there is none."""
    newest = history.newest(1, length)
    since = max(newest[0].window.end, until - CATCH_UP) if newest else until - length
    return plan_windows(since, until, length, now) if until - since >= length else []


def written_since(history: History, logs: Path, length: timedelta) -> list[Record]:
    """Windows judged whose log files were written to after their rows had been counted."""
    records = history.newest(max(1, LATE // length), length)
    files = list(_changes(logs))
    return [
        record
        for record in records
        if any(changed > record.counted_at and _overlaps(hour, record.window) for hour, changed in files)
    ]


def closes_next(now: datetime, length: timedelta) -> datetime:
    """When the window ends that `now` lies in."""
    return MONDAY + ((now - MONDAY) // length + 1) * length


def _changes(logs: Path) -> Iterable[tuple[datetime, datetime]]:
    """The hour of each log file, and when it was written, compressed or copied there."""
    for path in log_paths(logs, "requests"):
        try:
            yield hour_of(path), datetime.fromtimestamp(path.stat().st_ctime, UTC)
        except FileNotFoundError:  # compressed since it was listed: seen next time
            continue


def _overlaps(hour: datetime, window: Window) -> bool:
    """Whether the file begun in that hour may hold rows of the window."""
    return hour - SLACK < window.end and window.start < hour + HOUR + SLACK
