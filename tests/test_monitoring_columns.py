"""Rows become arrays, whatever the rows hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bentos.preprocess import Encoded
from bentos.request_log import make_row
from monitoring.columns import number_fault, probs_fault, to_columns
from tests.monitoring_rows import TASK, make_rows

ROW: dict[str, Any] = {
    **{
        "ts": None,
        "request_id": "r",
        "index": 0,
        "model_tag": "t:1",
        "labels": TASK.labels,
        "latency_ms": None,
    },
    **{"probs": [0.5, 0.5], "text": "a", "log_inputs": "hash", "key": b""},
}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (3, None),
        (0.5, None),
        (None, "missing"),
        (True, "of type bool"),
        ("3", "of type str"),
        (float("nan"), "NaN"),
        (float("-inf"), "infinite"),
        (10**400, "infinite"),
    ],
)
def test_what_is_wrong_with_a_number(value: Any, fault: str | None) -> None:
    assert number_fault(value) == fault


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([0.25, 0.75], None),
        (None, "missing"),
        (0.5, "of type float"),
        ([1.0], "of 1 numbers"),
        ([0.5, None], "with an item missing"),
        ([0.5, 0.6], "not adding up to 1"),
        ([-1.0, 2.0], "outside 0 to 1"),
    ],
)
def test_what_is_wrong_with_probabilities(value: Any, fault: str | None) -> None:
    assert probs_fault(value, TASK) == fault


def test_of_two_classes_one_is_compared() -> None:
    columns = to_columns(make_rows(3, seed=1), TASK)
    assert [name for name in columns.numbers if name.startswith("probs")] == ["probs[positive]"]


def test_of_three_classes_all_are_compared() -> None:
    task = replace(TASK, labels=("bad", "fair", "good"))
    columns = to_columns([{"label": "fair", "probs": [0.2, 0.5, 0.3]}], task)
    assert [columns.numbers[f"probs[{label}]"].tolist() for label in task.labels] == [[0.2], [0.5], [0.3]]


def test_bad_values_become_nan() -> None:
    columns = to_columns([{"label": ["negative"], "probs": "x", "n_chars": "12"}], TASK)
    assert columns.labels.tolist() == [-1]
    assert all(np.isnan(values).all() for values in columns.numbers.values())


def test_buckets_are_read_in_the_form_of_the_log_and_in_that_of_earlier_entries() -> None:
    ids = np.arange(500)
    text = make_row(**ROW, encoded=Encoded({"input_ids": ids}, 500, 2, 1, 0, False))["buckets"]
    numbers = [int(text[i : i + 2], 32) for i in range(0, len(text), 2)]
    columns = to_columns([{"buckets": text}, {"buckets": numbers}], TASK)
    assert columns.buckets.tolist() == numbers * 2
    assert columns.bucket_ends.tolist() == [len(numbers), 2 * len(numbers)]
    assert len(numbers) > 300


@pytest.mark.parametrize("value", [None, "", "7", "zzww-1", "０1", [None], [-1, 1024, 1.0, True], {}])
def test_what_is_no_bucket_is_left_out(value: Any) -> None:
    columns = to_columns([{"buckets": "010303"}, {"buckets": value}, {"buckets": [7]}], TASK)
    assert (columns.buckets.tolist(), columns.bucket_ends.tolist()) == ([1, 3, 7], [2, 2, 3])


def test_no_rows_are_no_error() -> None:
    assert len(to_columns([], TASK)) == 0
