"""The files of a log folder: their names, the one being written, and what becomes of closed ones.

A writer holds a lock (flock) on its open file, and the kernel frees it however the process ends. So a file
whose lock is free has no writer, on this host or another: it may be compressed or deleted. A `.tmp` beside
a file belongs to who holds that file's lock, and is a killed process's rest where nobody does.
"""

import fcntl
import gzip
import os
import re
import secrets
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

NAME = re.compile(r"([a-z]+)-(\d{8}T\d{2})-.+(\.jsonl|\.jsonl\.gz|\.parquet)")  # kind, UTC hour, form
LINES = (".jsonl", ".jsonl.gz")  # the writer's own forms; it touches no other
PARQUET = ".parquet"  # made of them by others
HOUR = "%Y%m%dT%H"
COMPRESSION = 1  # 82 MB/s and 33 % of the size; level 6: 27 MB/s and 28 %. The cores belong to the model.


def utc_text(moment: datetime) -> str:
    """`2026-11-21T09:14:00.123456Z`; of one width, so the order of texts is that of time.

    Raises ValueError for a time without zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; give it one, for example tzinfo=UTC")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_path(folder: Path, kind: str, now: datetime) -> Path:
    """A name that no other process, host or earlier file has."""
    host = re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname())
    return folder / f"{kind}-{now.strftime(HOUR)}-{host}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"


def log_kinds(folder: Path) -> list[str]:
    """The kinds of which a folder has log files."""
    return sorted({name[1] for path in folder.iterdir() if (name := NAME.fullmatch(path.name))})


def log_paths(folder: Path, kind: str, forms: Sequence[str] = LINES) -> list[Path]:
    """The log files of one kind in some forms, by hour; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _is_log(path, kind, forms))


def _is_log(path: Path, kind: str, forms: Sequence[str]) -> bool:
    name = NAME.fullmatch(path.name)
    with suppress(ValueError):  # an hour that no calendar has
        return name is not None and name[1] == kind and name[3] in forms and bool(hour_of(path))
    return False


def hour_of(path: Path) -> datetime:
    """The UTC hour in which the file was begun."""
    return datetime.strptime(path.name.split("-")[1], HOUR).replace(tzinfo=UTC)


class LogFile:
    """One new file, open for appending and locked; raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._torn = False
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):  # a file system without locks: then nobody can take the file for closed
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def usable(self) -> bool:
        """False when it ends in a torn line, or was deleted: what is written then would be lost."""
        return not self._torn and os.fstat(self._file).st_nlink > 0

    def is_of(self, moment: datetime) -> bool:
        """Was it begun in the UTC hour of `moment`?"""
        return self.path.name.split("-")[1] == moment.strftime(HOUR)

    def append(self, lines: bytes) -> None:
        """Write all of it, or leave the file as it was and raise OSError."""
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            self._torn = True
            os.ftruncate(self._file, self.size)
            self._torn = False
            raise
        self.size += len(lines)

    def close(self) -> None:
        """Free the lock."""
        os.close(self._file)


def claim(path: Path) -> BinaryIO | None:
    """The file, open and locked; None while it has a writer or when it is gone. Raises OSError."""
    with ExitStack() as stack, suppress(BlockingIOError, FileNotFoundError):
        file = stack.enter_context(path.open("r+b"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink > 0:
            stack.pop_all()
            return file
    return None


def compress(path: Path) -> None:
    """Replace a file without writer by its `.gz`; at each moment one of the two is there whole.

    Raises OSError and then leaves the file as it was.
    """
    if source := claim(path):
        with source:
            pack(iter(partial(source.read, 2**20), b""), temporary_of(path), Path(f"{path}.gz"))
            path.unlink()


def pack(pieces: Iterable[bytes], temporary: Path, path: Path) -> None:
    """Write the pieces compressed, by way of the temporary file: all of them or, with OSError, nothing."""
    try:
        with open(temporary, "wb", opener=_private) as target:
            with gzip.GzipFile("", "wb", COMPRESSION, target) as packed:
                for piece in pieces:
                    packed.write(piece)
            target.flush()
            os.fsync(target.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_of(path: Path) -> Path:
    """What the holder of the file's lock writes aside."""
    return path.with_name(f"{path.name}.tmp")


def abandoned(folder: Path, kind: str, now: datetime) -> list[Path]:
    """Uncompressed files at least one whole hour old: their writers were killed, or still hold the lock."""
    paths = [path for path in log_paths(folder, kind) if path.suffix == ".jsonl"]
    return [path for path in paths if hour_of(path) + timedelta(hours=2) <= now]


def delete_old(folder: Path, kind: str, now: datetime, max_days: float, max_bytes: int) -> None:
    """Delete files older than `max_days`, and the oldest ones until the rest has `max_bytes` in sum."""
    total = 0
    for path in reversed(log_paths(folder, kind)):
        with suppress(FileNotFoundError):  # another service keeps the same folder
            total += path.stat().st_size
            if total > max_bytes or hour_of(path) < now - timedelta(days=max_days):
                _delete(path)


def _delete(path: Path) -> None:
    if file := claim(path):
        with file:
            temporary_of(path).unlink(missing_ok=True)
            path.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
