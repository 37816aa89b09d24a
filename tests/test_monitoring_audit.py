"""An audit: a random sample out, its labels back, and nothing taken from a file with a mistake."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bentos.log_files import utc_text
from bentos.request_log import read_feedback
from bentos.task import Task
from monitoring.audit import READ_CELL, main
from tests.monitoring_rows import write_log

TASK = "sample-reviews"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """40 answers of the last hour, and one of the last week."""
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {"ts": utc_text(now - timedelta(minutes=i)), "request_id": f"r{i}", "index": 0, "label": "positive"}
        for i in range(40)
    ]
    texts = [{**rows[7], "text": "=1+1"}, {**rows[8], "index": 1, "text": "another one's"}]
    write_log(tmp_path / "logs" / TASK, "texts", texts)
    old = {**rows[0], "ts": utc_text(now - timedelta(days=7)), "request_id": "old"}
    write_log(tmp_path / "logs" / TASK, "requests", [*rows, old])
    return tmp_path / "logs"


def audit(logs: Path, *arguments: str) -> int:
    return main([TASK, "--logs", str(logs), "--out", str(logs / "audit.csv"), *arguments])


def queue(logs: Path) -> list[dict[str, str]]:
    with (logs / "audit.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def fill(logs: Path, *labels: str) -> Path:
    """The queue with labels for its first lines."""
    lines = queue(logs)
    for line, label in zip(lines, labels, strict=False):
        line["label"] = label
    path = logs / "filled.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    return path


def test_a_sample_holds_each_answer_once_and_not_the_models_opinion(logs: Path) -> None:
    assert audit(logs, "--n", "10") == 0
    lines = queue(logs)
    assert len({line["request_id"] for line in lines}) == 10
    assert {line["label"] for line in lines} == {""}


def test_a_queue_is_not_longer_than_the_log(logs: Path) -> None:
    assert audit(logs, "--since", "2h") == 0
    assert {line["request_id"] for line in queue(logs)} == {f"r{i}" for i in range(40)}


def test_a_text_is_that_of_its_answer_and_nothing_that_a_spreadsheet_computes(logs: Path) -> None:
    assert audit(logs) == 0
    assert {line["request_id"]: line["text"] for line in queue(logs) if line["text"]} == {"r7": "'=1+1"}


def test_labels_come_back_and_are_not_asked_for_again(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(logs) == 0
    labelled = queue(logs)[:3]
    assert audit(logs, "--read", str(fill(logs, "positive", "negative", "positive"))) == 0
    assert "3 audit labels" in capsys.readouterr().out
    rows = read_feedback(logs / TASK).rows
    assert {(row["request_id"], row["label"], row["source"]) for row in rows} == {
        (line["request_id"], label, "audit")
        for line, label in zip(labelled, ("positive", "negative", "positive"), strict=True)
    }
    assert audit(logs) == 0
    assert len(queue(logs)) == 37


@pytest.mark.parametrize(
    ("label", "message"), [("wrong", "'wrong' of r"), ("Positive", "give one of negative, positive")]
)
def test_a_file_with_a_mistake_is_not_taken(
    logs: Path, capsys: pytest.CaptureFixture[str], label: str, message: str
) -> None:
    assert audit(logs) == 0
    assert audit(logs, "--read", str(fill(logs, "positive", label))) == 1
    assert message in capsys.readouterr().err
    assert read_feedback(logs / TASK).rows == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent", "--logs", "."], "No task 'absent'"),
        ([TASK, "--logs", "nowhere"], "No log folder nowhere/sample-reviews"),
        ([TASK, "--since", "noon"], "'noon' is no time"),
        ([TASK, "--read", "absent.csv"], "absent.csv"),
        ([TASK, "--since", "2099-01-01"], "No answer without an audit label"),
    ],
)
def test_a_mistake_is_told(
    logs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["--logs", str(logs), *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "cell", "label"),
    [
        ("regression", "7.5", 7.5),
        ("regression", "much", None),
        ("regression", "nan", None),
        ("multi_label_classification", "art; music", ["art", "music"]),
        ("multi_label_classification", "none", []),
        ("multi_label_classification", "art, music", None),
    ],
)
def test_a_cell_is_read_as_the_task_answers(task: Any, cell: str, label: object) -> None:
    labels = ("rating",) if task == "regression" else ("art", "music")
    assert READ_CELL[task](cell, Task("t", labels, problem_type=task, model_type="distilbert")) == label
