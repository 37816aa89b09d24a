"""A broken log is told, in words, and never a crash."""

from collections import Counter
from typing import Any

import pytest

from bentos.request_log import Row
from monitoring.contract import check_log, check_rows, check_tags
from monitoring.reference import Reference
from tests.monitoring_rows import TAG, TASK, make_rows, tallied

REFERENCE = make_rows(100, seed=0)
SOUND = Reference(TAG, TASK, REFERENCE)


def without(rows: list[Row], column: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name != column} for row in rows]


def messages(rows: list[Row], reference: list[Row] = REFERENCE) -> dict[str, str]:
    before = Reference(TAG, TASK, reference)
    return {fault.column: fault.message for fault in check_rows(tallied(rows, before), before.tally, TASK)}


def test_sound_rows_have_no_fault() -> None:
    assert messages(make_rows(100, seed=1)) == {}


@pytest.mark.parametrize("column", ["request_id", "index", "label", "score", "probs", "n_chars", "unk_rate"])
def test_a_missing_column_is_named(column: str) -> None:
    assert messages(without(make_rows(100, seed=1), column)) == {
        column: "100 missing, of 100 rows; at most 5% may be"
    }


@pytest.mark.parametrize(
    ("value", "kind"),
    [(float("nan"), "NaN"), (float("inf"), "infinite"), ("57", "of type str"), (None, "missing")],
)
def test_a_column_of_no_numbers_is_told(value: Any, kind: str) -> None:
    assert f"100 {kind}" in messages(make_rows(100, seed=1, n_chars=value))["n_chars"]


def test_three_quarters_nan_break_the_contract() -> None:
    rows = make_rows(75, seed=1, n_chars=float("nan")) + make_rows(25, seed=2)
    assert messages(rows) == {"n_chars": "75 NaN, of 100 rows; at most 5% may be"}


def test_a_few_gaps_are_borne() -> None:
    assert messages(make_rows(4, seed=1, n_chars=None) + make_rows(96, seed=2)) == {}


def test_a_column_that_the_reference_lacks_is_not_asked_for() -> None:
    assert messages(without(make_rows(100, seed=1), "n_chars"), without(REFERENCE, "n_chars")) == {}


def test_an_unseen_label_is_named() -> None:
    rows = [*make_rows(99, seed=1), make_rows(1, seed=2, label="neutral")[0]]
    assert messages(rows) == {"label": "'neutral' 1 times; the task knows negative, positive"}


def test_many_unseen_labels_are_counted() -> None:
    rows = [row | {"label": f"l{i:02}"} for i, row in enumerate(make_rows(9, seed=1))]
    assert "'l04' 1 times and 4 more" in messages(rows)["label"]


def test_a_changed_number_of_probabilities_is_told() -> None:
    assert "100 of 3 numbers" in messages(make_rows(100, seed=1, probs=[0.2, 0.3, 0.5]))["probs"]


def test_another_model_in_most_rows_is_told() -> None:
    (fault,) = check_tags(Counter({"other:2": 9, TAG: 5}), TAG)
    assert "9 of 'other:2'; only 5 of 'sample-reviews-onnx-int8:1'" in fault.message


def test_another_model_in_some_rows_is_a_roll_out() -> None:
    assert check_tags(Counter({"other:2": 5, TAG: 9}), TAG) == []


def test_rows_from_the_future_are_told() -> None:
    (fault,) = check_log(tallied(make_rows(100, seed=1), SOUND, future_rows=3))
    assert fault.message.startswith("3 beside 100 rows: rows are dated in the future")


def test_a_clock_that_was_set_back_is_told() -> None:
    (fault,) = check_log(tallied(make_rows(100, seed=1), SOUND, early_rows=3))
    assert "was the clock set back?" in fault.message


def test_a_foreign_writer_is_told() -> None:
    (fault,) = check_log(tallied(make_rows(100, seed=1), SOUND, unreadable_lines=50))
    assert "who else writes here?" in fault.message


def test_a_torn_line_is_borne() -> None:
    assert check_log(tallied(make_rows(100, seed=1), SOUND, unreadable_lines=1)) == []
