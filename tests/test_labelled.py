"""Labels that came back and their texts: which belong together, and what cannot be used."""

import csv
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from monitoring.audit import write_queue
from tests.labelled import task_of
from tests.log_writing import row, writer
from train.data import DataError
from train.labelled import labelled_items, read_labelled, write_labelled
from train.splits import Row

HEADER = "request_id,index,ts,text,text_pair,label"


def log(folder: Path, kind: str, *rows: dict[str, Any]) -> None:
    with writer(folder, kind) as file:
        for one in rows:
            file.write(one)


def text(request_id: str, text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return row(index, request_id=request_id, text=text, **more)


def label(request_id: str, label: Any, source: str = "audit", index: int = 0, **more: Any) -> dict[str, Any]:
    return row(index, request_id=request_id, label=label, source=source, **more)


def filled(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "audit.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def usable(folder: Path, file: Path | None = None, **task: Any) -> tuple[list[Row], dict[str, int]]:
    write_labelled(folder / "kept" / "labelled.jsonl", folder, file)
    return read_labelled(folder / "kept" / "labelled.jsonl", task_of(**task))


def test_a_label_meets_the_text_of_its_item(tmp_path: Path) -> None:
    asked = "2026-11-21T12:00:00.000000Z"
    log(tmp_path, "texts", text("a", "First."), text("a", "Second.", 1, ts=asked), text("b", "Unlabelled."))
    log(tmp_path, "feedback", label("a", "positive", "user", 1))
    ((found,), unusable) = usable(tmp_path)
    assert (found.text, found.label, found.group) == ("Second.", 1, "user")
    assert f"{found.timestamp:%H:%M}" == "12:00"
    assert unusable == {}


def test_of_two_labels_of_an_item_the_audits_counts(tmp_path: Path) -> None:
    log(tmp_path, "texts", text("a", "Well."))
    log(tmp_path, "feedback", label("a", "positive", "audit"), label("a", "negative", "user"))
    assert [(one.label, one.group) for one in usable(tmp_path)[0]] == [(1, "audit")]


def test_what_cannot_be_used_is_counted_by_reason(tmp_path: Path) -> None:
    log(tmp_path, "texts", text("a", "Well."), text("b", "Ill."), text("c", "So so."))
    log(tmp_path, "feedback", label("a", "positive"), label("b", "neutral"), label("absent", "negative"))
    log(tmp_path, "feedback", label("c", "positive", "rumour"), label("c", None))
    rows, unusable = usable(tmp_path)
    assert [one.text for one in rows] == ["Well."]
    assert unusable == {"null_text": 1, "unknown_label": 1}


def test_pairs_keep_both_texts(tmp_path: Path) -> None:
    log(tmp_path, "texts", text("a", "Space.", text_pair="A book."), text("b", "Alone."))
    log(tmp_path, "feedback", label("a", "positive"), label("b", "positive"))
    rows, unusable = usable(tmp_path, text_column_names=["likes", "book"])
    assert [one.text for one in rows] == [("Space.", "A book.")]
    assert unusable == {"null_text": 1}


def test_a_filled_audit_brings_texts_and_labels(tmp_path: Path) -> None:
    lines = ("a,0,2026-11-21T12:00:00Z,'=Sum.,,positive", "'-b,1,2026-11-21T12:00:00Z,It's,,negative")
    log(tmp_path, "feedback", label("a", "negative"))
    rows, unusable = usable(tmp_path, filled(tmp_path, *lines, "c,0,2026-11-21T12:00:00Z,Empty.,,"))
    assert {(one.text, one.label, one.group) for one in rows} == {("=Sum.", 1, "audit"), ("It's", 0, "audit")}
    assert unusable == {}


def test_the_file_that_the_audit_draws_is_the_one_that_is_read(tmp_path: Path) -> None:
    write_queue(tmp_path / "audit.csv", [text("-a", '+1 from me, "really"\nIt is.')])
    with (tmp_path / "audit.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    with (tmp_path / "audit.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, line)
        writer.writeheader()
        writer.writerow({**line, "label": "positive"})
    items = labelled_items(tmp_path, tmp_path / "audit.csv")
    assert items[0]["text"] == '+1 from me, "really"\nIt is.'
    assert [(one["label"], one["source"]) for one in items] == [("positive", "audit")]


def test_a_stored_text_goes_before_that_of_the_filled_file(tmp_path: Path) -> None:
    log(tmp_path, "texts", text("a", "As it was asked."))
    rows, _ = usable(tmp_path, filled(tmp_path, "a,0,21.11.2026,as it was askd,,positive"))
    assert [one.text for one in rows] == ["As it was asked."]


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("request_id,label", "a,positive", "has no column index, ts, text"),
        (HEADER, "a,first,2026-11-21,Well.,,positive", "request_id 'a' and index 'first'"),
        (HEADER, ",0,2026-11-21,Well.,,positive", "request_id '' and index '0'"),
    ],
)
def test_a_file_that_is_no_filled_audit_is_told(tmp_path: Path, header: str, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        labelled_items(tmp_path, filled(tmp_path, line, header=header))


def test_no_label_at_all_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"No label came back in {tmp_path}.*python -m monitoring audit"):
        write_labelled(tmp_path / "kept" / "labelled.jsonl", tmp_path, None)


def test_the_texts_are_for_their_owner_alone(tmp_path: Path) -> None:
    log(tmp_path, "texts", text("a", "Well."))
    log(tmp_path, "feedback", label("a", "positive"))
    usable(tmp_path)
    path = tmp_path / "kept" / "labelled.jsonl"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    assert json.loads(path.read_text())["text"] == "Well."
