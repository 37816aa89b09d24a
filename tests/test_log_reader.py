"""Reading a log folder, whatever lies in it."""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bentos.log_reader import read_feedback, read_log, read_texts


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 21, hour, minute, tzinfo=UTC)


def line(ts: datetime, **values: Any) -> bytes:
    return json.dumps({"ts": f"{ts:%Y-%m-%dT%H:%M:%S.%fZ}", **values}).encode() + b"\n"


def put(folder: Path, hour: int, lines: Iterable[bytes], kind: str = "requests", tail: str = "") -> Path:
    path = folder / f"{kind}-20261121T{hour:02}-a-host-7-00ff.jsonl{tail}"
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data) if tail == ".gz" else data)
    return path


def test_rows_of_all_files_in_order_of_time(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9, 2), index=2), line(at(9, 1), index=1)])
    put(tmp_path, 8, [line(at(8), index=0)], tail=".gz")
    assert [row["index"] for row in read_log(tmp_path).rows] == [0, 1, 2]


def test_rows_that_are_not_asked_for_are_left(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9, minute), index=minute) for minute in range(5)])
    assert [row["index"] for row in read_log(tmp_path, where=lambda row: row["index"] > 2).rows] == [3, 4]


def test_since_is_included_and_until_is_not(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9, minute), index=minute) for minute in range(5)])
    assert [row["index"] for row in read_log(tmp_path, since=at(9, 1), until=at(9, 3)).rows] == [1, 2]


def test_a_row_written_in_the_next_hour_is_found(tmp_path: Path) -> None:
    put(tmp_path, 10, [line(at(9, 59))])
    assert len(read_log(tmp_path, since=at(9), until=at(10)).rows) == 1


def test_files_of_other_hours_are_not_opened(tmp_path: Path) -> None:
    put(tmp_path, 1, [b"no JSON\n"])
    put(tmp_path, 20, [b"no JSON\n"])
    assert read_log(tmp_path, since=at(9), until=at(10)).torn_lines == 0


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        read_log(tmp_path, since=datetime(2026, 11, 21))


def test_torn_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9)), b'{"ts": "2026-11\n', line(at(9, 1)), b"\xff\xfe\n", b'{"ts": "20'])
    found = read_log(tmp_path)
    assert (len(found.rows), found.torn_lines) == (2, 3)


def test_where_a_row_was_erased_there_is_nothing(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9)), b"       \n", b"\n", line(at(9, 1)), b"   "])
    found = read_log(tmp_path)
    assert (len(found.rows), found.torn_lines, found.foreign_lines) == (2, 0, 0)


def test_a_whole_last_line_without_its_end_is_a_row(tmp_path: Path) -> None:
    put(tmp_path, 9, [line(at(9)).rstrip()])
    assert len(read_log(tmp_path).rows) == 1


def test_json_that_is_no_row_is_counted(tmp_path: Path) -> None:
    put(tmp_path, 9, [b"7\n", b"[]\n", b"null\n", b"{}\n", b'{"ts": null}\n', line(at(9))])
    found = read_log(tmp_path)
    assert (len(found.rows), found.foreign_lines) == (1, 5)


def test_a_file_that_is_there_plain_and_compressed_counts_once(tmp_path: Path) -> None:
    for tail in ("", ".gz"):
        put(tmp_path, 9, [line(at(9)), line(at(9, 1))], tail=tail)
    assert len(read_log(tmp_path).rows) == 2


def test_a_broken_off_gz_gives_its_readable_part_and_its_name(tmp_path: Path) -> None:
    path = put(tmp_path, 9, [line(at(9, n % 60), index=n * 7919) for n in range(5000)], tail=".gz")
    path.write_bytes(path.read_bytes()[:-2000])
    found = read_log(tmp_path)
    assert 0 < len(found.rows) < 5000
    assert found.damaged_files == [path.name]


def test_other_files_and_kinds_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path, 9, [b"no JSON\n"], kind="feedback")
    put(tmp_path, 9, [b"no JSON\n"], tail=".gz.tmp")
    (tmp_path / "hash.key").write_bytes(b"no JSON\n")
    (tmp_path / "requests-99999999T99-h-1-0.jsonl").write_bytes(line(at(9)))
    found = read_log(tmp_path)
    assert (found.rows, found.torn_lines, found.damaged_files) == ([], 0, [])


def test_texts_are_found_by_request_and_index(tmp_path: Path) -> None:
    rows = [line(at(9, i), request_id="a", index=i, text=f"text {i}", text_pair="p") for i in range(3)]
    rows += [line(at(9), request_id="b", index=0, text="other"), line(at(9), request_id=["a"], index={})]
    put(tmp_path, 9, rows, kind="texts")
    put(tmp_path, 9, [line(at(9), request_id="a", index=0)])
    found = read_texts(tmp_path, {("a", 0), ("a", 2), ("absent", 0)})
    assert {item: (row["text"], row["text_pair"]) for item, row in found.items()} == {
        ("a", 0): ("text 0", "p"),
        ("a", 2): ("text 2", "p"),
    }
    assert list(read_texts(tmp_path, {("a", 0), ("a", 2)}, since=at(9, 1))) == [("a", 2)]


def test_no_folder_no_rows(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none").rows == []


def test_the_last_feedback_counts(tmp_path: Path) -> None:
    keys = {"request_id": "a", "index": 0}
    rows = [
        line(at(9, 3), **keys, source="user", label="good"),
        line(at(9, 1), **keys, source="user", label="bad"),
        line(at(9, 2), **keys, source="audit", label="bad"),
    ]
    put(tmp_path, 9, rows, kind="feedback")
    found = read_feedback(tmp_path).rows
    assert [(row["source"], row["label"]) for row in found] == [("audit", "bad"), ("user", "good")]
