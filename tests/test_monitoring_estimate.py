"""The accuracy without labels: right for a changed class mix, silent where it can know nothing."""

from dataclasses import replace

import numpy as np
import pytest

from bentos.request_log import Row
from monitoring.estimate import estimate
from monitoring.reference import Reference
from tests.monitoring_rows import TAG, TASK, make_reference, make_rows, tallied


def calibrated(n: int, seed: int, positive: float) -> list[Row]:
    """Rows whose scores are right at even classes, with their true labels; `positive` is the share of one.

    Positives score higher: the scores of both classes are beta laws whose ratio is x^2 : (1 - x)^2.
    """
    rng = np.random.default_rng(seed)
    true = rng.random(n) < positive
    x = np.where(true, rng.beta(3, 1, n), rng.beta(1, 3, n))
    odds = (x / (1 - x)) ** 2
    score = odds / (1 + odds)
    rows = make_rows(n, seed)
    return [
        row
        | {
            "probs": [1 - float(p), float(p)],
            "label": TASK.labels[int(p > 0.5)],
            "true_label": TASK.labels[int(t)],
        }
        for row, p, t in zip(rows, score, true, strict=True)
    ]


def accuracy(rows: list[Row]) -> float:
    return float(np.mean([row["label"] == row["true_label"] for row in rows]))


@pytest.mark.parametrize("positive", [0.5, 0.8, 0.1])
def test_a_changed_class_mix_is_estimated(positive: float) -> None:
    reference = Reference(TAG, TASK, calibrated(4000, seed=1, positive=0.5))
    rows = calibrated(4000, seed=2, positive=positive)
    found = estimate(tallied(rows, reference), reference.rows, TASK)
    assert found is not None
    assert found.class_shares["positive"] == pytest.approx(positive, abs=0.03)
    assert found.accuracy == pytest.approx(accuracy(rows), abs=0.02)


def test_a_model_that_tells_nothing_apart_estimates_nothing() -> None:
    rows = [row | {"true_label": TASK.labels[i % 2]} for i, row in enumerate(make_rows(1000, seed=1))]
    reference = Reference(TAG, TASK, rows)
    assert estimate(tallied(rows, reference), rows, TASK) is None


@pytest.mark.parametrize("rows", [[], make_rows(49, seed=1), make_rows(100, seed=1, probs=None)])
def test_without_enough_usable_rows_there_is_none(rows: list[Row]) -> None:
    reference = make_reference()
    assert estimate(tallied(rows, reference), reference.rows, TASK) is None


def test_ratings_have_none() -> None:
    reference = make_reference()
    task = replace(TASK, problem_type="regression", labels=("rating",))
    assert estimate(tallied(make_rows(100, seed=1), reference), reference.rows, task) is None
