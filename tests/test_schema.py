"""Pairs and ratings; the other rules are held through HTTP by test_service_errors."""

from typing import Any

import pytest

from bentos.incoming import RequestError
from bentos.schema import feedback_row, read_inputs, read_parameters
from bentos.task import Task

PAIRS = Task(name="t", labels=("a", "b"), model_type="distilbert", text_column_names=("one", "two"))
SEVERAL = Task(
    name="t", labels=("a", "b"), model_type="distilbert", problem_type="multi_label_classification"
)
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


def test_tags_are_taken_as_they_are() -> None:
    tags = {"app": "730", "a" * 32: "x" * 64, "a_1": "", "language": "schinese 中文"}
    assert read_parameters({"tags": tags}).tags == tags
    assert len(read_parameters({"tags": {f"t{i}": "" for i in range(8)}}).tags) == 8


@pytest.mark.parametrize("parameters", [None, {}, {"tags": None}, {"tags": {}}])
def test_no_tags_are_none(parameters: Any) -> None:
    assert read_parameters(parameters).tags == {}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("app", "tags is a text, expected an object of texts"),
        ([["app", "730"]], "tags is a list, expected an object of texts"),
        ({f"t{i}": "" for i in range(9)}, "tags has 9 tags; give at most 8"),
        ({"App": "730"}, "expected a lower-case letter, then up to 31"),
        ({"": "730"}, "expected a lower-case letter, then up to 31"),
        ({"app\n": "730"}, "expected a lower-case letter, then up to 31"),
        ({"a" * 33: "730"}, "expected a lower-case letter, then up to 31"),
        ({"app": 730}, "a value that is a number, expected texts"),
        ({"app": None}, "a value that is null, expected texts"),
        ({"app": "x" * 65}, "a value of more than 64 characters"),
    ],
)
def test_other_tags_are_refused(tags: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_parameters({"tags": tags})


def test_feedback_on_a_rating_is_a_number() -> None:
    assert feedback_row({"request_id": "r", "label": 4.5}, RATING)["label"] == 4.5
    with pytest.raises(RequestError, match="label is a text, expected a number"):
        feedback_row({"request_id": "r", "label": "4.5"}, RATING)
    with pytest.raises(RequestError, match="label is infinite"):
        feedback_row({"request_id": "r", "label": float("inf")}, RATING)


def test_feedback_on_several_labels_is_a_list() -> None:
    assert feedback_row({"request_id": "r", "label": ["b"]}, SEVERAL)["label"] == ["b"]
    assert feedback_row({"request_id": "r", "label": []}, SEVERAL)["label"] == []
    with pytest.raises(RequestError, match="label is a text, expected a list of labels"):
        feedback_row({"request_id": "r", "label": "a"}, SEVERAL)
    with pytest.raises(RequestError, match="label has an item that is not one of a, b"):
        feedback_row({"request_id": "r", "label": ["a", 1]}, SEVERAL)
