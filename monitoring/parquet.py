"""Log rows in Parquet files, for those who move their logs: their columns are those of the log lines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bentos.task import Task
from monitoring.arrow import schema

BATCH = 2**16  # rows read at once
BUFFER = 2**20  # bytes
TYPES = pa.types
# What may stand for a type of the schema. Numbers are no text and texts no numbers, as in log lines.
CASTS: dict[pa.DataType, tuple[Callable[[pa.DataType], bool], ...]] = {
    pa.string(): (TYPES.is_string, TYPES.is_large_string, TYPES.is_string_view),
    pa.float64(): (TYPES.is_floating, TYPES.is_integer),
    pa.int64(): (TYPES.is_integer,),
    pa.bool_(): (TYPES.is_boolean,),
    pa.list_(pa.float64()): (TYPES.is_list, TYPES.is_large_list, TYPES.is_fixed_size_list),
}


def batches(path: Path, task: Task, damaged: list[str]) -> Iterator[pa.Table]:
    """The rows of a file, BATCH at a time; the name of a file that cannot be read goes into `damaged`."""
    try:
        source = pa.OSFile(str(path))
    except FileNotFoundError:  # deleted by now
        return
    with source:
        try:
            file = pq.ParquetFile(source, buffer_size=BUFFER)
            names = [name for name in (*schema(task).names, "tags") if name in file.schema_arrow.names]
            for group in range(file.num_row_groups):  # so that those before a damaged one are read
                for batch in file.iter_batches(BATCH, row_groups=[group], columns=names, use_threads=False):
                    yield with_plain_columns(pa.Table.from_batches([batch]))
        except (OSError, pa.ArrowException):
            damaged.append(path.name)


def with_plain_columns(table: pa.Table) -> pa.Table:
    """Times as texts, and no dictionaries."""
    for i, field in enumerate(table.schema):
        if TYPES.is_dictionary(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(field.type.value_type))
        elif TYPES.is_timestamp(field.type):
            since_1970 = table.column(i).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            text = since_1970.cast(pa.timestamp("us")).cast(pa.string())
            table = table.set_column(i, field.name, pc.binary_join_element_wise(text, "Z", ""))
    return table


def as_lines_are(table: pa.Table, task: Task) -> pa.Table | None:
    """The table with the types of log lines, absent columns null; None where that takes more than a cast."""
    found = {name: table.column(name) for name in table.column_names}
    for field in schema(task):
        column = found.get(field.name, pa.nulls(len(table)))
        if not any(fits(column.type) for fits in (*CASTS[field.type], TYPES.is_null)):
            return None
        found[field.name] = column.cast(field.type)
    return pa.table(found)
