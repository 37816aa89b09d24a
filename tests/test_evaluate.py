"""Metrics, calibration, and the evaluation of stored entries."""

import json
from pathlib import Path

import numpy as np
import pytest

from bentos.model_store import Entry
from bentos.postprocess import probabilities
from bentos.task import Task
from train.evaluate import (
    calibration_error,
    classification_metrics,
    fit_temperature,
    main,
)

TASK = Task(name="t", labels=("bad", "good"), model_type="distilbert")


def test_metrics_of_a_case_done_by_hand() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    metrics = classification_metrics(logits, [0, 1, 0, 0], TASK, temperature=1.0)
    assert metrics["accuracy"] == 0.75
    assert metrics["confusion_matrix"] == [[2, 1], [0, 1]]
    assert metrics["per_class"]["good"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "n": 1,
    }
    right, wrong = np.exp(2) / (1 + np.exp(2)), 1 / (1 + np.exp(2))
    assert metrics["log_loss"] == pytest.approx(-(3 * np.log(right) + np.log(wrong)) / 4)


def test_the_fitted_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(1)
    honest = random.normal(size=(4000, 2)) * 1.5
    truth = (random.random(4000) < probabilities(honest, "single_label_classification")[:, 1]).astype(int)
    assert fit_temperature(honest * 3, truth.tolist()) == pytest.approx(3, rel=0.15)


def test_calibration_error_is_zero_when_scores_are_true() -> None:
    scores = np.tile([0.25, 0.75], (400, 1))
    truth = np.array([1, 1, 1, 0] * 100)
    assert calibration_error(scores, truth) == pytest.approx(0)
    assert calibration_error(scores, np.zeros(400, int)) == pytest.approx(0.75)


def test_stored_entries_are_compared_on_a_file(
    entry: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"text": f"a {word} game number {i}", "label": label}
        for i in range(10)
        for word, label in (("good", "positive"), ("bad", "negative"))
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = entry.tag.replace("onnx-int8", "torch")
    assert main([entry.tag, other, "--file", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "accuracy" in printed
    assert "give the same label to" in printed


def test_an_absent_entry_is_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["steam-reviews-torch:nope"]) == 1
    assert "make train TASK=steam-reviews" in capsys.readouterr().err
