"""Stretches of time to judge."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
