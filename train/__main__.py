"""`python -m train TASK [--set key=value ...]`: data, training, export, gate, store."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import numpy as np
import transformers
from rich.console import Console
from rich.table import Table
from transformers import PreTrainedModel, Trainer

from bentos.model_store import VARIANTS, ModelError, model_tag, write_atomically
from bentos.task import Task, TaskError, load_task
from train.baseline import BASELINES, bias_baselines
from train.data import DataError, Splits, has, load_splits
from train.evaluate import metrics_table
from train.export import (
    GateError,
    Variant,
    check_gate,
    export_variants,
    measure,
    run_facts,
    store_variant,
)
from train.figures_table import figures_table
from train.plots import plot_reliability, plot_training_curve
from train.trainer import answer_in_units, fit, label_scale, make_trainer, trained_folder


def main(argv: Sequence[str] | None = None) -> int:
    """Train a task and put its variants into the model store."""
    arguments = parse(argv)
    try:
        task = load_task(arguments.task, arguments.set)
        train_and_store(task, load_splits(task), Path(arguments.runs), arguments.variants, arguments.baseline)
    except (TaskError, DataError, ModelError, GateError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train", description=main.__doc__)
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a task key")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["torch", "onnx-int8"])
    parser.add_argument(
        "--baseline", action="store_true", help="also measure a simple model on the same split"
    )
    parser.add_argument(
        "--runs", default="runs", help="folder of checkpoints, plots and exports (default: runs)"
    )
    return parser.parse_args(argv)


def train_and_store(
    task: Task,
    splits: Splits,
    runs: Path,
    names: Sequence[str],
    with_baseline: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Everything from the splits to the store; the tags by variant. `origin` goes into `metrics.json`.

    In all but the first process of a `torchrun` there are no tags: that one stores. Raises TaskError,
    ModelError, and GateError when int8 loses too much.
    """
    started = time.monotonic()
    console = Console()
    folder = run_folder(runs, task, splits)
    trainer = make_trainer(task, splits, folder / "checkpoints", show_progress=sys.stderr.isatty())
    if trainer.is_world_process_zero():
        console.print(data_table(task, splits))
    history = fit(trainer)
    if not trainer.is_world_process_zero():
        return {}
    seconds = round(time.monotonic() - started, 1)
    facts = {**run_facts(task, splits), "training_seconds": seconds, **(origin or {})}
    variants = export_and_measure(trainer, task, splits, folder, names)
    if with_baseline:
        facts["baseline"] = BASELINES[task.pipeline_tag](splits, task)
        if task.problem_type == "regression":
            facts["baselines"] = bias_baselines(splits)
    draw(folder, history, variants, splits)
    console.print(
        metrics_table({n: v.metrics for n, v in variants.items()}, f"{task.name} on the test split")
    )
    print_baseline(console, facts, task)
    check_gate(variants, task)
    tags = store(variants, task, splits, facts, folder, console)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    console.print(f"Plots and exports: {folder}. Training took {seconds:.0f} s.")
    return tags


def export_and_measure(
    trainer: Trainer, task: Task, splits: Splits, folder: Path, names: Sequence[str]
) -> dict[str, Variant]:
    """Each variant's folder written, calibrated on the validation split and measured on the test split."""
    if task.problem_type == "regression":
        answer_in_units(cast(PreTrainedModel, trainer.model), label_scale(task, splits))
    folders = export_variants(trained_folder(trainer, folder / "torch"), task, folder, names)
    return {name: measure(name, path, task, splits) for name, path in folders.items()}


def draw(folder: Path, history: list[dict[str, Any]], variants: dict[str, Variant], splits: Splits) -> None:
    """The run's pictures, as PNG in its folder."""
    rows = (len(splits.train.texts), len(splits.validation.texts))
    plot_training_curve(folder / "training_curve.png", history, rows)
    for name, variant in variants.items():
        if "calibration_error" not in variant.metrics:
            continue
        picture = folder / f"reliability-{name}.png"
        plot_reliability(picture, variant.test.logits, splits.test.labels, variant.temperature)


def store(
    variants: dict[str, Variant],
    task: Task,
    splits: Splits,
    facts: dict[str, Any],
    folder: Path,
    console: Console,
) -> dict[str, str]:
    """Store every variant under one version and leave the tags, which are returned, in the run's folder."""
    version = f"{datetime.now(UTC):%Y%m%d%H%M%S}-{folder.name}"
    tags = {name: model_tag(task.name, name, version) for name in variants}
    for name, variant in variants.items():
        store_variant(variant, tags[name], task, splits, facts)
        console.print(f"Stored {tags[name]} ({variant.metrics['model_bytes'] / 1e6:.1f} MB)")
    summary = {"tags": tags, "metrics": {n: v.metrics for n, v in variants.items()}, **facts}
    write_atomically(folder.parent / "last_run.json", json.dumps(summary, indent=1))
    return tags


def run_folder(runs: Path, task: Task, splits: Splits) -> Path:
    """A folder named for the configuration and the data: the same run finds its checkpoints."""
    return runs / task.name / hashlib.sha256(f"{task.to_yaml()}{splits.sha256}".encode()).hexdigest()[:8]


def data_table(task: Task, splits: Splits) -> Table:
    """Rows of each class in each split, and the rows that were left out."""
    table = figures_table("", "train", "validation", "test", title=f"{task.name}: rows")
    parts = (splits.train, splits.validation, splits.test)
    if task.problem_type == "regression":
        table.add_row("rows", *(f"{len(part.labels):,}" for part in parts))
        table.add_row(f"mean {task.labels[0]}", *(f"{np.mean(part.labels):.4g}" for part in parts))
    else:
        for i, label in enumerate(task.labels):
            table.add_row(label, *(f"{sum(has(y, i) for y in part.labels):,}" for part in parts))
    dropped = {k: v for k, v in splits.report.items() if isinstance(v, int) and v}
    table.caption = ", ".join(f"{name.replace('_', ' ')}: {count:,}" for name, count in dropped.items())
    return table


def print_baseline(console: Console, facts: dict[str, Any], task: Task) -> None:
    baseline, what = facts.get("baseline", {}), "Colour histogram" if task.reads_pictures else "TF-IDF"
    if "accuracy" in baseline:
        console.print(
            f"{what} + logistic regression on the same split: accuracy {baseline['accuracy']:.4f}, "
            f"macro F1 {baseline['macro_f1']:.4f}"
        )
    elif baseline:
        columns = {"TF-IDF + linear": baseline, **facts.get("baselines", {})}
        console.print(metrics_table(columns, "Baselines on the same split"))


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()  # that a classifier's head starts at random is the point
    sys.exit(main())
