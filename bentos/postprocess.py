"""Logits to calibrated probabilities and to the answer's labels and scores."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COVERAGE = 0.9  # of the intervals of a regression
THRESHOLD = 0.5  # of several labels each is given from this score on


class Interval(NamedTuple):
    """How far from a regression's answer the truth may lie."""

    coverage: float  # share of the truths that lie inside
    half_width: float


def softmax(logits: Floats) -> Floats:
    """Rows [n, labels] that sum to one."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: Floats) -> Floats:
    """Each score between zero and one by itself; the tanh form does not overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def identity(logits: Floats) -> Floats:
    return logits


ACTIVATION: dict[str, Callable[[Floats], Floats]] = {
    "single_label_classification": softmax,
    "multi_label_classification": sigmoid,
    "regression": identity,
}


def probabilities(logits: NDArray[Any], problem_type: str, temperature: float = 1.0) -> Floats:
    """Scores [n, labels] of logits [n, labels], sharpened or softened by the fitted temperature.

    Temperature scaling: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    return ACTIVATION[problem_type](np.asarray(logits, np.float64) / temperature)


def ranked(
    scores: Floats, labels: Sequence[str], top_k: int | None = None, interval: Interval | None = None
) -> list[dict[str, Any]]:
    """One row of scores as `[{"label", "score"}]`, best first, at most `top_k`; `interval`: [low, high]."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    answer: list[dict[str, Any]] = [{"label": labels[i], "score": float(scores[i])} for i in order]
    if interval:
        for one in answer:
            one["interval"] = [one["score"] - interval.half_width, one["score"] + interval.half_width]
    return answer
