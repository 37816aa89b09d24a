"""The monitor's last verdict, as the file that it leaves."""

from pathlib import Path

import pytest

from bentos.task import load_task
from monitoring.drift import alarm_rate
from monitoring.result import to_json, write
from tests.monitoring_rows import DAY, TAG, judged, make_reference, make_rows
from tests.retraining import Place, leave_result, make_place
from train.data import DataError
from train.verdict import last_verdict, reason_to_wait


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path, "judged-reviews")


def test_what_the_monitor_writes_is_read(tmp_path: Path) -> None:
    rate = alarm_rate(1, DAY.length, scheduled=False)
    judgement = judged(make_rows(300, seed=1, mean_length=5), make_reference(), rate)
    folder = tmp_path / judgement.task / DAY.name
    folder.mkdir(parents=True)
    path = write(to_json(judgement, None, "report.html", None), folder)
    verdict = last_verdict(tmp_path, load_task("sample-reviews"))
    assert verdict == ("DRIFT", TAG, DAY.name, str(path))
    assert reason_to_wait(verdict, TAG) is None


def test_the_last_window_counts(place: Place) -> None:
    leave_result(place, "DRIFT", "t:1", "20261120T000000Z_20261121T000000Z")
    leave_result(place, "OK", "t:1", "20261121T000000Z_20261122T000000Z")
    (place.folder / "reports" / place.name / "20261122T000000Z_20261123T000000Z").mkdir()
    verdict = last_verdict(place.folder / "reports", place.task)
    assert verdict
    assert verdict.window == "20261121T000000Z_20261122T000000Z"
    assert "The last verdict is OK" in str(reason_to_wait(verdict, "t:1"))


def test_a_verdict_on_another_version_calls_for_nothing(place: Place) -> None:
    leave_result(place, "PERFORMANCE", "judged-reviews-torch:1")
    verdict = last_verdict(place.folder / "reports", place.task)
    assert reason_to_wait(verdict, "judged-reviews-onnx-int8:1") is None
    assert "not judged yet" in str(reason_to_wait(verdict, "judged-reviews-onnx-int8:2"))


def test_without_any_verdict_one_is_asked_for(place: Place) -> None:
    assert last_verdict(place.folder / "reports", place.task) is None
    with pytest.raises(DataError, match=r"There is no verdict yet\. Judge first"):
        reason_to_wait(None, "t:1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"schema_version": 1}', "KeyError.*'task'"),
        ('{"schema_version": 2}', "schema_version is 2, expected 1"),
        ('{"schema_version": 1, "task": "other"}', "it is of task other, expected judged-reviews"),
    ],
)
def test_a_damaged_result_is_told(place: Place, content: str, message: str) -> None:
    path = leave_result(place, "OK", "t:1")
    path.write_text(content)
    with pytest.raises(DataError, match=rf"{path} cannot be used: .*{message}.*Judge the window again"):
        last_verdict(place.folder / "reports", place.task)
