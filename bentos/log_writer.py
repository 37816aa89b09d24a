"""Writes log rows to files from a thread of its own, so that no request ever waits for the disk."""

import json
import logging
import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos.log_files import HOUR, LogFile, abandoned, compress, delete_old, new_path
from bentos.log_reader import Row

ROUND_SECONDS = 0.1
QUEUE_ROWS = 10_000
CHUNK_BYTES = 2**20  # written with one system call
ENCODE = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RequestLog:
    """Appends rows as JSON lines to files of its own in `folder`.

    A row is in its file about 0.1 s after `write`. Whatever happens to the disk, the caller neither waits nor
    fails; a row that cannot be kept is counted in `drops`. A file is closed and compressed when its UTC hour
    is over or `max_file_bytes` are reached. The thread also compresses what killed processes left behind and
    deletes files older than `max_days` or, the oldest first, beyond `max_bytes` in sum. Rows survive a kill
    of the process, but not a loss of power. `clock` gives the present time.

    Raises OSError when the folder cannot be made, ValueError for a kind that is no word in lower case.
    """

    def __init__(
        self,
        folder: Path,
        kind: str = "requests",
        *,
        queue_rows: int = QUEUE_ROWS,
        max_file_bytes: int = 64 * 2**20,
        max_days: float = 90,
        max_bytes: int = 10 * 2**30,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if not re.fullmatch("[a-z]+", kind):
            raise ValueError(f"kind is '{kind}'; it is part of file names: a word of lower-case letters")
        self._folder, self._kind = folder, kind
        self._make_folder()
        self.written = 0
        self.drops = dict.fromkeys(("queue full", "closed", "not JSON", "disk", "writer failed"), 0)
        self._queue_rows, self._max_file_bytes = queue_rows, max_file_bytes
        self._max_days, self._max_bytes = max_days, max_bytes
        self._clock = clock
        self._lock = threading.Lock()  # guards _queue, _closed and drops
        self._queue: list[Row] = []
        self._closed = False
        self._closing = threading.Event()
        self._file: LogFile | None = None
        self._unsettled = 0  # rows of this round neither written nor dropped
        self._to_compress: list[Path] = []
        self._tidied = ""  # the hour in which the folder was last put in order
        self._failing = False  # since the last write
        self._complaints: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"log-{kind}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Rows that were not kept, for all the reasons of `drops` together."""
        return sum(self.drops.values())

    def write(self, row: Row) -> None:
        """Queue one row, which must not be changed afterwards."""
        with self._lock:
            if self._closed:
                self.drops["closed"] += 1
            elif len(self._queue) >= self._queue_rows:
                self.drops["queue full"] += 1
            else:
                self._queue.append(row)

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued and compress the file; waits at most `timeout` seconds."""
        with self._lock:
            self._closed = True
        self._closing.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.error("%s log in %s: not finished within %s s", self._kind, self._folder, timeout)

    def _run(self) -> None:
        closed = False
        while not closed:
            self._closing.wait(ROUND_SECONDS)
            with self._lock:
                rows, self._queue, closed = self._queue, [], self._closed
            self._round(rows, closed)

    def _round(self, rows: list[Row], closed: bool) -> None:
        self._unsettled = len(rows)
        try:
            now = self._clock()
            for lines in self._chunks(rows):
                self._append(lines, now)
            self._tidy(now, closed)
        except BaseException as error:  # whatever it is, the thread must live, and say so
            self._complain(error)
            self._drop(self._unsettled, "writer failed")

    def _chunks(self, rows: Sequence[Row]) -> Iterator[list[bytes]]:
        """The rows as JSON lines, in lists of about CHUNK_BYTES."""
        lines: list[bytes] = []
        size = 0
        for row in rows:
            try:
                lines.append(_line(row))
            except (TypeError, ValueError, RecursionError) as error:
                self._complain(error)
                self._drop(1, "not JSON")
                continue
            size += len(lines[-1])
            if size >= CHUNK_BYTES:
                yield lines
                lines, size = [], 0
        if lines:
            yield lines

    def _append(self, lines: list[bytes], now: datetime) -> None:
        try:
            self._open_file(now).append(b"".join(lines))
        except OSError as error:
            self._failing = True
            self._complain(error)
            self._drop(len(lines), "disk")
            return
        self.written += len(lines)
        self._unsettled -= len(lines)
        if self._failing:
            log.warning("%s log in %s: written again", self._kind, self._folder)
            self._failing = False
            self._complaints.clear()

    def _open_file(self, now: datetime) -> LogFile:
        """The file for rows of this moment, a new one where need be."""
        if self._file is None or self._is_over(self._file, now):
            self._close_file()
            self._make_folder()
            self._file = LogFile(new_path(self._folder, self._kind, now))
        return self._file

    def _is_over(self, file: LogFile, now: datetime) -> bool:
        return file.size >= self._max_file_bytes or not file.usable or not file.is_of(now)

    def _close_file(self) -> None:
        if self._file:
            file, self._file = self._file, None
            self._to_compress.append(file.path)
            file.close()

    def _tidy(self, now: datetime, closed: bool) -> None:
        """Compress at most one file, so that rows do not wait long; once an hour look through the folder."""
        if self._file and (closed or self._is_over(self._file, now)):
            self._close_file()
        if self._to_compress:
            compress(self._to_compress.pop())
        hour = now.strftime(HOUR)
        if hour != self._tidied:
            self._tidied = hour
            self._to_compress[:0] = abandoned(self._folder, self._kind, now)
            delete_old(self._folder, self._kind, now, self._max_days, self._max_bytes)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _drop(self, rows: int, reason: str) -> None:
        self._unsettled -= rows
        with self._lock:
            self.drops[reason] += rows

    def _complain(self, error: BaseException) -> None:
        """Tell of a failure once, not with each row."""
        if repr(error) not in self._complaints:
            self._complaints.add(repr(error))
            log.error("%s log in %s: lost rows are counted", self._kind, self._folder, exc_info=error)


def _line(row: Row) -> bytes:
    try:
        text = ENCODE(row)
    except ValueError:  # NaN or infinity, which is no JSON
        text = ENCODE(_finite(row))
    return text.encode("ascii") + b"\n"


def _finite(value: Any) -> Any:
    """The same with null for each number that is not finite."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
