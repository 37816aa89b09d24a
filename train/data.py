"""The task's labelled rows in three splits, without leakage, every row that is left out counted."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bentos.task import Task
from train.pictures import Picture, sound_pictures
from train.sources import (
    DataError,
    Table,
    filtered,
    length,
    read_labelled,
    read_sources,
    split_tables,
)
from train.splits import Parts, Row, Text, fill_missing, remove_leaks, sample, text_key
from train.values import flag_vector, label_position, label_vector, moment, moment_text, number, plain_text

__all__ = ["DataError", "Split", "Splits", "load_file", "load_splits"]

SPLITS = ("train", "validation", "test")
REASONS = (
    "rows_read",
    "filtered_out",
    "of_other_splits",
    "null_text",
    "empty_text",
    "no_picture",
    "unknown_label",
    "no_timestamp",
)
Given = tuple[Text | None, str]  # an input, or why it cannot be used

SHOWN_LABELS = 5  # unknown labels named in the report
LABEL_READERS: dict[str, Callable[[Any, Task], Any]] = {
    "single_label_classification": lambda value, task: label_position(value, task.labels),
    "multi_label_classification": lambda value, task: (
        label_vector(value, task.labels) if task.label_column_name else flag_vector(value)
    ),
    "regression": lambda value, task: number(value),
}


@dataclass(frozen=True)
class Split:
    """Rows of one split; item i of each list belongs to row i."""

    texts: list[Any]  # texts, pairs of texts, or pictures
    labels: list[Any]  # positions in the task's labels; floats in a regression; of several 0 or 1 each
    timestamps: list[str | None]  # ISO 8601, UTC
    users: list[str | None] = field(default_factory=list)
    items: list[str | None] = field(default_factory=list)


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

    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(REASONS, 0)))
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
    report = {
        **tally.counts,
        "unknown_labels": dict(tally.unknown.most_common(SHOWN_LABELS)),
        "split": how,
        "rows": {name: len(parts[name]) for name in SPLITS},
        "classes": {name: class_counts(parts[name], task) for name in SPLITS},
    }
    check_splits(report)
    splits = {name: make_split(parts[name]) for name in SPLITS}
    return Splits(**splits, report=report, sha256=content_hash(splits))


def load_file(path: str | Path, task: Task) -> Split:
    """Every usable row of a labelled file, in its order; of the columns only text and label must be there.

    What is left out goes to the log as a warning. Raises DataError where nothing is left.
    """
    columns, tally = [*task.input_column_names, *task.label_column_names], Tally()
    table = read_labelled(path, columns, task)
    rows = list(usable_rows(table, task, tally))
    if not rows:
        raise DataError(f"{path}: {nothing_left(task, tally)}")
    if tally.counts.total():
        left_out = {reason: count for reason, count in tally.counts.items() if count}
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
    """The rows that have text, a known label and, with such a column, a moment; the others are counted."""
    nothing = [None] * length(table)
    inputs = READ_INPUTS[task.pipeline_tag](table, task)
    moments = table.get(task.timestamp_column_name or "", nothing)
    groups = table.get(task.group_column_name or "", nothing)
    users, items = (table.get(name or "", nothing) for name in (task.user_column_name, task.item_column_name))
    marks = zip(groups, users, items, strict=True)
    for (text, reason), given, at, known in zip(inputs, labels_of(table, task), moments, marks, strict=True):
        label, timestamp = LABEL_READERS[task.problem_type](given, task), moment(at)
        if text is None:
            tally.counts[reason] += 1
        elif label is None:
            tally.counts["unknown_label"] += 1
            tally.unknown[str(given)[:40]] += 1
        elif timestamp is None and moments is not nothing:
            tally.counts["no_timestamp"] += 1
        else:
            group, user, item = (None if is_null(one) else str(one) for one in known)
            yield Row(text, label, timestamp, group, text_key(text), user, item)


def labels_of(table: Table, task: Task) -> list[Any]:
    """What says the label of each row, unread: a cell, or those of all labels' columns."""
    columns = [table[name] for name in task.label_column_names]
    return columns[0] if task.label_column_name else list(zip(*columns, strict=True))


