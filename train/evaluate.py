"""Metrics of a variant on labelled rows. Also `python -m train.evaluate TAG [TAG ...]` for stored entries."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.optimize import minimize_scalar
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from bentos.model_store import Entry, Model, ModelError, load_entry, load_model
from bentos.postprocess import Interval, probabilities
from bentos.preprocess import PREPROCESS, AnyEncoded, Preprocess
from bentos.task import Task, TaskError
from train import multi_label
from train.bulk import length_sorted_batches
from train.data import DataError, Split, load_file, load_splits
from train.figures_table import figures_table
from train.regression import fit_interval, regression_metrics

BATCH_TOKENS = 1024  # padded tokens in one call: large enough for torch, small enough for a lane's cache
CALIBRATION_BINS = 15
PICTURES = 512  # decoded at a time, 77 MB of 224 x 224 pixels
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """What a variant says of a split: one row for each text, in the split's order."""

    encoded: list[AnyEncoded]  # of pictures without their arrays
    logits: Floats  # [n, labels]


def predict(
    model: Model,
    preprocess: Preprocess,
    texts: Sequence[Any],
    lanes: int = 1,
    title: str = "",
    batch_tokens: int = BATCH_TOKENS,
) -> Predictions:
    """Logits of all texts, sorted by length into calls of at most so many padded tokens, or one text."""
    encoded = list(preprocess(list(texts)))
    batches = length_sorted_batches([e.n_tokens for e in encoded], batch_tokens)
    rows: dict[int, NDArray[np.float32]] = {}
    with ThreadPoolExecutor(lanes) as pool, _progress() as progress:
        calls = pool.map(lambda batch: model.run(preprocess.pad([encoded[i] for i in batch])), batches)
        for batch, logits in zip(progress.track(batches, description=title), calls, strict=True):
            rows.update(zip(batch, logits, strict=True))
    return Predictions(encoded, np.stack([rows[i] for i in range(len(encoded))]).astype(np.float64))


def predict_variant(
    entry_folder: Any, task: Task, model: Model, texts: Sequence[Any], variant: str
) -> Predictions:
    """`predict` with the lanes that suit the variant: torch brings threads of its own."""
    lanes = 1 if variant == "torch" else (os.cpu_count() or 1)
    preprocess, title = PREPROCESS[task.pipeline_tag](entry_folder, task), f"{variant} predicts"
    # int8 rounds by what is largest in a call: neighbours change an answer, and a lane's calls are small
    batch_tokens = 1 if task.reads_pictures and variant != "torch" else BATCH_TOKENS
    return PREDICT[task.pipeline_tag](model, preprocess, texts, lanes, title, batch_tokens)


def predict_pictures(
    model: Model,
    preprocess: Preprocess,
    pictures: Sequence[Any],
    lanes: int,
    title: str,
    batch_tokens: int,
) -> Predictions:
    """`predict` some pictures at a time, for all of them do not fit into memory."""
    encoded, logits = list[AnyEncoded](), list[Floats]()
    for start in range(0, len(pictures), PICTURES):
        given = [picture.read() for picture in pictures[start : start + PICTURES]]
        part = predict(model, preprocess, given, lanes, title, batch_tokens)
        encoded += [replace(one, arrays={}) for one in part.encoded]
        logits.append(part.logits)
    return Predictions(encoded, np.concatenate(logits))


PREDICT: dict[str, Callable[..., Predictions]] = {
    "text-classification": predict,
    "image-classification": predict_pictures,
}


