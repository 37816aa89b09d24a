"""`python -m train.retrain TASK`: learn from the labels that came back, and promote only what is better."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import transformers
from rich.console import Console

from bentos.model_store import (
    VARIANTS,
    Entry,
    ModelError,
    check_interchangeable,
    load_entry,
    model_name,
    write_atomically,
)
from bentos.production import default_version
from bentos.task import Task, TaskError, load_task
from train.__main__ import run_folder, train_and_store
from train.data import DataError, Splits, content_hash, load_splits
from train.export import GateError
from train.held_out import Divided, divide, with_added
from train.labelled import gather, kept_until_done, read_labelled
from train.mcnemar import ALPHA
from train.outcome import Outcome, compare_versions
from train.promote import move_to
from train.verdict import Verdict, last_verdict, reason_to_wait

PROBLEM = "single_label_classification"
GET_TEXTS = (
    "have the service store them from now on (monitoring: {log_inputs: full} in the task), or give a filled "
    "audit file that has them: --labelled FILE"
)


@dataclass(frozen=True)
class Material:
    """The old data, and the labels that came back on their two sides."""

    old: Splits
    divided: Divided
    usable: dict[str, int]  # labels with a text, by source
    unusable: dict[str, int]  # labels by the reason why not


def main(argv: Sequence[str] | None = None) -> int:
    """Train on the old data and on the labels that came back, and compare with the version served."""
    arguments = parse(argv)
    try:
        retrain(load_task(arguments.task, arguments.set), arguments, Console(soft_wrap=True))
    except (TaskError, DataError, ModelError, GateError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m train.retrain",
        description=main.__doc__,
        epilog="Exit codes: 0 done, or nothing to do; 1 when it could not; 2 for wrong arguments.",
    )
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a task key")
    parser.add_argument(
        "--if-drift", action="store_true", help="only after a last verdict of DRIFT or PERFORMANCE"
    )
    parser.add_argument("--promote", action="store_true", help="promote the candidate where it is better")
    parser.add_argument("--variant", choices=VARIANTS, default=VARIANTS[0], help="default: %(default)s")
    parser.add_argument(
        "--labelled", type=Path, metavar="FILE", help="a filled audit file with texts that the log has not"
    )
    logs = os.environ.get("TOUCHSTONE_LOGS") or "logs"
    parser.add_argument("--logs", type=Path, default=logs, metavar="DIR", help="root; default: %(default)s")
    parser.add_argument("--reports", type=Path, default="reports", metavar="DIR", help="default: %(default)s")
    parser.add_argument("--runs", type=Path, default="runs", metavar="DIR", help="default: %(default)s")
    return parser.parse_args(argv)


def retrain(task: Task, arguments: argparse.Namespace, console: Console) -> None:
    """All of it, from the last verdict to the promotion; raises what `main` tells."""
    served = served_entry(task, arguments.variant)
    last = last_verdict(arguments.reports, task)
    if arguments.if_drift and (reason := reason_to_wait(last, served.tag)):
        console.print(reason)
        return
    labels = arguments.runs / task.name / "retrain" / "labelled.jsonl"
    with kept_until_done(labels):
        gather(labels, arguments.logs / task.name, arguments.labelled, console)
        material = prepare(task, labels, served, console)
        splits = with_added(material.old, material.divided.added)
        names = list(dict.fromkeys(("torch", "onnx-int8", arguments.variant)))
        tags = train_and_store(task, splits, arguments.runs, names, origin=origin(material, served))
        if tags:  # none in the helping processes of torchrun
            candidate = load_entry(tags[arguments.variant])
            outcome = compare_versions(served, candidate, material.old, material.divided)
            found = report(task, last, material, tags, outcome)
            conclude(outcome, found, run_folder(arguments.runs, task, splits), arguments.promote, console)


def served_entry(task: Task, variant: str) -> Entry:
    """What is in production, else the latest; raises TaskError or ModelError where it cannot be retrained."""
    if task.problem_type != PROBLEM:
        raise TaskError(f"problem_type is {task.problem_type}; retraining is for {PROBLEM} only.")
    if task.reads_pictures:
        raise TaskError(
            "The log stores no pictures to learn from; train with the old and the new ones: python -m train"
        )
    entry = load_entry(default_tag(model_name(task.name, variant)))
    try:
        check_interchangeable(entry.task, task)
    except ModelError as error:
        raise ModelError(f"No version of this task can follow {entry.tag}: {error}") from error
    return entry


def prepare(task: Task, labels: Path, served: Entry, console: Console) -> Material:
    """Read old data and labels and put each row on its side; raises DataError for too few."""
    rows, unusable = read_labelled(labels, task)
    if unusable:
        left_out = ", ".join(f"{reason.replace('_', ' ')}: {count:,}" for reason, count in unusable.items())
        console.print(f"Labels that came back but cannot be used: {left_out}")
    if unusable.get("null_text"):
        console.print(f"{unusable['null_text']:,} have no text: {GET_TEXTS}")
    old = load_splits(task)
    divided = divide(rows, old, served.metrics.get("retrained", {}).get("learned_until", {}), task)
    return Material(old, divided, dict(Counter(str(row.group) for row in rows)), unusable)


def origin(material: Material, served: Entry) -> dict[str, Any]:
    """What `metrics.json` says of a retrained version beside what it says of any."""
    divided = material.divided
    facts = {
        "instead_of": served.tag,
        "rows_added": len(divided.added.texts),
        "rows_added_sha256": content_hash({"train": divided.added}),
        "old_data_sha256": material.old.sha256,
        "learned_until": divided.learned_until,
    }
    return {"retrained": facts}


def report(
    task: Task, last: Verdict | None, material: Material, tags: dict[str, str], outcome: Outcome
) -> dict[str, Any]:
    """`retrain.json`: the verdict that led here (null: none), the labels, the versions and the comparisons.

    `labels`: how many came back with a text by source (`usable`), without use by reason, and where they went.
    `newest`, `test`: rows, both accuracies, rows that only one version gets right, p. `promoted` is added.
    """
    divided = material.divided
    return {
        "schema_version": 1,
        "task": task.name,
        "monitor": last and last._asdict(),
        "labels": {
            "usable": material.usable,
            "unusable": material.unusable,
            "added": len(divided.added.texts),
            "newest": len(divided.newest.texts),
            "newest_source": divided.source,
            "left_out": divided.left_out,
        },
        "served": outcome.served,
        "candidate": outcome.candidate,
        "stored": tags,
        "alpha": ALPHA,
        "newest": asdict(outcome.newest),
        "test": asdict(outcome.test),
        "notes": outcome.notes,
        "recommendation": outcome.recommendation,
    }


def conclude(
    outcome: Outcome, found: dict[str, Any], folder: Path, may_promote: bool, console: Console
) -> None:
    """Tell and write down what was found; promote where that is wanted and deserved. Raises ModelError."""
    console.print(outcome.table(), soft_wrap=False)
    console.print(*outcome.notes, sep="\n")
    console.print(outcome.recommendation)
    path = folder / "retrain.json"
    write_atomically(path, json.dumps({**found, "promoted": False}, indent=1))
    if may_promote and outcome.is_better:
        check_still_served(outcome)
        move_to(outcome.candidate)
        write_atomically(path, json.dumps({**found, "promoted": True}, indent=1))
        console.print(f"{outcome.candidate} is in production.")
    elif outcome.is_better:
        console.print(f"It waits: python -m train.promote {outcome.candidate}")
    console.print(f"Report: {path}")


def check_still_served(outcome: Outcome) -> None:
    """Raises ModelError when somebody has promoted or rolled back during the training."""
    now = default_tag(outcome.served.partition(":")[0])
    if now != outcome.served:
        raise ModelError(
            f"Not promoted: {outcome.candidate} was compared with {outcome.served}, but by now {now} is "
            "served. Run it again."
        )


def default_tag(name: str) -> str:
    """The tag of what is in production, else of the latest; raises ModelError where there is nothing."""
    return load_entry(f"{name}:{default_version(name)}").tag


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()  # that a classifier's head starts at random is the point
    sys.exit(main())
