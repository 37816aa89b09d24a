"""The task's labelled rows in three splits, without leakage, every row that is left out counted."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bentos.task import Task
from train.sources import DataError, Table, read_file, read_sources, require_columns, split_tables, take
from train.splits import Parts, Row, Text, fill_missing, remove_leaks, sample, text_key
from train.values import label_position, moment, moment_text, number

__all__ = ["DataError", "Split", "Splits", "load_file", "load_splits"]

SPLITS = ("train", "validation", "test")
SHOWN_LABELS = 5  # unknown labels named in the report
LABEL_READERS: dict[str, Callable[[object, Task], int | float | None]] = {
    "single_label_classification": lambda value, task: label_position(value, task.labels),
    "regression": lambda value, task: number(value),
}


@dataclass(frozen=True)
class Split:
    """Rows of one split; item i of each list belongs to row i."""

    texts: list[Text]
    labels: list[Any]  # positions in the task's labels; floats in a regression
    timestamps: list[str | None]  # ISO 8601, UTC


@dataclass(frozen=True)
class Splits:
    """What a run learns from, chooses by and is measured on."""

    train: Split
    validation: Split
    test: Split
    report: dict[str, Any]  # rows read, left out (by reason) and used, and how they were split
    sha256: str  # of the texts and labels used, in order: the same whatever file format they came in


@dataclass
class Tally:
    """Rows read and left out, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)  # labels that the task does not know


def load_splits(task: Task) -> Splits:
    """Read, clean and split the task's data; the same rows give the same splits on every machine.

    Splits that the data brings (files, Hub splits, `split_column_name`) are taken as given, missing ones
    are cut from train: by time with `timestamp_column_name`, by group with `group_column_name`, otherwise
    by text. A text or group found in two splits is taken out of train, then of validation; the test split
    stays whole. Repeats within one split stay: they are how often the world says it.
    Raises DataError where the data cannot be had or a split has no row of a class.
    """
    tally = Tally()
    parts, how = fill_missing(read_parts(task, tally), task)
    parts, tally.counts["duplicates_removed"] = remove_leaks(parts, lambda row: row.key)
    parts, tally.counts["group_members_removed"] = remove_leaks(parts, lambda row: row.group)
    parts = limited(parts, task, tally)
    classes = {name: class_counts(parts[name], task) for name in SPLITS}
    check_classes(classes, task, tally)
    report = {
        **tally.counts,
        "unknown_labels": dict(tally.unknown.most_common(SHOWN_LABELS)),
        "split": how,
        "rows": {name: len(parts[name]) for name in SPLITS},
        "classes": classes,
    }
    splits = {name: make_split(parts[name]) for name in SPLITS}
    return Splits(**splits, report=report, sha256=content_hash(splits))


def load_file(path: str | Path, task: Task) -> Split:
    """Every usable row of a labelled file, in its order; of the columns only text and label must be there.

    What is left out goes to the log as a warning. Raises DataError where nothing is left.
    """
    table, tally = read_file(path), Tally()
    require_columns(table, [*task.text_column_names, task.label_column_name], str(path))
    rows = list(usable_rows(table, task, tally))
    if not rows:
        raise DataError(f"{path}: {nothing_left(task, tally)}")
    if tally.counts:
        left_out = dict(tally.counts)
        logging.getLogger(__name__).warning("%s: %d rows used, left out: %s", path, len(rows), left_out)
    return make_split(rows)


def read_parts(task: Task, tally: Tally) -> Parts:
    """The usable rows by the split that they come in. Raises DataError where none are left."""
    parts: Parts = {}
    for source, table in read_sources(task).items():
        tally.counts["rows_read"] += length(table)
        kept = filtered(table, task.row_filter)
        tally.counts["filtered_out"] += length(table) - length(kept)
        tables = split_tables(kept, task.split_column_name) if task.split_column_name else {source: kept}
        tally.counts["of_other_splits"] += length(kept) - sum(map(length, tables.values()))
        for name, part in tables.items():
            parts.setdefault(name, []).extend(usable_rows(part, task, tally))
    if not any(parts.values()):
        raise DataError(nothing_left(task, tally))
    if "train" not in parts:
        raise DataError(f"There are no train rows, only rows of {', '.join(parts)}.")
    return parts


def usable_rows(table: Table, task: Task, tally: Tally) -> Iterator[Row]:
    """The rows with a text and a label that the task knows (and a moment, if there are); others are counted."""
    if task.problem_type not in LABEL_READERS:
        raise DataError(f"problem_type {task.problem_type}: labels are read for {', '.join(LABEL_READERS)}.")
    nothing = [None] * length(table)
    texts = zip(*(table[name] for name in task.text_column_names), strict=True)
    dated = task.timestamp_column_name in table
    moments = map(moment, table.get(task.timestamp_column_name or "", nothing))
    groups = table.get(task.group_column_name or "", nothing)
    for fields, label, at, group in zip(texts, table[task.label_column_name], moments, groups, strict=True):
        value = LABEL_READERS[task.problem_type](label, task)
        if reason := _fault(fields, value):
            tally.counts[reason] += 1
            tally.unknown.update([str(label)[:40]] if reason == "unknown_label" else [])
        elif dated and at is None:
            tally.counts["no_timestamp"] += 1
        else:
            text = tuple(map(str, fields))
            yield make_row(text, value, at, group)


