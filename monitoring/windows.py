"""Stretches of time to judge, and the log rows in them. Nothing else here reads the log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bentos.request_log import LogRead, Row, read_feedback, read_log
from bentos.task import Task

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MONDAY = datetime(1970, 1, 5, tzinfo=UTC)  # windows are counted from here, so that weeks begin on Mondays
CLOCK_SLACK = timedelta(minutes=5)  # unequal clocks may differ so much


class WindowError(ValueError):
    """A time, a length or a range that cannot be used; the message is for the user."""


@dataclass(frozen=True)
class Window:
    """The half-open stretch [start, end), both UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def name(self) -> str:
        """A folder name: `20261121T090000Z_20261121T100000Z`."""
        return f"{self.start:%Y%m%dT%H%M%SZ}_{self.end:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True)
class Found:
    """What the log holds for a window."""

    window: Window
    rows: list[Row]
    feedback: list[Row] = field(default_factory=list)  # the last of each (request_id, index, source)
    future_rows: int = 0  # dated later than the clock of the judge
    unreadable_lines: int = 0  # in the files around the window: no JSON, or no row of ours
    damaged_files: list[str] = field(default_factory=list)


def parse_length(text: str) -> timedelta:
    """`90m`, `24h`, `7d`, `2w` as a time span; raises WindowError."""
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if not match or int(match[1]) == 0:
        raise WindowError(f"'{text}' is no length of time; write for example 30m, 1h, 7d or 2w")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def parse_time(text: str, now: datetime) -> datetime:
    """An ISO time (naive ones are UTC) or a length back from `now`; raises WindowError."""
    if re.fullmatch(r"\d+[mhdw]", text.strip()):
        return now - parse_length(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise WindowError(
            f"'{text}' is no time; write for example 2026-11-21, 2026-11-21T09:30Z, or 24h for a day ago"
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def plan_windows(since: datetime, until: datetime, length: timedelta | None, now: datetime) -> list[Window]:
    """One window [since, until), or every closed one of a length from the one that holds `since` on.

    Raises WindowError where the range holds none, and for an end that lies in the future.
    """
    if until > now:
        raise WindowError(f"--until is {until.isoformat()}, which is still to come: give a time up to now")
    if since >= until:
        raise WindowError(f"--since {since.isoformat()} is not before --until {until.isoformat()}")
    if length is None:
        return [Window(since, until)]
    first = MONDAY + (since - MONDAY) // length * length
    count = (until - first) // length
    if count == 0:
        raise WindowError(
            f"No window of {length} has closed between {since.isoformat()} and {until.isoformat()}: "
            "give an earlier --since, or a shorter --window"
        )
    return [Window(first + i * length, first + (i + 1) * length) for i in range(count)]


def log_folder(root: Path, task: Task) -> Path:
    """Where the task logs; raises WindowError where nothing was logged."""
    folder = root / task.name
    if not folder.is_dir():
        raise WindowError(f"No log folder {folder}. Serve the task first, or give its root by --logs.")
    return folder


def read_labels(folder: Path, windows: Sequence[Window]) -> LogRead:
    """The labels that have come for any of the windows, until today."""
    return read_feedback(folder, windows[0].start - CLOCK_SLACK)


def read_window(folder: Path, window: Window, labels: LogRead, now: datetime, newest: bool) -> Found:
    """The rows of a window beside the labels.

    Rows dated after `now` have a broken clock and belong to no window; they are counted with the newest one.
    """
    read = read_log(folder, "requests", window.start, None if newest else window.end)
    end, latest = _text(window.end), _text(now + CLOCK_SLACK)
    return Found(
        window=window,
        rows=[row for row in read.rows if row["ts"] < end],
        feedback=labels.rows,
        future_rows=sum(row["ts"] >= latest for row in read.rows),
        unreadable_lines=read.torn_lines + read.foreign_lines,
        damaged_files=sorted({*read.damaged_files, *labels.damaged_files}),
    )


def _text(time: datetime) -> str:
    """A time as the log writes it: such texts sort like the times."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
