"""The rows of a Parquet, CSV or JSON lines file as tables of a few rows, however large the file is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from train.sources import DataError, csv_frames, json_rows

BUFFER = 2**20  # bytes of a Parquet column read at once
FAULTS = (OSError, ValueError, TypeError, pa.ArrowException, pd.errors.ParserWarning)


@dataclass(frozen=True)
class Stream:
    """A file with what is known of the whole of it, to be read from its beginning, again and again."""

    path: Path
    schema: pa.Schema
    n_rows: int

    def tables(self, rows: int) -> Iterator[pa.Table]:
        """All rows in order, so many in each table (fewer in the last); raises DataError."""
        waiting = self.schema.empty_table()
        with _explained(self.path):
            for table in READERS[self.path.suffix](self.path, rows):
                waiting = pa.concat_tables([waiting, table], promote_options="permissive")
                while len(waiting) >= rows:
                    yield waiting.slice(0, rows)
                    waiting = waiting.slice(rows)
        if len(waiting):
            yield waiting


def open_stream(path: Path, rows: int) -> Stream:
    """Look a file over, so many rows at a time; of Parquet the metadata are enough.

    Raises DataError: no such file, another suffix, or a content that is not what the suffix says.
    """
    if path.suffix not in READERS:
        raise DataError(f"{path} has the suffix '{path.suffix}'; one of {', '.join(READERS)} was expected.")
    if not path.is_file():
        raise DataError(f"There is no file {path} (seen from {Path.cwd()}).")
    with _explained(path):
        if path.suffix == ".parquet":
            return Stream(path, pq.read_schema(path), pq.read_metadata(path).num_rows)
        schema, n_rows = pa.schema([]), 0
        for table in READERS[path.suffix](path, rows):
            schema = pa.unify_schemas([schema, table.schema], promote_options="permissive")
            n_rows += len(table)
        return Stream(path, schema, n_rows)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FAULTS as error:
        raise DataError(f"{path} cannot be read as {path.suffix}: {error}") from error


def _read_csv(path: Path, rows: int) -> Iterator[pa.Table]:
    for frame in csv_frames(path, rows):
        yield pa.table({str(name): pa.array(frame[name].tolist(), pa.string()) for name in frame})


def _read_json_lines(path: Path, rows: int) -> Iterator[pa.Table]:
    objects = json_rows(path)
    while some := list(islice(objects, rows)):
        names = dict.fromkeys(name for row in some for name in row)
        yield pa.table({name: [row.get(name) for row in some] for name in names})


def _read_parquet(path: Path, rows: int) -> Iterator[pa.Table]:
    with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(rows):
            yield pa.Table.from_batches([batch])


READERS: dict[str, Callable[[Path, int], Iterator[pa.Table]]] = {
    ".csv": _read_csv,
    ".json": _read_json_lines,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
