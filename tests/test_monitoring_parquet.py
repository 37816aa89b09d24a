"""A log as Parquet files gives the tally of its lines, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bentos.request_log import Row
from monitoring import reading
from monitoring.performance import labelled_items
from monitoring.reading import tally_files, tally_lines, tally_window
from monitoring.tally import Tally
from tests.monitoring_rows import DAY, lines, make_labels, make_reference, make_rows, same, with_buckets

REFERENCE = make_reference()
ROWS = with_buckets(make_rows(400, seed=1, latency_ms=3.25, truncated=True))
SCOPE = REFERENCE.scope(DAY, labelled_items(make_labels(ROWS[:9], 0.5)))
NAME = "requests-20261116T00-elsewhere-1.parquet"


def tally_table(table: pa.Table, folder: Path, **options: Any) -> Tally:
    pq.write_table(table, folder / NAME, **options)
    return tally_files([folder / NAME], SCOPE)


def test_parquet_and_lines_give_the_same_tally(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS).append_column("text", pa.repeat("nobody reads it", len(ROWS)))
    found = tally_table(table, tmp_path, row_group_size=150)
    assert same(found, tally_lines(lines(ROWS), SCOPE))
    assert (found.n_rows, len(found.answered)) == (400, 9)


@pytest.mark.parametrize(
    "odd",
    [
        {"n_chars": None},
        {"probs": [1.0]},
        {"probs": [0.5, 0.6]},
        {"label": None},
        {"buckets": "zz"},
        {"ts": None},
        {"ts": "2026-11-16 09:00"},
        {"score": 1e300},
        {"model_tag": None},
        {"tags": {"app": "730"}},
    ],
)
def test_an_odd_row_is_what_it_is_in_lines(odd: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ODD_BATCH", 50)
    rows = [*ROWS[:200], ROWS[200] | odd, *ROWS[201:]]
    table = pa.Table.from_pylist(
        rows, None if "tags" not in odd else pa.Table.from_pylist(rows[200:201]).schema
    )
    assert same(tally_table(table, tmp_path), tally_lines(lines(rows), SCOPE))


def as_type(name: str, kind: pa.DataType) -> pa.Table:
    table = pa.Table.from_pylist(ROWS)
    return table.set_column(table.column_names.index(name), name, table.column(name).cast(kind))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("request_id", pa.large_string()),
        ("label", pa.dictionary(pa.int32(), pa.string())),
        ("n_chars", pa.int16()),
        ("index", pa.uint8()),
        ("probs", pa.large_list(pa.float64())),
    ],
)
def test_other_types_for_the_same_values_change_nothing(name: str, kind: pa.DataType, tmp_path: Path) -> None:
    assert same(tally_table(as_type(name, kind), tmp_path), tally_lines(lines(ROWS), SCOPE))


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["us", "ns"])
def test_times_may_be_timestamps(zone: str | None, unit: str, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    moments = pa.array(np.array([row["ts"][:-1] for row in ROWS], "M8[us]")).cast(pa.timestamp(unit))
    times = moments.cast(pa.int64()).cast(pa.timestamp(unit, zone))
    found = tally_table(table.set_column(0, "ts", times), tmp_path)
    assert same(found, tally_lines(lines(ROWS), SCOPE))


def test_numbers_are_no_text_and_texts_no_numbers(tmp_path: Path) -> None:
    table = as_type("n_chars", pa.string())
    found = tally_table(table.set_column(4, "label", pa.array(range(len(ROWS)))), tmp_path)
    assert found.faults == {"label": {"of type int": 400}, "n_chars": {"of type str": 400}}


def test_a_damaged_file_is_named_and_read_as_far_as_it_goes(tmp_path: Path) -> None:
    table, path = pa.Table.from_pylist(ROWS), tmp_path / NAME
    pq.write_table(table, path, row_group_size=100, compression="none")
    group = pq.ParquetFile(path).metadata.row_group(3).column(0)
    data = bytearray(path.read_bytes())
    data[group.dictionary_page_offset : group.dictionary_page_offset + 20] = b"\xff" * 20
    path.write_bytes(data)
    found = tally_files([path], SCOPE)
    assert (found.damaged_files, found.n_rows) == ((NAME,), 300)
    path.write_bytes(data[:1000])
    assert tally_files([path], SCOPE).damaged_files == (NAME,)
    path.unlink()
    assert tally_files([path], SCOPE).damaged_files == ()


def test_both_forms_in_one_folder_add_up(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS[:100]), tmp_path / NAME)
    (tmp_path / "requests-20261116T00-host-1-abc.jsonl").write_bytes(lines(ROWS[100:]))
    (tmp_path / "feedback-20261116T00-host-1.parquet").write_bytes(b"of another kind")
    assert same(tally_window(tmp_path, SCOPE), tally_lines(lines(ROWS), SCOPE))
