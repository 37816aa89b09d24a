"""The log of a window as a tally. Sound rows are read as Arrow tables, in blocks; odd ones one by one."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from bentos.log_files import LINES, PARQUET, hour_of
from bentos.log_reader import SLACK, Row, open_log, paths_between
from bentos.task import Task
from monitoring.arrow import array, moments_of, part_of, to_table
from monitoring.binned import Bins
from monitoring.columns import number, to_columns
from monitoring.contract import faults_of
from monitoring.parquet import as_lines_are, batches
from monitoring.tally import LARGEST_KEY, Key, Part, Tally, counted, empty_tally, known, tally_part, texts
from monitoring.windows import CLOCK_SLACK, Window

CHUNK = 16 * 2**20  # bytes of lines read at once
PIECE = 2**14  # bytes unpacked at once: no more is lost where a file breaks off
ODD_CHUNK = 2**18  # bytes where some lines are odd: so that few others share their slow way
ODD_BATCH = 2**9  # rows, the same
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAMAGED: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, isal_zlib.error)  # type: ignore[assignment]


@dataclass(frozen=True)
class Scope:
    """Which rows are counted, and on what bins."""

    tag: str
    task: Task
    bins: Bins
    window: Window
    labelled: frozenset[Key] = frozenset()  # the items that labels have come for
    now: datetime | None = None  # of the judge, for the newest window: later rows have a broken clock
    largest_key: int = LARGEST_KEY  # rows with larger ones are not sampled
    begun: datetime | None = None  # the hour of the file: rows from long before it have a broken clock too


TallyFiles = Callable[[Iterable[Path], Scope], Tally]


def tally_files(paths: Iterable[Path], scope: Scope) -> Tally:
    """The tally of log files in any form; what cannot be read is counted."""
    found, damaged = empty_tally(scope.tag, scope.bins), list[str]()
    for path in paths:
        is_table = path.suffix == PARQUET
        for piece in batches(path, scope.task, damaged) if is_table else chunks(path, damaged):
            limited = replace(scope, largest_key=found.sample.largest_key, begun=hour_of(path))
            found += tally_batch(piece, limited) if is_table else tally_lines(piece, limited)
    return replace(found, damaged_files=tuple(sorted(damaged)))


def tally_window(
    folder: Path, scope: Scope, damaged: Iterable[str] = (), tally: TallyFiles = tally_files
) -> Tally:
    """The tally of what a log folder holds for the window; `damaged` names files that others found so.

    `tally` counts the files.
    """
    until = None if scope.now else scope.window.end
    paths = paths_between(folder, "requests", scope.window.start, until, (*LINES, PARQUET))
    found = tally(paths, scope)
    return replace(found, damaged_files=tuple(sorted({*found.damaged_files, *damaged})))


def chunks(path: Path, damaged: list[str]) -> Iterator[bytes]:
    """Whole lines, about CHUNK bytes at a time; the name of a file that breaks off goes into `damaged`."""
    file, pieces, size = open_log(path, igzip.open), list[bytes](), 0
    if file is None:  # deleted by now
        return
    with file:
        try:
            while piece := file.read1(PIECE):
                pieces.append(piece)
                size += len(piece)
                if size >= CHUNK:
                    lines, newline, rest = b"".join(pieces).rpartition(b"\n")
                    pieces, size = [rest], len(rest)
                    yield lines + newline
        except DAMAGED:
            damaged.append(f"{path.name}.gz")
    yield b"".join(pieces)


def tally_lines(lines: bytes, scope: Scope) -> Tally:
    """The tally of lines. Where some are odd, smaller pieces are tried."""
    if not lines:
        return empty_tally(scope.tag, scope.bins)
    table = to_table(lines, scope.task)
    found = tally_table(table, scope) if table else None
    if found is not None:
        return found
    middle = lines.find(b"\n", len(lines) // 2) + 1
    if len(lines) <= ODD_CHUNK or not 0 < middle < len(lines):
        return tally_odd(lines, scope)
    return tally_lines(lines[:middle], scope) + tally_lines(lines[middle:], scope)


def tally_batch(batch: pa.Table, scope: Scope) -> Tally:
    """The tally of rows from elsewhere. Where some are odd, smaller pieces are tried."""
    table = as_lines_are(batch, scope.task)
    found = tally_table(table, scope) if table else None
    if found is not None:
        return found
    if len(batch) <= ODD_BATCH:
        return tally_values(batch.to_pylist(), scope)
    middle = len(batch) // 2
    return tally_batch(batch[:middle], scope) + tally_batch(batch[middle:], scope)


def tally_table(table: pa.Table, scope: Scope) -> Tally | None:
    """The tally of a table; None where one of its rows is odd."""
    moments = moments_of(table)
    if moments is None:
        return None
    inside = placed(moments, scope)
    tags = array(table, "model_tag")
    own = inside & pc.fill_null(pc.equal(tags, scope.tag), False).to_numpy(zero_copy_only=False)
    part = part_of(table if own.all() else table.filter(pa.array(own)), moments[own], scope.task)
    if part is None:
        return None
    found = tally_part(part, scope.tag, scope.bins, scope.labelled, scope.largest_key)
    found = replace(found, logged=counted(tags.filter(pa.array(inside))))
    return with_strays(found, moments, scope)


def tally_odd(lines: bytes, scope: Scope) -> Tally:
    """The tally of lines of any kind."""
    return tally_values(map(loaded, filter(bytes.strip, lines.split(b"\n"))), scope)


def loaded(line: bytes) -> object:
    """What a line says in JSON; nothing where it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def tally_values(values: Iterable[Any], scope: Scope) -> Tally:
    """The tally of what should be rows."""
    rows, moments, unreadable = list[Row](), list[int](), 0
    for value in values:
        try:
            moments.append(moment(value["ts"]))
            rows.append(value)
        except (ValueError, TypeError, KeyError):  # no object, or without a time
            unreadable += 1
    found = tally_rows(rows, np.array(moments, np.int64), scope)
    return replace(found, unreadable_lines=unreadable)


