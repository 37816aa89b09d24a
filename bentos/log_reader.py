"""Reads what request_log.py writes, also while it is being written, compressed or deleted."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bentos.log_files import hour_of, log_paths, utc_text

Row = dict[str, Any]
Item = tuple[str, str]
SLACK = timedelta(hours=1)  # a row may be older than its file: a request in flight, unequal clocks


@dataclass
class LogRead:
    """The rows found, ordered by `ts`, and what could not be read."""

    rows: list[Row] = field(default_factory=list)
    torn_lines: int = 0  # no JSON: cut by a kill, or just being written
    foreign_lines: int = 0  # JSON, but no object with a `ts`: not written by us
    damaged_files: list[str] = field(default_factory=list)  # names of .gz files that break off


def read_log(
    folder: Path, kind: str = "requests", since: datetime | None = None, until: datetime | None = None
) -> LogRead:
    """All rows of a kind with `since <= ts < until` (UTC or any zone), each exactly once.

    A folder that is not there has no rows. Files are passed over by the hour in their name, so rows must be
    written within an hour of their `ts`.
    """
    found = LogRead()
    found.rows += sorted(_rows_between(folder, kind, since, until, found), key=lambda row: str(row["ts"]))
    return found


def read_feedback(folder: Path, since: datetime | None = None, until: datetime | None = None) -> LogRead:
    """Feedback rows, only the last one of each (request_id, index, source)."""
    found = read_log(folder, "feedback", since, until)
    last = {(*item_of(row), str(row.get("source"))): row for row in found.rows}
    found.rows = sorted(last.values(), key=lambda row: str(row["ts"]))
    return found


def read_texts(
    folder: Path, items: Set[Item], since: datetime | None = None, until: datetime | None = None
) -> dict[Item, Row]:
    """The texts logged for these items (`item_of` a row): `text` and, of a pair, `text_pair`.

    A text is written just after its row, and deleted long before it: not every row has one.
    """
    rows = _rows_between(folder, "texts", since, until, LogRead())
    return {item: row for row in rows if (item := item_of(row)) in items}


def item_of(row: Row) -> Item:
    """What a row of any kind is about: an input of a request, by (request_id, index) as texts."""
    return str(row.get("request_id")), str(row.get("index"))


def _rows_between(
    folder: Path, kind: str, since: datetime | None, until: datetime | None, found: LogRead
) -> Iterator[Row]:
    """The rows of that time; what could not be read is counted in `found`."""
    first, end = utc_text(since) if since else "", utc_text(until) if until else "~"
    for path in _plain_paths(folder, kind):
        if (until is None or hour_of(path) - SLACK < until) and (
            since is None or since < hour_of(path) + timedelta(hours=1) + SLACK
        ):
            yield from (row for row in _rows(path, found) if first <= row["ts"] < end)


def _plain_paths(folder: Path, kind: str) -> list[Path]:
    """Each log file once, under its uncompressed name.

    Listed twice: a file that is compressed during the first listing can be in it under neither name.
    """
    listed = log_paths(folder, kind) + log_paths(folder, kind)
    return sorted({path.with_name(path.name.removesuffix(".gz")) for path in listed})


def _rows(path: Path, found: LogRead) -> Iterator[Row]:
    """The rows of one file; lines that are none are counted in `found`."""
    file = _open(path)
    if file is None:
        return
    with file:
        try:
            for line in file:
                row = _row(line, found)
                if row:
                    yield row
        except (EOFError, gzip.BadGzipFile, zlib.error):
            found.damaged_files.append(f"{path.name}.gz")


def _row(line: bytes, found: LogRead) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        found.torn_lines += 1
        return None
    if isinstance(row, dict) and isinstance(row.get("ts"), str):
        return row
    found.foreign_lines += 1
    return None


def _open(path: Path) -> io.BufferedIOBase | None:
    """The compressed file before the plain one: where both are, it is whole. None: deleted by now."""
    packed = Path(f"{path}.gz")
    for candidate in (packed, path, packed):  # again at the end: it may have been compressed between the two
        try:
            return gzip.open(candidate) if candidate is packed else candidate.open("rb")
        except FileNotFoundError:
            continue
    return None
