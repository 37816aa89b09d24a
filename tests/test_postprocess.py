"""Logits to scores and to the answer."""

import numpy as np
import pytest

from bentos.postprocess import probabilities, ranked


def test_softmax_equals_the_definition() -> None:
    logits = np.array([[1.0, 2.0, 3.0]])
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(probabilities(logits, "single_label_classification"), expected)


@pytest.mark.parametrize("problem_type", ["single_label_classification", "multi_label_classification"])
def test_huge_logits_stay_finite(problem_type: str) -> None:
    scores = probabilities(np.array([[1e4, -1e4]]), problem_type)
    np.testing.assert_allclose(scores, [[1.0, 0.0]])


def test_temperature_softens_and_keeps_the_order() -> None:
    logits = np.array([[0.0, 4.0]])
    sharp = probabilities(logits, "single_label_classification")
    soft = probabilities(logits, "single_label_classification", temperature=2.0)
    assert 0.5 < soft[0, 1] < sharp[0, 1]


def test_regression_is_the_logit_itself() -> None:
    assert probabilities(np.array([[7.5]]), "regression").item() == 7.5


def test_ranked_is_best_first_and_cut() -> None:
    answer = ranked(np.array([0.2, 0.5, 0.3]), ["a", "b", "c"], top_k=2)
    assert answer == [{"label": "b", "score": 0.5}, {"label": "c", "score": 0.3}]
