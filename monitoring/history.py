"""What earlier windows were judged to be: one SQLite file beside the reports of a task."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitoring.windows import Window, WindowError

FILE = "history.sqlite"
TIMEOUT = 30.0  # seconds for another run to let go of the file
SCHEMA = """
create table if not exists windows (
    model_tag text not null,
    start text not null,  -- ISO, UTC
    end text not null,
    verdict text not null,
    flagged integer not null,  -- drift beyond chance, whether or not it was an alarm
    acknowledged integer not null default 0,  -- a person has said that it is ordinary
    effects text not null,  -- JSON: by test
    result text not null,  -- result.json
    counted_at text not null,  -- ISO, UTC: no row that was logged later is in it
    first_logged integer not null,  -- rows when it was first judged
    primary key (model_tag, start, end)
)"""
ADDED = """
alter table windows add column counted_at text not null default '';
alter table windows add column first_logged integer not null default 0;
update windows set counted_at = end, first_logged = json_extract(result, '$.rows.logged');
"""
OF_LENGTH = "strftime('%s', end) - strftime('%s', start) = ?"  # seconds


@dataclass(frozen=True)
class Past:
    """An earlier window of the same model and length."""

    window: Window
    effects: dict[str, float]  # by test
    flagged: bool
    ordinary: bool  # neither flagged nor otherwise in doubt, or acknowledged


@dataclass(frozen=True)
class Record:
    """A window as it was judged last."""

    window: Window
    tag: str
    counted_at: datetime
    first_logged: int
    result: dict[str, Any]  # result.json


class History:
    """The windows of a task. Every change is one transaction, so that two runs do not disturb each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with connect(folder) as connection:
            connection.execute(SCHEMA)
            columns = {name for _, name, *_ in connection.execute("pragma table_info(windows)")}
            if "counted_at" not in columns:  # written by an earlier version
                connection.executescript(ADDED)

    def before(self, window: Window, tag: str) -> list[Past]:
        """The windows of that model and of this length that ended before this one began, the newest first."""
        with connect(self._folder) as connection:
            rows = connection.execute(
                "select start, end, verdict, flagged, acknowledged, effects from windows"
                " where model_tag = ? and end <= ? order by end desc",
                (tag, window.start.isoformat()),
            ).fetchall()
        past = [_past(*row) for row in rows]
        return [one for one in past if one.window.length == window.length]

    def remember(self, tag: str, window: Window, result: dict[str, Any], counted_at: datetime) -> None:
        """Keep a `result.json`; one of the same window is replaced, but stays acknowledged."""
        with connect(self._folder) as connection:
            connection.execute(
                "insert into windows"
                " (model_tag, start, end, verdict, flagged, effects, result, counted_at, first_logged)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (model_tag, start, end) do update set"
                " verdict = excluded.verdict, flagged = excluded.flagged, effects = excluded.effects,"
                " result = excluded.result, counted_at = excluded.counted_at",
                (
                    *_key(tag, window),
                    result["verdict"],
                    result["flagged"],
                    json.dumps(result["effects"]),
                    json.dumps(result),
                    counted_at.isoformat(),
                    result["rows"]["logged"],
                ),
            )

    def counted(self, tag: str, window: Window, counted_at: datetime) -> None:
        """The rows of a window have been counted again, and it has no more than before."""
        with connect(self._folder) as connection:
            connection.execute(
                "update windows set counted_at = ? where model_tag = ? and start = ? and end = ?",
                (counted_at.isoformat(), *_key(tag, window)),
            )

    def first_logged(self, tag: str, window: Window) -> int | None:
        """The rows that the window had when it was first judged; None where it was not."""
        with connect(self._folder) as connection:
            row = connection.execute(
                "select first_logged from windows where model_tag = ? and start = ? and end = ?",
                _key(tag, window),
            ).fetchone()
        return row[0] if row else None

    def count(self) -> int:
        """How many windows there are, each once, whichever models judged it."""
        with connect(self._folder) as connection:
            query = "select count(*) from (select distinct start, end from windows)"
            return int(connection.execute(query).fetchone()[0])

    def newest(self, n: int, length: timedelta) -> list[Record]:
        """The last `n` windows of that length, the oldest first; of several judgements of one the last."""
        with connect(self._folder) as connection:
            rows = connection.execute(
                "select model_tag, start, end, max(counted_at), first_logged, result from windows"
                f" where {OF_LENGTH} group by start, end order by end desc limit ?",
                (int(length.total_seconds()), n),
            ).fetchall()
        return [_record(*row) for row in reversed(rows)]

    def acknowledge(self, start: datetime) -> int:
        """A person calls the windows that begin then ordinary; raises WindowError where there is none."""
        with connect(self._folder) as connection:
            changed = connection.execute(
                "update windows set acknowledged = 1 where start = ?", (start.isoformat(),)
            ).rowcount
        if not changed:
            raise WindowError(f"No window that was judged begins at {start.isoformat()}.")
        return changed


@contextmanager
def connect(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file of a task's folder, for one transaction; raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(folder / FILE, timeout=TIMEOUT)) as connection, connection:
            yield connection
    except sqlite3.Error as error:
        raise OSError(
            f"The history {folder / FILE} cannot be used: {error}. Move it away to begin anew."
        ) from error


def _key(tag: str, window: Window) -> tuple[str, str, str]:
    return tag, window.start.isoformat(), window.end.isoformat()


def window_of(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def _past(start: str, end: str, verdict: str, flagged: int, acknowledged: int, effects: str) -> Past:
    ordinary = bool(acknowledged) or (verdict == "OK" and not flagged)
    return Past(window_of(start, end), json.loads(effects), bool(flagged), ordinary)


def _record(tag: str, start: str, end: str, counted_at: str, first_logged: int, result: str) -> Record:
    moment = datetime.fromisoformat(counted_at)
    return Record(window_of(start, end), tag, moment, first_logged, json.loads(result))
