"""A large output in pieces, kept beside it until all are there and become the whole: a kill loses little."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bentos.model_store import write_atomically
from train.sources import DataError

JOB = "job.json"
GROUP = 32  # pieces in a row group of the whole


class Pieces:
    """The finished pieces of `output`, in a folder of their own; `open_pieces` gives them."""

    def __init__(self, output: Path, folder: Path) -> None:
        self._output, self._folder = output, folder

    def __contains__(self, index: int) -> bool:
        return self._path(index).is_file()

    def write(self, index: int, table: pa.Table) -> None:
        """Keep a piece, whole or not at all."""
        with self._whole(self._path(index)) as path:
            pq.write_table(table, path, compression="zstd")

    def join(self, n_pieces: int, schema: pa.Schema) -> None:
        """Make the output of them; until then there is what was there before. The pieces go."""
        with self._whole(self._output) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for first in range(0, n_pieces, GROUP):
                some = map(self._path, range(first, min(first + GROUP, n_pieces)))
                writer.write_table(pa.concat_tables(_read(piece).cast(schema) for piece in some))
        shutil.rmtree(self._folder)

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:08}.parquet"

    @contextmanager
    def _whole(self, path: Path) -> Iterator[Path]:
        """A file to write, which then takes its place, also on the disk."""
        temporary = self._folder / f"{path.name}.tmp"
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)


@contextmanager
def open_pieces(output: Path, job: Mapping[str, Any]) -> Iterator[Pieces]:
    """The pieces of an output, for one process at a time; `job` says all that they depend on.

    Raises DataError when another process makes the output, or when there are pieces of another job.
    """
    folder = output.with_name(f"{output.name}.parts")
    with _locked(folder):
        _check_job(folder, job)
        yield Pieces(output, folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"There can be no folder {folder}: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataError(f"Another process is at work in {folder}.") from None
    try:
        yield
    finally:
        os.close(lock)


def _read(piece: Path) -> pa.Table:
    with pq.ParquetFile(piece) as file:  # `read_table` would take folders named a=b for columns
        return file.read()


def _check_job(folder: Path, job: Mapping[str, Any]) -> None:
    path = folder / JOB
    if not (path.is_file() and any(folder.glob("*.parquet"))):
        for left in folder.iterdir():  # by a run that was killed as it tidied up
            left.unlink()
        write_atomically(path, json.dumps(job, indent=1))
    begun = json.loads(path.read_text("utf-8"))
    changed = [
        f"{key} was {begun.get(key)}, now {value}" for key, value in job.items() if value != begun.get(key)
    ]
    if changed:
        raise DataError(
            f"{folder} holds what another run has finished: {'; '.join(changed)}. Give the same again to go "
            "on with it, or delete that folder to begin anew."
        )
