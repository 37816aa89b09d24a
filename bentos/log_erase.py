"""Takes the rows of requests out of log files, whoever writes, compresses or reads them meanwhile.

In an uncompressed file they are overwritten with blanks where they stand: its writer appends and does not
notice. A compressed file is written anew. Readers take a line of blanks for none. A run that was killed has
erased a part, and is simply repeated.
"""

import gzip
import json
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bentos.log_files import PARQUET, claim, log_kinds, log_paths, pack, temporary_of
from bentos.log_reader import paths_between

WAIT = 60.0  # seconds for others to let go of a file
POLL = 0.02
REQUEST_ID = re.compile(rb'"request_id"\s*:\s*("(?:[^"\\]|\\.)*+")')
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)

Wanted = Callable[[bytes], bool]


def erase(folder: Path, request_ids: Set[str]) -> tuple[Counter[str], list[str]]:
    """Erase every row of the requests that is in the log by now; how many of each kind there were.

    Also the names of files that were not searched and stay as they are: damaged ones, and Parquet, which is
    made by others. Raises OSError, among them TimeoutError when a process does not let go of a file.
    """
    wanted, erased, left = _wanted(request_ids), Counter[str](), list[str]()
    for kind in log_kinds(folder):
        for path in paths_between(folder, kind):
            packed = path.with_name(f"{path.name}.gz")
            try:  # where a file is there in both forms, they hold the same rows
                erased[kind] += max(_blank(path, wanted), _pack_again(packed, wanted))
            except DAMAGED:
                left.append(packed.name)
        left += [path.name for path in log_paths(folder, kind, [PARQUET])]
    return +erased, left


def _wanted(request_ids: Set[str]) -> Wanted:
    """Is a line a row of the requests, or what a kill has left of one?"""
    names = {json.dumps(request_id).encode() for request_id in request_ids}

    def is_wanted(line: bytes) -> bool:
        if not any(found[1] in names for found in REQUEST_ID.finditer(line)):
            return False
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return True
        return isinstance(row, dict) and row.get("request_id") in request_ids

    return is_wanted


def _blank(path: Path, wanted: Wanted) -> int:
    """Overwrite the rows in an uncompressed file, if it is there; how many."""
    if file := claim(path):  # it has no writer, and until we let go nobody compresses it
        with file:
            temporary_of(path).unlink(missing_ok=True)
            return _overwrite(file, wanted, closed=True)
    with suppress(FileNotFoundError), path.open("r+b") as file:
        erased, end = _overwrite(file, wanted, closed=False), time.monotonic() + WAIT
        while temporary_of(path).exists():  # compressed meanwhile: the `.gz`, which is next, may have them
            _pause(path, end)
        return erased
    return 0


def _overwrite(file: BinaryIO, wanted: Wanted, closed: bool) -> int:
    erased = 0
    for start, line in _lines(file, closed):
        if wanted(line):
            _write(file.fileno(), b" " * len(line.rstrip(b"\n")), start)
            erased += 1
    os.fsync(file.fileno())
    return erased


def _lines(file: BinaryIO, closed: bool) -> Iterator[tuple[int, bytes]]:
    """Each line with its place; where a writer may be at one, it is waited until it is whole."""
    start, end = 0, time.monotonic() + WAIT
    while line := file.readline():
        if closed or line.endswith(b"\n"):
            yield start, line
            start += len(line)
        else:
            _pause(Path(file.name), end)
            file.seek(start)


def _write(file: int, data: bytes, start: int) -> None:
    while data:
        written = os.pwrite(file, data, start)
        data, start = data[written:], start + written


def _pack_again(path: Path, wanted: Wanted) -> int:
    """Write a compressed file without the rows, if it is there; how many. Raises DAMAGED."""
    file = _claimed(path)
    if file is None:
        return 0
    with file:
        temporary_of(path).unlink(missing_ok=True)
        erased = sum(map(wanted, _unpacked(file)))
        if erased:
            pack((line for line in _unpacked(file) if not wanted(line)), temporary_of(path), path)
            _sync(path.parent)
    return erased


def _claimed(path: Path) -> BinaryIO | None:
    """The file, locked as soon as others let go of it; None when it is gone."""
    file, end = claim(path), time.monotonic() + WAIT
    while file is None and path.exists():
        _pause(path, end)
        file = claim(path)
    return file


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    with gzip.GzipFile(fileobj=file) as lines:
        yield from lines


def _pause(path: Path, end: float) -> None:
    """Wait a moment; raises TimeoutError when the time is over."""
    if time.monotonic() > end:
        raise TimeoutError(f"{path} is held by another process for {WAIT:g} s: run the command again.")
    time.sleep(POLL)


def _sync(folder: Path) -> None:
    """Make a renaming outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