def texts_of(table: Table, task: Task) -> Iterator[Given]:
    """The text, or pair of texts, of each row."""
    for fields in zip(*(table[name] for name in task.text_column_names), strict=True):
        if fault := text_fault(fields):
            yield None, fault
        else:
            first, *more = map(plain_text, fields)
            yield ((first, more[0]) if more else first), ""


def pictures_of(table: Table, task: Task) -> Iterator[Given]:
    """The picture of each row."""
    return (
        (picture, "" if picture else "no_picture")
        for picture in sound_pictures(table[task.image_column_name])
    )


READ_INPUTS: dict[str, Callable[[Table, Task], Iterator[Given]]] = {
    "text-classification": texts_of,
    "image-classification": pictures_of,
}


def text_fault(fields: tuple[object, ...]) -> str | None:
    """Why a row's texts cannot be used, None when they can."""
    if any(map(is_null, fields)):
        return "null_text"
    return None if all(str(text).strip() for text in fields) else "empty_text"


def is_null(value: object) -> bool:
    """None or not a number; pandas writes either for a missing value."""
    return value is None or value != value


def limited(parts: Parts, task: Task, tally: Tally) -> Parts:
    """At most `max_..._samples` rows of each split, drawn by the training seed; the rest is counted."""
    limits = (task.max_train_samples, task.max_eval_samples, task.max_predict_samples)
    seed = task.training.get("seed", 42)
    kept = {name: sample(parts[name], limit, seed) for name, limit in zip(SPLITS, limits, strict=True)}
    tally.counts["not_sampled"] = sum(len(parts[name]) - len(kept[name]) for name in SPLITS)
    return kept


def class_counts(rows: list[Row], task: Task) -> dict[str, int]:
    """Rows of each class; nothing for a regression."""
    if task.problem_type == "regression":
        return {}
    return {label: sum(has(row.label, i) for row in rows) for i, label in enumerate(task.labels)}


def has(label: Any, position: int) -> bool:
    """Whether a row's label is the one at that position of the task's labels, or has it among several."""
    return bool(label[position]) if isinstance(label, tuple) else bool(label == position)


def check_splits(report: dict[str, Any]) -> None:
    """Raises DataError for a split without rows or without a class."""
    for name, rows in report["rows"].items():
        absent = [repr(label) for label, count in report["classes"][name].items() if not count]
        if not rows or absent:
            missing = f"rows of class {', '.join(absent)}" if rows else "rows"
            raise DataError(
                f"The {name} split has no {missing}. Give more data, or look at labels, label_column_name, "
                f"the split percentages and max_..._samples. What was read: {json.dumps(report)}"
            )


def nothing_left(task: Task, tally: Tally) -> str:
    """The sentence for data of which no row can be used."""
    found = ", ".join(repr(label) for label, _ in tally.unknown.most_common(SHOWN_LABELS))
    return (
        f"No row can be used: {dict(tally.counts)}. The input is {', '.join(task.input_column_names)}, "
        f"the label {', '.join(task.label_column_names)} (known: {', '.join(task.labels)}; others found: "
        f"{found or 'none'}), row_filter is {task.row_filter}."
    )


def make_split(rows: list[Row]) -> Split:
    """The rows as three lists."""
    return Split(
        texts=[row.text for row in rows],
        labels=[row.label for row in rows],
        timestamps=[moment_text(row.timestamp) for row in rows],
        users=[row.user for row in rows],
        items=[row.item for row in rows],
    )


def content_hash(splits: dict[str, Split]) -> str:
    """SHA-256 over one JSON line for each row: split, text, label."""
    digest = hashlib.sha256()
    for name, split in splits.items():
        for text, label in zip(split.texts, split.labels, strict=True):
            known = text.sha256 if isinstance(text, Picture) else text
            digest.update(f"{json.dumps([name, known, label])}\n".encode())
    return digest.hexdigest()
