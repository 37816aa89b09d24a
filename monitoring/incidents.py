"""Incidents: from the first alarm of scheduled windows to the next OK. The history keeps them.

The message of each change is kept too, for the webhook, until it has been delivered and after.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from monitoring.history import connect, window_of
from monitoring.windows import Window

ALARMS = ("CONTRACT", "PERFORMANCE", "DRIFT")
OPENED, CLOSED = "incident.opened", "incident.closed"
SCHEMA = """
create table if not exists incidents (
    id integer primary key,
    length integer not null,  -- of the windows, in seconds: each schedule has incidents of its own
    verdict text not null,  -- that opened it
    opened_start text not null,  -- ISO, UTC: the window that opened it
    opened_end text not null,
    closed_start text,  -- and the one that closed it
    closed_end text
);
create table if not exists messages (
    id integer primary key,
    body text not null,  -- JSON
    delivered_at text  -- ISO, UTC
);
"""


@dataclass(frozen=True)
class Incident:
    """A stretch of trouble. It is open as long as no window has closed it."""

    id: int
    verdict: str  # that opened it
    opened: Window
    closed: Window | None


@dataclass(frozen=True)
class Message:
    """What the webhook's receiver has not yet taken."""

    id: int
    body: str  # JSON


class Incidents:
    """The incidents of a task, in the history's file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with connect(folder) as connection:
            connection.executescript(SCHEMA)

    def see(self, window: Window, result: dict[str, Any], report: Path, tell: bool) -> None:
        """Open or close an incident by a `result.json`; `tell` leaves a message of it, to be delivered.

        The same judgement again changes nothing, nor does a window from before the last change.
        """
        with connect(self._folder) as connection:
            last = _last(connection, window.length)
            event = _event(last, window, result["verdict"])
            if event is None:
                return
            if event == CLOSED and last is not None:
                incident = _close(connection, last.id, window)
            else:
                incident = _open(connection, window, result["verdict"])
            if tell:
                body = _body(event, incident, result, report)
                connection.execute("insert into messages (body) values (?)", (body,))

    def last(self, length: timedelta) -> Incident | None:
        """The newest incident of windows of that length, open or closed."""
        with connect(self._folder) as connection:
            return _last(connection, length)

    def undelivered(self) -> list[Message]:
        """What no receiver has taken yet, the oldest first."""
        with connect(self._folder) as connection:
            rows = connection.execute(
                "select id, body from messages where delivered_at is null order by id"
            ).fetchall()
        return [Message(*row) for row in rows]

    def delivered(self, message: Message, at: datetime) -> None:
        """It is not sent again."""
        with connect(self._folder) as connection:
            connection.execute(
                "update messages set delivered_at = ? where id = ?", (at.isoformat(), message.id)
            )


def _event(last: Incident | None, window: Window, verdict: str) -> str | None:
    """What a judgement does to the last incident, if anything."""
    if last is not None and last.closed is None:
        return CLOSED if verdict == "OK" and window.end >= last.opened.end else None
    later = last is None or last.closed is None or window.end > last.closed.end
    return OPENED if verdict in ALARMS and later else None


def _open(connection: Connection, window: Window, verdict: str) -> int:
    cursor = connection.execute(
        "insert into incidents (length, verdict, opened_start, opened_end) values (?, ?, ?, ?)",
        (window.length.total_seconds(), verdict, window.start.isoformat(), window.end.isoformat()),
    )
    return int(cursor.lastrowid or 0)


def _close(connection: Connection, incident: int, window: Window) -> int:
    connection.execute(
        "update incidents set closed_start = ?, closed_end = ? where id = ?",
        (window.start.isoformat(), window.end.isoformat(), incident),
    )
    return incident


def _last(connection: Connection, length: timedelta) -> Incident | None:
    row = connection.execute(
        "select id, verdict, opened_start, opened_end, closed_start, closed_end from incidents"
        " where length = ? order by id desc limit 1",
        (length.total_seconds(),),
    ).fetchone()
    if row is None:
        return None
    opened, closed = (window_of(*row[2:4]), window_of(*row[4:6]) if row[4] else None)
    return Incident(row[0], row[1], opened, closed)


def _body(event: str, incident: int, result: dict[str, Any], report: Path) -> str:
    return json.dumps(
        {
            "event": event,
            "task": result["task"],
            "incident": incident,
            "verdict": result["verdict"],
            "window": result["window"],
            "summary": result["summary"],
            "report": str(report),
        }
    )
