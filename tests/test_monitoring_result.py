"""`result.json` and its summary say everything found, in the same bytes each time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bentos.request_log import Row
from monitoring.drift import alarm_rate
from monitoring.judge import Judgement
from monitoring.result import to_json, write
from monitoring.summary import column_name, number, summary
from tests import monitoring_rows
from tests.monitoring_rows import DAY, make_labels, make_reference, make_rows

REFERENCE = make_reference()


def judged(rows: list[Row], feedback: Sequence[Row] = ()) -> Judgement:
    return monitoring_rows.judged(rows, REFERENCE, alarm_rate(1, DAY.length, scheduled=False), feedback)


def result(rows: list[Row], feedback: Sequence[Row] = ()) -> dict[str, Any]:
    return to_json(judged(rows, feedback), None, "report.html", None)


def test_the_result_tells_what_was_judged_and_how() -> None:
    rows = make_rows(300, seed=1, mean_length=5)
    found = result(rows, make_labels(rows[:50], 0.9))
    assert (found["schema_version"], found["verdict"], found["exit_code"]) == (1, "DRIFT", 10)
    assert found["window"] == {"start": "2026-11-16T00:00:00+00:00", "end": "2026-11-17T00:00:00+00:00"}
    assert (found["rows"]["judged"], found["rows"]["reference"]) == (300, 2000)
    assert found["alarm_rate"]["alpha"] == pytest.approx(1 / 30)
    assert found["drift"][0]["column"] in ("n_chars", "n_tokens")
    assert found["performance"]["by_source"]["audit"]["labels"] == 50
    assert set(found["versions"]) == {"python", "evidently", "numpy", "scipy"}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = (
        write(result(make_rows(100, seed=1)), folder) for folder in (tmp_path, tmp_path / "again")
    )
    assert first.read_bytes() == again.read_bytes()


def test_odd_labels_in_the_log_can_be_written(tmp_path: Path) -> None:
    path = write(result(make_rows(100, seed=1, label="\ud800[red]", model_tag=REFERENCE.tag)), tmp_path)
    assert json.loads(path.read_text())["verdict"] == "CONTRACT"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "Nothing was logged in this window. Is the service up"),
        (make_rows(5, seed=1), "5 rows are too few to judge drift: 50 would do"),
        (make_rows(500, seed=1, mean_length=5), "The traffic has moved away from the reference: length in"),
        (make_rows(100, seed=1, n_chars=None), "n_chars: 100 missing, of 100 rows"),
        (make_rows(500, seed=2), "Nothing moved beyond chance in 500 rows"),
        (make_rows(100, seed=1, model_tag="other:2"), "choose the entry that served by --version"),
    ],
)
def test_the_summary_says_what_happened(rows: list[Row], words: str) -> None:
    assert words in summary(judged(rows), None)


def test_the_summary_tells_the_accuracy_and_what_could_be_seen() -> None:
    rows = make_rows(500, seed=2)
    words = summary(judged(rows, make_labels(rows, 0.9)), None)
    assert "Accuracy 0.900 by 500 audit labels (95 % limits 0.870 to 0.925), reference 0.910" in words
    assert "a drop of 0.046 would have shown (80% power)" in words


def test_a_fall_by_user_labels_asks_for_an_audit() -> None:
    rows = make_rows(300, seed=1)
    assert "confirm it by a random audit" in summary(judged(rows, make_labels(rows, 0.7, "user")), None)


def test_columns_have_everyday_names() -> None:
    assert [column_name(name) for name in ("probs[good]", "n_chars", "other")] == [
        "score of good",
        "length in characters",
        "other",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123456, "0.0123"), (57.123, "57.1"), (12345.6, "12,346"), (1e99, "1e+99")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text
