"""`python -m monitoring audit TASK`: a random sample of answers for a person to label, and its labels."""

import argparse
import csv
import io
import os
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos.log_files import utc_text
from bentos.model_store import write_atomically
from bentos.request_log import Row, item_of, open_log, read_feedback, read_log, read_texts
from bentos.task import Task, TaskError, load_task
from monitoring.columns import LARGEST
from monitoring.windows import WindowError, log_folder, parse_time

SEPARATOR = ";"  # of several labels in a cell
NO_LABEL = "none"
COLUMNS = ("request_id", "index", "ts", "text", "text_pair", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


def main(argv: Sequence[str]) -> int:
    """Draw a sample into a CSV file with an empty column `label`; --read takes the filled file back."""
    arguments = parse(argv)
    try:
        task = load_task(arguments.task)
        folder = log_folder(arguments.logs, task)
        if arguments.read:
            print(f"{take(arguments.read, folder, task):,} audit labels of {arguments.read} are in {folder}")
        else:
            now = datetime.now(UTC)
            rows = draw(folder, parse_time(arguments.since, now), arguments.n)
            write_queue(arguments.out, rows)
            print(f"{len(rows):,} answers, drawn at random, are in {arguments.out}: fill in the column label")
            print(f"with {expected(task)}, and give the file back by --read {arguments.out}")
    except (TaskError, WindowError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m monitoring audit", description=main.__doc__)
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument("--n", type=int, default=100, help="answers to draw; default: %(default)s")
    parser.add_argument("--since", default="24h", metavar="T", help="from then on; default: %(default)s")
    logs = os.environ.get("TOUCHSTONE_LOGS") or "logs"
    parser.add_argument("--logs", type=Path, default=logs, metavar="DIR", help="root; default: %(default)s")
    parser.add_argument("--out", type=Path, default="audit.csv", metavar="FILE", help="default: %(default)s")
    parser.add_argument("--read", type=Path, metavar="FILE", help="a filled file: its labels are taken")
    return parser.parse_args(argv)


def draw(folder: Path, since: datetime, n: int) -> list[Row]:
    """Up to `n` answers without an audit label, each with the same chance; raises WindowError for none."""
    labelled = {item_of(row) for row in read_feedback(folder, since).rows if row.get("source") == "audit"}
    rows = {
        item: row
        for row in read_log(folder, since=since).rows
        if (item := item_of(row)) and item not in labelled
    }
    if not rows:
        raise WindowError(f"No answer without an audit label since {since.isoformat()} in {folder}.")
    drawn = random.SystemRandom().sample(list(rows), min(n, len(rows)))
    texts = read_texts(folder, drawn, since)
    return [rows[item] | texts.get(item, {}) for item in drawn]


def write_queue(path: Path, rows: Sequence[Row]) -> None:
    """The sample without the model's answers, which would lead the person who labels."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({column: _cell(row.get(column, "")) for column in COLUMNS[:-1]} for row in rows)
    write_atomically(path, text.getvalue(), mode=0o600)


def take(path: Path, folder: Path, task: Task) -> int:
    """Put the labels of a filled file into the feedback log, how many; raises WindowError and takes none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row.get("label") or "").strip()]
    checked = [_label_row(row, task, path) for row in rows]
    log = open_log(folder, "feedback", task.monitoring, queue_rows=max(len(checked), 1))
    for row in checked:
        log.write(row)
    log.close()
    if log.dropped:
        raise WindowError(f"{log.dropped} of {len(checked)} labels could not be written into {folder}.")
    return len(checked)


def _cell(value: object) -> str:
    """Text that no spreadsheet computes."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def expected(task: Task) -> str:
    """What a person shall write for a label."""
    if task.problem_type == "regression":
        return f"the true {task.labels[0]}, a number"
    if task.problem_type == "multi_label_classification":
        return f"those of {', '.join(task.labels)} that hold, with a {SEPARATOR} between them, or {NO_LABEL}"
    return f"one of {', '.join(task.labels)}"


def _read_class(cell: str, task: Task) -> str | None:
    return cell if cell in task.labels else None


def _read_classes(cell: str, task: Task) -> list[str] | None:
    labels = [] if cell == NO_LABEL else [label.strip() for label in cell.split(SEPARATOR)]
    return labels if set(labels) <= set(task.labels) else None


def _read_number(cell: str, task: Task) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if abs(found) <= LARGEST else None


READ_CELL: dict[str, Callable[[str, Task], Any]] = {
    "single_label_classification": _read_class,
    "multi_label_classification": _read_classes,
    "regression": _read_number,
}


def _label_row(row: dict[str, str], task: Task, path: Path) -> Row:
    """The feedback row of a line of the file; raises WindowError."""
    cell, request_id, index = (str(row.get(name) or "").strip() for name in ("label", "request_id", "index"))
    label = READ_CELL[task.problem_type](cell, task)
    if label is None:
        raise WindowError(
            f"{path}: '{cell}' of {request_id} is no label of {task.name}; nothing was taken: "
            f"give {expected(task)}"
        )
    if not request_id or not index.isdigit():
        raise WindowError(
            f"{path} has a line without request_id or index; nothing was taken: give back the file as it was "
            "drawn, with labels"
        )
    ts = utc_text(datetime.now(UTC))
    return {
        "ts": ts,
        "request_id": request_id.removeprefix("'"),
        "index": int(index),
        "label": label,
        "source": "audit",
    }
