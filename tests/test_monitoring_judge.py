"""The verdict of a window, on every trap that a log can hold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bentos.request_log import Row
from monitoring.drift import MIN_ROWS, AlarmRate, alarm_rate
from monitoring.history import Past
from monitoring.judge import Judgement, worst
from monitoring.ranking import BURN_IN
from monitoring.reference import Reference
from monitoring.windows import Window
from tests import monitoring_rows
from tests.monitoring_rows import DAY, TAG, TASK, make_labels, make_reference, make_rows

REFERENCE = make_reference()
RATE = alarm_rate(1, DAY.length, scheduled=True)
ONCE = AlarmRate(1, 30, RATE.alpha, scheduled=False)
NAN, INF = float("nan"), float("inf")


def judged(rows: list[Row], feedback: Sequence[Row] = (), **changes: Any) -> Judgement:
    return monitoring_rows.judged(rows, REFERENCE, ONCE, feedback, **changes)


def test_like_the_reference_is_ok() -> None:
    rows = make_rows(1000, seed=1)
    assert judged(rows, make_labels(rows[:300], 0.9)).findings == ["OK"]


def test_moved_traffic_is_drift() -> None:
    judgement = judged(make_rows(500, seed=1, mean_length=4.6))
    assert judgement.verdict == "DRIFT"
    assert {one.column for one in judgement.statistics if one.drifted} == {"n_chars", "n_tokens"}


def test_drift_is_an_alarm_only_in_the_second_scheduled_window() -> None:
    rows = make_rows(500, seed=1, mean_length=4.6)
    before = Window(DAY.start - DAY.length, DAY.start)
    for flagged, verdict in ((False, "WATCH"), (True, "DRIFT")):
        past = [Past(before, {}, flagged, not flagged)]
        assert monitoring_rows.judged(rows, REFERENCE, RATE, past=past).verdict == verdict


def test_what_ordinary_windows_do_too_is_no_drift() -> None:
    judgement = judged(make_rows(500, seed=1, mean_length=4.6))
    past = [
        Past(
            Window(DAY.start - (i + 1) * DAY.length, DAY.start - i * DAY.length),
            judgement.effects,
            i == 0,
            True,
        )
        for i in range(BURN_IN)
    ]
    usual = monitoring_rows.judged(make_rows(500, seed=1, mean_length=4.6), REFERENCE, RATE, past=past)
    assert (usual.findings, len(usual.rule.usual)) == (["OK"], BURN_IN)


def test_a_fall_from_91_to_73_is_performance() -> None:
    rows = make_rows(300, seed=1)
    assert judged(rows, make_labels(rows, 0.73)).verdict == "PERFORMANCE"


def test_performance_outranks_drift_and_both_are_found() -> None:
    rows = make_rows(300, seed=1, mean_length=5)
    assert judged(rows, make_labels(rows, 0.73)).findings == ["PERFORMANCE", "DRIFT"]


def test_accuracy_and_drift_share_one_rate() -> None:
    rows = make_rows(300, seed=1)
    labelled, unlabelled = judged(rows, make_labels(rows, 0.9)), judged(rows)
    assert labelled.rule.alpha + labelled.accuracies["audit"].threshold == pytest.approx(1 / 30)
    assert unlabelled.rule.alpha == pytest.approx(1 / 30)


@pytest.mark.parametrize("size", [0, 1, 5, 49])
def test_few_rows_are_insufficient(size: int) -> None:
    judgement = judged(make_rows(size, seed=1, mean_length=9))
    assert judgement.findings == ["INSUFFICIENT"]
    assert judgement.rows_needed == MIN_ROWS


def test_a_tiny_reference_is_insufficient() -> None:
    judgement = monitoring_rows.judged(make_rows(500, seed=1), make_reference(30), RATE)
    assert (judgement.verdict, judgement.rows_needed) == ("INSUFFICIENT", None)


@pytest.mark.parametrize("value", [None, NAN, INF, -INF, True, [], {}, [[]]])
@pytest.mark.parametrize("column", ["n_chars", "probs", "label", "score", "request_id", "index"])
def test_a_column_of_anything_else_is_a_broken_contract(column: str, value: Any) -> None:
    rows = make_rows(60, seed=1)
    broken = [row | {column: value} for row in rows]
    assert judged(broken, make_labels(rows, 0.9)).verdict == "CONTRACT"


def test_a_broken_column_does_not_hide_drift_in_another() -> None:
    judgement = judged(make_rows(500, seed=1, mean_length=5, n_chars=NAN))
    assert judgement.findings == ["CONTRACT", "DRIFT"]
    assert "n_chars" not in {one.column for one in judgement.statistics}


def test_rows_of_another_model_are_left_out() -> None:
    judgement = judged(make_rows(300, seed=1) + make_rows(100, seed=2, model_tag="other:2", mean_length=9))
    assert judgement.verdict == "OK"
    assert judgement.other_tags == {"other:2": 100}


@pytest.mark.parametrize("tag", ["other:2", None, 7, ["a"]])
def test_only_rows_of_another_model_are_a_broken_contract(tag: Any) -> None:
    assert judged(make_rows(300, seed=1, model_tag=tag)).verdict == "CONTRACT"


def test_rows_from_the_future_are_a_broken_contract() -> None:
    assert judged(make_rows(100, seed=1), future_rows=10).verdict == "CONTRACT"


def test_ratings_have_drift_but_no_accuracy() -> None:
    task = replace(TASK, problem_type="regression", labels=("rating",))
    reference = Reference(TAG, task, make_rows(1000, seed=0, label="rating", probs=[3.5]))
    rows = make_rows(300, seed=1, label="rating", probs=[4.5])
    judgement = monitoring_rows.judged(rows, reference, ONCE, make_labels(make_rows(300, seed=1), 0.5))
    assert (judgement.findings, judgement.accuracies) == (["DRIFT"], {})


def test_the_gravest_verdict_gives_the_exit_code() -> None:
    every = ["OK", "DRIFT", "PERFORMANCE", "CONTRACT", "INSUFFICIENT"]
    codes = [worst([verdict], every) for verdict in every]
    assert codes == [0, 10, 11, 12, 20]
    assert worst(["OK", "DRIFT", "INSUFFICIENT"], every) == 10
    assert worst(["CONTRACT", "DRIFT"], ["DRIFT"]) == 10
    assert worst(["CONTRACT"], []) == 0
