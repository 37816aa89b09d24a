"""What a value of a data file stands for."""

from datetime import UTC, datetime

from tests.labelled import LABELS
from train.values import label_position, moment


def test_labels_come_by_name_position_or_boolean() -> None:
    given = ["positive", 1, 1.0, "1", True, "true", "False", 0, " negative "]
    assert [label_position(value, LABELS) for value in given] == [1, 1, 1, 1, 1, 1, 0, 0, 0]


def test_other_labels_are_none() -> None:
    given = ["neutral", "Positive", 2, -1, 0.5, None, "", float("nan"), "inf"]
    assert [label_position(value, LABELS) for value in given] == [None] * len(given)


def test_a_label_name_goes_before_a_position() -> None:
    assert [label_position(value, ("1", "2", "3")) for value in (1, "3", 0)] == [0, 2, 0]


def test_moments_are_read_from_iso_seconds_and_dates() -> None:
    expected = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    given = [
        "2020-01-02T03:04:05Z",
        "2020-01-02 03:04:05",
        "2020-01-02T04:04:05+01:00",
        1577934245,
        "1577934245",
    ]
    assert [moment(value) for value in given] == [expected] * len(given)
    assert moment(expected.date()) == datetime(2020, 1, 2, tzinfo=UTC)
    assert [moment(value) for value in ("yesterday", None, 1e30, True)] == [None] * 4
