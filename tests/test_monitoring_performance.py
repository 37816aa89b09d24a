"""Realised accuracy: the right labels, exact limits, and a fall that is told."""

import numpy as np
import pytest
from scipy.stats import binom

from bentos.request_log import Row
from monitoring.performance import (
    Accuracy,
    counts_of,
    deciding_source,
    join,
    measure,
    reference_pairs,
    smallest_drop,
)
from monitoring.tally import Key
from tests.monitoring_rows import TASK, make_labels, make_reference, make_rows, tallied

REFERENCE = (1820, 2000)  # 0.91


def accuracy(right: int, n: int, alpha: float = 0.05, reference: tuple[int, int] = REFERENCE) -> Accuracy:
    pairs = [("negative", "negative")] * right + [("negative", "positive")] * (n - right)
    measured = measure(pairs, TASK.labels, reference, alpha)
    assert measured is not None
    return measured


def joined(rows: list[Row], feedback: list[Row]) -> dict[str, dict[Key, tuple[str, str]]]:
    return join(tallied(rows, make_reference(60), feedback).answered, feedback, TASK)


def test_labels_are_joined_by_request_and_index() -> None:
    rows = [make_rows(1, seed=1)[0] | {"index": index} for index in (0, 1)]
    label = {"request_id": "r0", "index": 1, "label": "positive", "source": "audit"}
    pairs = joined(rows, [label, label | {"request_id": "of another window"}])
    assert pairs == {"audit": {("r0", 1): (rows[1]["label"], "positive")}, "user": {}}


def test_the_last_label_of_an_item_counts_once() -> None:
    label = {"request_id": "r0", "index": 0, "source": "audit"}
    feedback = [label | {"label": "positive"}, label | {"label": "negative"}]
    assert [true for _, true in joined(make_rows(1, seed=1), feedback)["audit"].values()] == ["negative"]


@pytest.mark.parametrize("change", [{"index": "0"}, {"request_id": None}, {"label": 1}, {"source": "robot"}])
def test_odd_feedback_is_passed_over(change: dict[str, object]) -> None:
    label = {"request_id": "r0", "index": 0, "label": "positive", "source": "user"}
    pairs = joined(make_rows(1, seed=1), [label | change])
    assert pairs == {"audit": {}, "user": {}}


def test_sources_are_never_pooled() -> None:
    rows = make_rows(40, seed=1)
    pairs = joined(rows, make_labels(rows, 0.5, "audit") + make_labels(rows[:10], 1.0, "user"))
    assert {source: len(found) for source, found in pairs.items()} == {"audit": 40, "user": 10}


@pytest.mark.parametrize(
    ("sizes", "source"),
    [({"audit": 20, "user": 900}, "audit"), ({"audit": 19, "user": 20}, "user"), ({"audit": 19}, None)],
)
def test_audit_labels_decide_where_there_are_enough(sizes: dict[str, int], source: str | None) -> None:
    assert deciding_source(sizes) == source


def test_the_accuracy_of_the_reference_is_counted() -> None:
    pairs = reference_pairs(make_reference(200, accuracy=0.91).rows, TASK)
    assert counts_of(pairs) == (182, 200)


def test_the_limits_are_exact() -> None:
    assert (accuracy(90, 100).low, accuracy(90, 100).high) == pytest.approx((0.8238, 0.9510), abs=1e-4)


def test_a_fall_from_91_to_73_is_told() -> None:
    assert accuracy(73, 100, alpha=1 / 60).fell


def test_a_wobble_is_no_fall() -> None:
    assert not accuracy(89, 100).fell


def test_few_labels_prove_nothing() -> None:
    assert not accuracy(0, 19).fell


def test_labels_that_the_task_does_not_have_are_left_out() -> None:
    measured = measure([("negative", "negative"), ("negative", "other")], TASK.labels, REFERENCE, 0.05)
    assert measured is not None
    assert (measured.labels, measured.right, measured.unknown_labels) == (1, 1, 1)


def test_without_labels_there_is_no_accuracy() -> None:
    assert measure([], TASK.labels, REFERENCE, 0.05) is None
    assert measure([("negative", "negative")], TASK.labels, (0, 0), 0.05) is None


@pytest.mark.parametrize("n", [30, 340])
def test_the_smallest_drop_is_seen_in_four_of_five_cases(n: int) -> None:
    drop = smallest_drop(n, *REFERENCE, 0.05)
    assert drop is not None
    rights = np.random.default_rng(1).binomial(n, 0.91 - drop, 200)
    assert np.mean([accuracy(int(right), n).fell for right in rights]) == pytest.approx(0.8, abs=0.08)


def test_false_alarms_stay_within_the_stated_rate() -> None:
    rng = np.random.default_rng(2)
    rights, references = rng.binomial(200, 0.9, 200), rng.binomial(1000, 0.9, 200)
    alarms = [
        accuracy(int(right), 200, reference=(int(reference), 1000)).fell
        for right, reference in zip(rights, references, strict=True)
    ]
    assert sum(alarms) <= binom.ppf(0.995, 200, 0.05)


def test_too_few_labels_could_show_no_drop() -> None:
    assert smallest_drop(1, *REFERENCE, 0.05) is None
