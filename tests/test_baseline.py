"""The bag of words, and the biases of users and items."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.labelled import load, rows, task_of
from train.baseline import bias_baselines, tfidf_baseline
from train.data import Split, Splits


def test_the_baseline_learns_what_words_tell(tmp_path: Path) -> None:
    result = tfidf_baseline(load(tmp_path, rows()), task_of())
    assert result["accuracy"] == result["macro_f1"] == 1.0
    assert 10 < result["n"] < 50


def ratings() -> Splits:
    """Of 30 users and 20 items: 7, a bias of the user, one of the item, and noise of half a point."""
    rng = np.random.default_rng(1)
    of_user, of_item = rng.normal(0, 1, 30), rng.normal(0, 1, 20)
    pairs = list(product(range(30), range(20)))
    labels = [7 + of_user[u] + of_item[i] + rng.normal(0, 0.5) for u, i in pairs]
    order = rng.permutation(len(pairs))
    parts = [
        Split(
            texts=[str(row) for row in some],
            labels=[labels[row] for row in some],
            timestamps=[None] * len(some),
            users=[str(pairs[row][0]) for row in some],
            items=[str(pairs[row][1]) for row in some],
        )
        for some in np.split(order, [400, 500])
    ]
    return Splits(*parts, report={}, sha256="")


def test_biases_explain_what_users_and_items_add() -> None:
    found = bias_baselines(ratings())
    rmse = {name: one["rmse"] for name, one in found.items()}
    assert rmse["mean"] == pytest.approx(np.sqrt(2), rel=0.2)
    assert rmse["item means"] == pytest.approx(np.sqrt(1.25), rel=0.2)
    assert rmse["user and item biases"] == pytest.approx(0.5, rel=0.2)
    assert 20 < found["mean"]["users"] <= 30  # those of two held-out ratings or more