def fit_temperature(logits: Floats, truth: Sequence[int]) -> float:
    """The temperature that minimises the log loss of held-out logits [n, labels] (Guo et al. 2017)."""
    y = np.asarray(truth)

    def loss(log_temperature: float) -> float:
        scores = probabilities(logits, "single_label_classification", float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(scores[np.arange(len(y)), y], 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def classification_metrics(
    logits: Floats, truth: Sequence[int], task: Task, temperature: float
) -> dict[str, Any]:
    """Every number we report of a classifier; `logits` [n, labels], `truth` label ids [n]."""
    y, ids = np.asarray(truth), range(len(task.labels))
    raw = probabilities(logits, task.problem_type)
    scores = probabilities(logits, task.problem_type, temperature)
    guess = scores.argmax(axis=-1)
    precision, recall, f1, support = precision_recall_fscore_support(
        y, guess, labels=list(ids), zero_division=0
    )
    return {
        "n": len(y),
        "accuracy": float((guess == y).mean()),
        "macro_f1": float(np.mean(f1)),
        "log_loss": float(log_loss(y, scores, labels=list(ids))),
        "calibration_error_before": calibration_error(raw, y),
        "calibration_error": calibration_error(scores, y),
        "per_class": {
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "n": int(support[i]),
            }
            for i, label in enumerate(task.labels)
        },
        "confusion_matrix": confusion_matrix(y, guess, labels=list(ids)).tolist(),
    }


Metrics = Callable[[Floats, Split, Task, float, Interval | None], dict[str, Any]]
METRICS: dict[str, Metrics] = {
    "single_label_classification": lambda logits, rows, task, temperature, _: classification_metrics(
        logits, rows.labels, task, temperature
    ),
    "multi_label_classification": lambda logits, rows, task, temperature, _: multi_label.multi_label_metrics(
        logits, rows.labels, task, temperature
    ),
    "regression": lambda logits, rows, task, _, interval: regression_metrics(
        logits[:, 0], rows.labels, rows.users, interval
    ),
}
# What is fitted on the validation split: a temperature of the logits, or an interval around a number.
CALIBRATE: dict[str, Callable[[Floats, list[Any]], tuple[float, Interval | None]]] = {
    "single_label_classification": lambda logits, truth: (fit_temperature(logits, truth), None),
    "multi_label_classification": lambda logits, truth: (multi_label.fit_temperature(logits, truth), None),
    "regression": lambda logits, truth: (1.0, fit_interval(logits[:, 0], truth)),
}


def reliability(scores: Floats, truth: NDArray[Any]) -> list[tuple[float, float, int]]:
    """(mean score, accuracy, n) of the answers in each occupied bin of the score."""
    score, right = scores.max(axis=-1), scores.argmax(axis=-1) == truth
    bins = np.minimum((score * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    groups = [bins == b for b in range(CALIBRATION_BINS)]
    return [(float(score[g].mean()), float(right[g].mean()), int(g.sum())) for g in groups if g.any()]


def calibration_error(scores: Floats, truth: NDArray[Any]) -> float:
    """Expected calibration error of the best label over 15 equal bins (Guo et al. 2017)."""
    return float(sum(n * abs(score - right) for score, right, n in reliability(scores, truth)) / len(truth))


def metrics_table(columns: dict[str, dict[str, Any]], title: str) -> Table:
    """One column for each variant or tag, one row for each figure."""
    table = figures_table("", *columns, title=title)
    first = next(iter(columns.values()))
    for name in (name for name, value in first.items() if isinstance(value, float)):
        table.add_row(
            name.replace("_", " "), *(f"{m[name]:.4f}" if name in m else "" for m in columns.values())
        )
    for label in first.get("per_class", {}):
        table.add_row(f"f1 of {label}", *(f"{m['per_class'][label]['f1']:.4f}" for m in columns.values()))
    table.add_row("rows", *(f"{m['n']:,}" for m in columns.values()))
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate stored entries on a labelled file, or on their task's own test split."""
    parser = argparse.ArgumentParser(prog="python -m train.evaluate", description=main.__doc__)
    parser.add_argument("tags", nargs="+", metavar="TAG", help="for example sample-reviews-torch:latest")
    parser.add_argument("--file", help="labelled CSV, JSON lines or Parquet (default: the task's test split)")
    arguments = parser.parse_args(argv)
    try:
        entries = [load_entry(tag) for tag in arguments.tags]
        rows = _labelled_rows(entries[0].task, arguments.file)
        answers = {e.tag: entry_logits(e, rows) for e in entries}
    except (ModelError, TaskError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    _report({e.tag: (e, answers[e.tag]) for e in entries}, rows)
    return 0


def _labelled_rows(task: Task, file: str | None) -> Split:
    return load_file(file, task) if file else load_splits(task).test


def entry_logits(entry: Entry, rows: Split) -> Floats:
    """The logits [n, labels] of a stored entry for labelled rows."""
    return predict_variant(
        entry.path, entry.task, load_model(entry.variant, entry.path, entry.task), rows.texts, entry.variant
    ).logits


def _report(results: dict[str, tuple[Entry, Floats]], rows: Split) -> None:
    """Print the metrics of each tag and how far each two of them agree."""
    console = Console()
    columns = {
        tag: METRICS[entry.task.problem_type](logits, rows, entry.task, entry.temperature, entry.interval)
        for tag, (entry, logits) in results.items()
    }
    console.print(metrics_table(columns, "Stored entries on the same rows"))
    for (one, (entry, a)), (other, (_, b)) in combinations(results.items(), 2):
        print(f"{one} and {other} {AGREEMENT[entry.task.problem_type](a, b)}.")


AGREEMENT: dict[str, Callable[[Floats, Floats], str]] = {
    "single_label_classification": lambda a, b: (
        f"give the same label to {(a.argmax(axis=-1) == b.argmax(axis=-1)).mean():.2%} of the rows"
    ),
    "multi_label_classification": lambda a, b: (
        f"give the same labels to {((a >= 0) == (b >= 0)).all(axis=1).mean():.2%} of the rows"
    ),
    "regression": lambda a, b: f"differ by {np.abs(a - b).mean():.3g} on average",
}


def _progress() -> Progress:
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())


if __name__ == "__main__":
    sys.exit(main())
