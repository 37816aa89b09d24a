"""Cleaning: every dropped row counted, nothing swallowed."""

from pathlib import Path

import pytest

from tests.labelled import load, rows, task_of, write
from train.data import DataError, Split, load_file


def test_a_changed_text_changes_the_hash(tmp_path: Path) -> None:
    changed = rows()
    changed[0]["text"] += " More."
    assert load(tmp_path, changed).sha256 != load(tmp_path, rows()).sha256


def test_unusable_rows_are_counted_by_reason(tmp_path: Path) -> None:
    bad = [
        {"text": None, "label": "positive"},
        {"text": " \n", "label": "positive"},
        {"text": "What?", "label": "neutral"},
        {"text": "Where?", "label": None},
    ]
    report = load(tmp_path, [*rows(), *bad]).report
    assert report["rows_read"] == 204
    assert (report["null_text"], report["empty_text"], report["unknown_label"]) == (1, 1, 2)
    assert report["unknown_labels"] == {"neutral": 1, "None": 1}
    assert sum(report["rows"].values()) == 200


def test_two_text_columns_make_pairs(tmp_path: Path) -> None:
    splits = load(tmp_path, rows(other="book"), text_column_names=["text", "other"])
    assert splits.test.texts[0][1] == "book"


def test_a_regression_has_numbers_for_labels(tmp_path: Path) -> None:
    data = [row | {"label": i / 2} for i, row in enumerate(rows())]
    data[0]["label"] = "many"
    splits = load(tmp_path, data, labels=["rating"], problem_type="regression")
    assert all(isinstance(label, float) for label in splits.train.labels)
    assert splits.report["unknown_label"] == 1


def test_a_class_missing_from_a_split_is_an_error(tmp_path: Path) -> None:
    data = rows()[:170] + [row | {"label": "negative"} for row in rows()[170:]]
    with pytest.raises(DataError, match="test split has no rows of class 'positive'"):
        load(tmp_path, data, timestamp_column_name="timestamp")


def test_data_without_a_train_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no train rows, only rows of test"):
        load(tmp_path, rows(split="test"), split_column_name="split")


def test_nothing_left_tells_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"others found: 'good'.*row_filter is \{'app': 'a'\}"):
        load(tmp_path, rows(app="a", label="good"), row_filter={"app": "a"})


def test_load_file_keeps_the_order_and_warns_of_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(
        tmp_path / "rows.jsonl",
        [{"text": "b", "label": 1}, {"text": "", "label": 1}, {"text": "a", "label": 0}],
    )
    split = load_file(path, task_of(timestamp_column_name="when", row_filter={"app": "a"}))
    assert split == Split(["b", "a"], [1, 0], [None, None], [None, None], [None, None])
    assert "'empty_text': 1" in caplog.text


def test_load_file_without_a_usable_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No row can be used"):
        load_file(write(tmp_path / "rows.jsonl", [{"text": "a", "label": "?"}]), task_of())
