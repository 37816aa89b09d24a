"""The stored texts of a window: those of the sample, whatever else the files hold."""

from pathlib import Path
from typing import Any

from monitoring.stored_texts import stored_texts
from tests.monitoring_rows import DAY, make_reference, make_rows, tallied, write_lines, write_log

ROWS = make_rows(60, 1)
SAMPLE = tallied(ROWS, make_reference(100)).sample


def text_row(i: int, **values: Any) -> dict[str, Any]:
    return {"ts": ROWS[i]["ts"], "request_id": f"r{i}", "index": 0, "text": f"text {i}", **values}


def test_each_row_of_the_sample_gets_its_text_in_the_order_of_the_sample(tmp_path: Path) -> None:
    write_log(tmp_path, "texts", [text_row(i) for i in range(60)])
    found = stored_texts(tmp_path, DAY, SAMPLE)
    assert list(found) == SAMPLE.items
    assert found["r7", 0] == "text 7"


def test_a_pair_is_a_pair(tmp_path: Path) -> None:
    write_log(tmp_path, "texts", [text_row(3, text_pair="beside it")])
    assert stored_texts(tmp_path, DAY, SAMPLE) == {("r3", 0): ("text 3", "beside it")}


def test_other_rows_and_odd_ones_are_passed_over(tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [{"text": None}, {"index": "0"}, {"index": 7}, {"request_id": ["r1"]}]
    odd += [{"request_id": None}, {"text": ["a"]}, {"ts": "2026-11-15T23:59:59.000000Z"}]
    write_lines(tmp_path / "texts-20261116T00-host-1-1.jsonl", [text_row(1, **values) for values in odd])
    assert stored_texts(tmp_path, DAY, SAMPLE) == {}


def test_where_none_are_stored_there_are_none(tmp_path: Path) -> None:
    assert stored_texts(tmp_path / "nowhere", DAY, SAMPLE) == {}
