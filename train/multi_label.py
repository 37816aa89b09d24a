"""Several labels at once: metrics and the temperature."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score, precision_recall_fscore_support

from bentos.postprocess import THRESHOLD, probabilities
from bentos.task import Task

PROBLEM = "multi_label_classification"

Floats = NDArray[np.float64]
Truth = Sequence[Sequence[float]]  # 0 or 1 for each label


def multi_label_metrics(logits: Floats, truth: Truth, task: Task, temperature: float) -> dict[str, Any]:
    """Every number we report of several labels, each given from a score of .5 on; `logits` [n, labels]."""
    y, scores = np.asarray(truth, bool), probabilities(logits, PROBLEM, temperature)
    given = scores >= THRESHOLD
    precision, recall, f1, support = precision_recall_fscore_support(y, given, average=None, zero_division=0)
    return {
        "n": len(y),
        **f1_scores(given, y),
        "log_loss": log_loss(scores, y),
        "per_class": {
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "n": int(support[i]),
            }
            for i, label in enumerate(task.labels)
        },
    }


def f1_scores(given: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Of labels given and true [n, labels]: all of them right, and F1 of the pooled labels and by label."""
    return {
        "subset_accuracy": float((given == truth).all(axis=1).mean()),
        "micro_f1": float(f1_score(truth, given, average="micro", zero_division=0)),
        "macro_f1": float(f1_score(truth, given, average="macro", zero_division=0)),
    }


def log_loss(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """Of one label, on average."""
    return float(-np.log(np.maximum(np.where(truth, scores, 1 - scores), 1e-12)).mean())


def fit_temperature(logits: Floats, truth: Truth) -> float:
    """The temperature that minimises the log loss of held-out logits, the same for all labels."""
    y = np.asarray(truth, bool)

    def loss(log_temperature: float) -> float:
        return log_loss(probabilities(logits, PROBLEM, float(np.exp(log_temperature))), y)

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))
