"""The two pictures of a training run."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bentos.postprocess import probabilities
from train.evaluate import calibration_error, reliability
from train.trainer import SHOWN

DOTS_PER_INCH = 120


def plot_reliability(path: Path, logits: NDArray[np.float64], truth: Any, temperature: float) -> None:
    """How often an answer of a given score is right, before and after temperature scaling, as PNG."""
    y = np.asarray(truth)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfect")
    for name, t in (("before", 1.0), (f"after (temperature {temperature:.2f})", temperature)):
        scores = probabilities(logits, "single_label_classification", t)
        points = reliability(scores, y)
        label = f"{name}: calibration error {calibration_error(scores, y):.3f}"
        axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=label)
    axes.set(
        title=f"Reliability on the test split (n = {len(y):,})",
        xlabel="score of the answer",
        ylabel="share of right answers",
        xlim=(1 / logits.shape[1] - 0.02, 1.02),
        ylim=(0, 1.02),
    )
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path, dpi=DOTS_PER_INCH)


def plot_training_curve(path: Path, history: list[dict[str, Any]], rows: tuple[int, int]) -> None:
    """Training and validation loss, and accuracy, F1 or RMSE in validation, over the epochs, as PNG.

    `rows` of the train and the validation split.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    losses = figure.subplots()
    other = losses.twinx()
    name = next((name for name in SHOWN if any(f"eval_{name}" in entry for entry in history)), SHOWN[0])
    lines: tuple[tuple[str, str, Axes, dict[str, Any]], ...] = (
        ("loss", "training loss", losses, {"color": "C0"}),
        ("eval_loss", "validation loss", losses, {"color": "C1", "marker": "o"}),
        (f"eval_{name}", f"validation {name.replace('_', ' ')}", other, {"color": "C2", "marker": "s"}),
    )
    for key, label, axes, style in lines:
        points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
        axes.plot([p[0] for p in points], [p[1] for p in points], label=label, **style)
    title = f"Training curve (n = {rows[0]:,}, validation {rows[1]:,})"
    losses.set(title=title, xlabel="epoch", ylabel="loss", ylim=(0, None))
    other.set(ylabel=name.replace("_", " "), ylim=(None, None if name == "rmse" else 1))
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(path, dpi=DOTS_PER_INCH)