def tally_rows(rows: Sequence[Row], moments: NDArray[np.int64], scope: Scope) -> Tally:
    """The tally of rows of any kind, their moments in microseconds since 1970."""
    inside = placed(moments, scope)
    in_window = [(row, at) for row, at, is_in in zip(rows, moments, inside, strict=True) if is_in]
    own = [(row, at) for row, at in in_window if row.get("model_tag") == scope.tag]
    judged = [row for row, _ in own]
    part = part_of_rows(judged, np.array([at for _, at in own], np.int64), scope.task)
    found = replace(
        tally_part(part, scope.tag, scope.bins, scope.labelled, scope.largest_key),
        faults=faults_of(judged, scope.task),
        logged=Counter(str(row.get("model_tag")) for row, _ in in_window),
    )
    return with_strays(found, moments, scope)


def part_of_rows(rows: Sequence[Row], moments: NDArray[np.int64], task: Task) -> Part:
    """The rows as arrays; values of a wrong type count as none."""
    return Part(
        to_columns(rows, task),
        moments,
        texts(row["request_id"] if isinstance(row.get("request_id"), str) else "" for row in rows),
        np.array([_index(row.get("index")) for row in rows], np.int64),
        texts(row["label"] if isinstance(row.get("label"), str) else None for row in rows),
        np.array([number(row.get("latency_ms")) for row in rows], np.float64),
        np.array([row.get("truncated") is True for row in rows], np.bool_),
        objects(known(row["tags"]) if isinstance(row.get("tags"), dict) else None for row in rows),
    )


def placed(moments: NDArray[np.int64], scope: Scope) -> NDArray[np.bool_]:
    """Which rows lie in the window."""
    start, end = (microseconds(at) for at in (scope.window.start, scope.window.end))
    return (moments >= start) & (moments < end)


def with_strays(found: Tally, moments: NDArray[np.int64], scope: Scope) -> Tally:
    """The tally with the number of rows that lie in the future, and of those long before their file."""
    latest, first = scope.now and scope.now + CLOCK_SLACK, scope.begun and scope.begun - SLACK
    return replace(
        found,
        future_rows=int((moments >= microseconds(latest)).sum()) if latest else 0,
        early_rows=int((moments < microseconds(first)).sum()) if first else 0,
    )


def moment(text: str) -> int:
    """Of an ISO time, microseconds since 1970; raises ValueError or TypeError for anything else."""
    at = datetime.fromisoformat(text)
    return microseconds(at if at.tzinfo else at.replace(tzinfo=UTC))


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def objects(values: Iterable[object]) -> NDArray[np.object_]:
    """As they are, whatever they are."""
    listed = list(values)
    found = np.empty(len(listed), np.object_)
    found[:] = listed
    return found


def _index(value: object) -> int:
    return value if type(value) is int and 0 <= value < 2**31 else -1
