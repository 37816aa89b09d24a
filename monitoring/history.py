"""What earlier windows were judged to be: one SQLite file beside the reports of a task."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
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
    primary key (model_tag, start, end)
)"""


@dataclass(frozen=True)
class Past:
    """An earlier window of the same model and length."""

    window: Window
    effects: dict[str, float]  # by test
    flagged: bool
    ordinary: bool  # neither flagged nor otherwise in doubt, or acknowledged


class History:
    """The windows of a task. Every change is one transaction, so that two runs do not disturb each other."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        with self._connection() as connection:
            connection.execute(SCHEMA)

    def before(self, window: Window, tag: str) -> list[Past]:
        """The windows of that model and of this length that ended before this one began, the newest first."""
        with self._connection() as connection:
            rows = connection.execute(
                "select start, end, verdict, flagged, acknowledged, effects from windows"
                " where model_tag = ? and end <= ? order by end desc",
                (tag, window.start.isoformat()),
            ).fetchall()
        past = [_past(*row) for row in rows]
        return [one for one in past if one.window.length == window.length]

    def remember(self, tag: str, window: Window, result: dict[str, Any]) -> None:
        """Keep a `result.json`; one of the same window is replaced, but stays acknowledged."""
        with self._connection() as connection:
            connection.execute(
                "insert into windows (model_tag, start, end, verdict, flagged, effects, result)"
                " values (?, ?, ?, ?, ?, ?, ?) on conflict (model_tag, start, end) do update set"
                " verdict = excluded.verdict, flagged = excluded.flagged,"
                " effects = excluded.effects, result = excluded.result",
                (
                    tag,
                    window.start.isoformat(),
                    window.end.isoformat(),
                    result["verdict"],
                    result["flagged"],
                    json.dumps(result["effects"]),
                    json.dumps(result),
                ),
            )

    def acknowledge(self, start: datetime) -> int:
        """A person calls the windows that begin then ordinary; raises WindowError where there is none."""
        with self._connection() as connection:
            changed = connection.execute(
                "update windows set acknowledged = 1 where start = ?", (start.isoformat(),)
            ).rowcount
        if not changed:
            raise WindowError(f"No window that was judged begins at {start.isoformat()}.")
        return changed

    def results(self) -> list[dict[str, Any]]:
        """Every result, the oldest first."""
        with self._connection() as connection:
            rows = connection.execute("select result from windows order by start, end").fetchall()
        return [json.loads(text) for (text,) in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=TIMEOUT)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _past(start: str, end: str, verdict: str, flagged: int, acknowledged: int, effects: str) -> Past:
    window = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
    ordinary = bool(acknowledged) or (verdict == "OK" and not flagged)
    return Past(window, json.loads(effects), bool(flagged), ordinary)
