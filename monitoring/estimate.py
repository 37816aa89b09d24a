"""What the accuracy would be if only the class mix had changed: an estimate that needs no labels.

Of anything else, such as a new topic, it knows nothing, so it is shown and never judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bentos.request_log import Row
from bentos.task import Task
from monitoring.columns import Columns
from monitoring.tally import Tally

MAX_CONDITION = 10.0  # of the matrix of recalls: who can hardly tell classes apart knows nothing of their mix
MIN_ROWS = 50
MIN_OF_CLASS = 10  # rows of the reference

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Of a window's rows."""

    accuracy: float
    class_shares: dict[str, float]  # by label


def estimate(tally: Tally, reference: Sequence[Row], task: Task) -> Estimate | None:
    """None where the task has no single label, too few rows, or a model too weak to tell.

    The class mix follows from the labels given by inverting the reference's confusion matrix (BBSE, Lipton
    and others 2018); the accuracy is the mean score of the label given (CBPE), its odds moved by that mix.
    """
    if task.problem_type != "single_label_classification" or tally.n_rows < MIN_ROWS:
        return None
    confusion = confusion_of(reference, task)
    before = confusion.sum(axis=0)
    given = np.array([tally.labels[label] for label in task.labels], np.float64)
    if before.min() < MIN_OF_CLASS or not given.sum():
        return None
    recalls = confusion / before
    if np.linalg.cond(recalls) > MAX_CONDITION:
        return None
    shares = np.maximum(np.linalg.solve(recalls, given / given.sum()), 0)
    shares /= shares.sum()
    scores = scores_of(tally.sample.columns, task) * (shares * before.sum() / before)
    labels = tally.sample.columns.labels
    usable = (labels >= 0) & ~np.isnan(scores).any(axis=1) & (scores.sum(axis=1) > 0)
    if usable.sum() < MIN_ROWS:
        return None
    right = scores[usable, labels[usable]] / scores[usable].sum(axis=1)
    return Estimate(float(right.mean()), dict(zip(task.labels, shares.tolist(), strict=True)))


def confusion_of(rows: Sequence[Row], task: Task) -> Floats:
    """Counts [label given, true label]."""
    counts, position = np.zeros((len(task.labels),) * 2), {label: i for i, label in enumerate(task.labels)}
    for row in rows:
        given, true = position.get(str(row.get("label"))), position.get(str(row.get("true_label")))
        if given is not None and true is not None:
            counts[given, true] += 1
    return counts


def scores_of(columns: Columns, task: Task) -> Floats:
    """[rows, labels]; of two labels the columns hold the second only."""
    known = [
        columns.numbers[f"probs[{label}]"] for label in task.labels if f"probs[{label}]" in columns.numbers
    ]
    return np.stack(known if len(known) == len(task.labels) else [1 - known[0], known[0]], axis=1)
