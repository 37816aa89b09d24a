"""Files read a few rows at a time: every format, nothing lost, flat memory."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from train.sources import DataError
from train.streams import Stream, open_stream

WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path, row_group_size=7),
}
FRAME = pd.DataFrame({"text": [f"line one,\nline {i}" for i in range(25)], "id": [str(i) for i in range(25)]})


def rows_of(stream: Stream, rows: int = 10) -> list[dict[str, object]]:
    return [row for table in stream.tables(rows) for row in table.to_pylist()]


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_all_rows_in_order_in_tables_of_one_length(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{suffix}"
    WRITERS[suffix](FRAME, path)
    stream = open_stream(path, 10)
    assert stream.n_rows == 25
    assert [len(table) for table in stream.tables(10)] == [10, 10, 5]
    assert rows_of(stream) == FRAME.to_dict("records")


def test_a_word_for_nothing_is_a_text_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text\nNA\nnull\n")
    assert rows_of(open_stream(path, 10)) == [{"text": "NA"}, {"text": "null"}]


def test_a_column_that_comes_late_is_there_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    objects = [{"text": "a", "n": None}] * 10 + [{"text": "b", "n": 1}, {"text": "c", "n": 0.5, "new": "x"}]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in objects))
    stream = open_stream(path, 10)
    first, second = stream.tables(10)
    assert first.schema == second.schema == stream.schema
    assert second.to_pylist() == [{"text": "b", "n": 1, "new": None}, {"text": "c", "n": 0.5, "new": "x"}]


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_without_rows_has_none(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{suffix}"
    WRITERS[suffix](FRAME[:0], path)
    stream = open_stream(path, 10)
    assert (stream.n_rows, list(stream.tables(10))) == (0, [])


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "text\n1,2\n"), ("a.jsonl", '{"n": 1}\n{"n": "x"}\n'), ("a.parquet", "no Parquet")],
)
def test_what_cannot_be_read_is_told_with_the_file(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=f"{name} cannot be read as"):
        open_stream(tmp_path / name, 10)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path, text = tmp_path / "rows.parquet", pa.array([f"{i} {'x' * 200}" for i in range(10_000)])
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())])) as writer:
        for _ in range(30):  # 62 MB
            writer.write_table(pa.table({"text": text}))
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for table in open_stream(path, 2048).tables(2048)]
    assert len(held) == 147
    assert max(held) < 8 * 2**20
