"""Pairs and ratings; the other rules are held through HTTP by test_service_errors."""

from typing import Any

import pytest

from bentos.incoming import RequestError
from bentos.schema import feedback_row, read_inputs, read_parameters
from bentos.task import Task

PAIRS = Task(name="t", labels=("a", "b"), model_type="distilbert", text_column_names=("one", "two"))
RATING = Task(name="t", labels=("rating",), model_type="distilbert", problem_type="regression")


def test_a_pair_task_reads_pairs() -> None:
    assert read_inputs({"text": "x", "text_pair": "y"}, PAIRS) == [("x", "y")]


@pytest.mark.parametrize("inputs", ["x", {"text": "x"}, [{"text": "x", "pair": "y"}]])
def test_a_pair_task_wants_both_texts(inputs: Any) -> None:
    with pytest.raises(RequestError, match="expected a pair"):
        read_inputs(inputs, PAIRS)


def test_an_empty_second_text_is_empty() -> None:
    with pytest.raises(RequestError, match=r"inputs\[0\] is empty"):
        read_inputs([{"text": "x", "text_pair": ""}], PAIRS)


def test_parameters_may_be_null() -> None:
    options = read_parameters({"top_k": None, "function_to_apply": None})
    assert options == read_parameters(None)


def test_feedback_on_a_rating_is_a_number() -> None:
    assert feedback_row({"request_id": "r", "label": 4.5}, RATING)["label"] == 4.5
    with pytest.raises(RequestError, match="label is a text, expected a number"):
        feedback_row({"request_id": "r", "label": "4.5"}, RATING)
    with pytest.raises(RequestError, match="label is infinite"):
        feedback_row({"request_id": "r", "label": float("inf")}, RATING)
