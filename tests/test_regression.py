"""Regression: metrics done by hand, intervals that hold, and answers in the labels' units."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bentos.task import load_task
from train.evaluate import Predictions
from train.export import GateError, Variant, check_gate
from train.regression import Scale, fit_interval, regression_metrics, scale_of
from train.trainer import answer_in_units


def test_metrics_of_a_case_done_by_hand() -> None:
    found = regression_metrics(np.array([1.0, 2.0, 3.0]), [1.0, 3.0, 5.0])
    assert found["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert found["mae"] == pytest.approx(1.0)
    assert found["spearman"] == pytest.approx(1.0)
    assert "ndcg_at_10" not in found


def test_ranking_is_measured_within_each_user() -> None:
    scores, truth = np.array([2.0, 1.0, 1.0, 2.0, 5.0]), [3.0, 1.0, 3.0, 1.0, 9.0]
    found = regression_metrics(scores, truth, ["a", "a", "b", "b", "of one rating"])
    turned = (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    assert found["ndcg_at_10"] == pytest.approx((1 + turned) / 2)
    assert found["users"] == 2


def test_one_answer_for_all_ranks_nothing() -> None:
    assert regression_metrics(np.full(4, 7.0), [1.0, 2.0, 3.0, 4.0])["spearman"] == 0.0


def test_nine_of_ten_new_truths_lie_in_the_interval() -> None:
    random = np.random.default_rng(1)
    covered = []
    for _ in range(200):
        errors = random.standard_t(3, (2, 400))  # heavy tails: it holds for whatever law
        interval = fit_interval(np.zeros(400), errors[0].tolist())
        covered.append(np.mean(np.abs(errors[1]) <= interval.half_width))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.005)
    assert interval.coverage == 0.9


def test_the_rank_is_that_of_one_more_row() -> None:
    errors = np.arange(1.0, 20.0)  # of 19, the 18th: 20 * 0.9
    assert fit_interval(np.zeros(19), errors.tolist()).half_width == 18.0


def test_a_trained_model_answers_in_the_units_of_the_labels() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    given = torch.ones(1, 3)
    before = model(given).item()
    answer_in_units(model, Scale(7.8, 1.5))
    assert model(given).item() == pytest.approx(7.8 + 1.5 * before, abs=1e-5)


def test_equal_labels_have_a_scale() -> None:
    assert scale_of([4.0, 4.0]) == Scale(4.0, 1.0)


def test_the_gate_goes_by_the_relative_rmse() -> None:
    nothing = Predictions([], np.empty((0, 1)))
    of = {
        name: Variant(name, Path(), 1.0, None, {"rmse": rmse}, nothing)
        for name, rmse in (("torch", 2.0), ("onnx-int8", 2.03))
    }
    check_gate(of, load_task("book-ratings", ["max_accuracy_loss=0.02"]))
    with pytest.raises(GateError, match=r"onnx-int8 has rmse 2.0300 .* a loss of 0.0150"):
        check_gate(of, load_task("book-ratings", ["max_accuracy_loss=0.01"]))
