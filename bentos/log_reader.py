"""Reads what request_log.py writes, also while it is being written, compressed or deleted."""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bentos.log_files import LINES, hour_of, log_paths, utc_text

Row = dict[str, Any]
Item = tuple[str, int]  # request_id, index
SLACK = timedelta(hours=1)  # a row may be older than its file: a request in flight, unequal clocks


@dataclass
class LogRead:
    """The rows found, ordered by `ts`, and what could not be read."""

    rows: list[Row] = field(default_factory=list)
    torn_lines: int = 0  # no JSON: cut by a kill, or just being written
    foreign_lines: int = 0  # JSON, but no object with a `ts`: not written by us
    damaged_files: list[str] = field(default_factory=list)  # names of .gz files that break off


def read_log(
    folder: Path,
    kind: str = "requests",
    since: datetime | None = None,
    until: datetime | None = None,
    where: Callable[[Row], bool] = bool,
) -> LogRead:
    """All rows of a kind with `since <= ts < until` (UTC or any zone), each exactly once.

    A folder that is not there has no rows. Files are passed over by the hour in their name, so rows must be
    written within an hour of their `ts`. Rows that `where` refuses are not kept: a log may exceed the memory.
    """
    first, end = utc_text(since) if since else "", utc_text(until) if until else "~"
    found = LogRead()
    for path in paths_between(folder, kind, since, until):
        found.rows += [row for row in _rows(path, found) if first <= row["ts"] < end and where(row)]
    found.rows.sort(key=lambda row: str(row["ts"]))
    return found


def read_feedback(folder: Path, since: datetime | None = None, until: datetime | None = None) -> LogRead:
    """Feedback rows, only the last one of each (request_id, index, source)."""
    found = read_log(folder, "feedback", since, until)
    last = {tuple(str(row.get(key)) for key in ("request_id", "index", "source")): row for row in found.rows}
    found.rows = sorted(last.values(), key=lambda row: str(row["ts"]))
    return found


def read_texts(
    folder: Path, items: Container[Item | None], since: datetime | None = None, until: datetime | None = None
) -> dict[Item, Row]:
    """The rows with the texts of these items: `text` and, of a pair, `text_pair`.

    A text is written just after its row, and deleted long before it: not every row has one.
    """
    rows = read_log(folder, "texts", since, until, lambda row: item_of(row) in items).rows
    return {item: row for row in rows if (item := item_of(row))}


def item_of(row: Row) -> Item | None:
    """The input that a row of any kind is about; None where it names none."""
    request_id, index = row.get("request_id"), row.get("index")
    return (request_id, index) if isinstance(request_id, str) and type(index) is int else None


def paths_between(
    folder: Path,
    kind: str,
    since: datetime | None = None,
    until: datetime | None = None,
    forms: Sequence[str] = LINES,
) -> list[Path]:
    """The files that may hold rows of that time, each once, under its uncompressed name.

    Listed twice: a file that is compressed during the first listing can be in it under neither name.
    """
    listed = log_paths(folder, kind, forms) + log_paths(folder, kind, forms)
    paths = sorted({path.with_name(path.name.removesuffix(".gz")) for path in listed})
    return [
        path
        for path in paths
        if (until is None or hour_of(path) - SLACK < until)
        and (since is None or since < hour_of(path) + timedelta(hours=1) + SLACK)
    ]


def _rows(path: Path, found: LogRead) -> Iterator[Row]:
    """The rows of one file; lines that are none are counted in `found`."""
    file = open_log(path)
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
        found.torn_lines += not line.isspace()  # blanks are where a row was erased
        return None
    if isinstance(row, dict) and isinstance(row.get("ts"), str):
        return row
    found.foreign_lines += 1
    return None


def open_log(path: Path, unpack: Callable[[Path], io.BufferedIOBase] = gzip.open) -> io.BufferedIOBase | None:
    """A log file by its uncompressed name, in either form; None: deleted by now.

    The compressed file before the plain one: where both are, it is whole.
    """
    packed = Path(f"{path}.gz")
    for candidate in (packed, path, packed):  # again at the end: it may have been compressed between the two
        try:
            return unpack(candidate) if candidate is packed else candidate.open("rb")
        except FileNotFoundError:
            continue
    return None
