"""Several labels at once: reading them, metrics, temperature, baseline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bentos.postprocess import probabilities
from bentos.task import TaskError, make_task
from tests.labelled import load, write
from train.baseline import tfidf_baseline
from train.data import DataError, load_file
from train.multi_label import PROBLEM, fit_temperature, multi_label_metrics

LABELS = ("art", "music")
KEYS: dict[str, Any] = {"labels": LABELS, "problem_type": PROBLEM}
TASK = make_task({"name": "t", "model_type": "distilbert", **KEYS}, "test")


def reviews(n: int = 200) -> list[dict[str, Any]]:
    """Each says what it praises: one of the two, both or nothing."""
    praised = [[label for bit, label in enumerate(LABELS) if i >> bit & 1] for i in range(n)]
    return [
        {"text": f"Number {i}: {' and '.join(labels) or 'nothing'}.", "label": labels}
        for i, labels in enumerate(praised)
    ]


def test_lists_and_columns_of_labels_are_the_same(tmp_path: Path) -> None:
    columns = [
        {"text": row["text"], **{label: int(label in row["label"]) for label in LABELS}} for row in reviews()
    ]
    of_lists = load(tmp_path, reviews(), **KEYS)
    of_columns = load(tmp_path, columns, **KEYS, label_column_name=None)
    assert of_lists.sha256 == of_columns.sha256
    assert set(of_lists.train.labels) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert of_lists.report["classes"]["train"]["art"] > 40


@pytest.mark.parametrize("label", ["art", ["art", "smell"], None])
def test_what_is_no_list_of_known_labels_is_left_out(tmp_path: Path, label: object) -> None:
    path = write(tmp_path / "rows.jsonl", [{"text": "a", "label": ["art"]}, {"text": "b", "label": label}])
    assert load_file(path, TASK).labels == [(1.0, 0.0)]


@pytest.mark.parametrize("flag", ["2", "yes", None])
def test_a_column_says_0_or_1(tmp_path: Path, flag: object) -> None:
    task = make_task({"name": "t", "model_type": "distilbert", **KEYS, "label_column_name": None}, "test")
    rows = [{"text": "a", "art": True, "music": "0"}, {"text": "b", "art": flag, "music": 1}]
    assert load_file(write(tmp_path / "rows.jsonl", rows), task).labels == [(1.0, 0.0)]


def test_a_label_without_a_column_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'music'"):
        load(tmp_path, [{"text": "a", "art": 1}], **KEYS, label_column_name=None)


def test_only_several_labels_have_columns() -> None:
    with pytest.raises(TaskError, match="label_column_name is null"):
        make_task({"name": "t", "model_type": "distilbert", "labels": LABELS, "label_column_name": None}, "t")


def test_metrics_of_a_case_done_by_hand() -> None:
    logits = np.array([[2.0, -2.0], [2.0, 2.0], [-2.0, -2.0]])
    found = multi_label_metrics(logits, [(1, 0), (1, 0), (0, 1)], TASK, 1.0)
    assert found["subset_accuracy"] == pytest.approx(1 / 3)
    assert found["micro_f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert found["macro_f1"] == pytest.approx((1 + 0) / 2)
    assert found["per_class"]["music"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 1}


def test_the_fitted_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(1)
    honest = random.normal(size=(3000, 2)) * 1.5
    truth = random.random((3000, 2)) < probabilities(honest, PROBLEM)
    assert fit_temperature(honest * 3, truth.astype(float).tolist()) == pytest.approx(3, rel=0.15)


def test_the_bag_of_words_knows_the_words(tmp_path: Path) -> None:
    assert tfidf_baseline(load(tmp_path, reviews(), **KEYS), TASK)["micro_f1"] == 1.0
