"""Labelled rows as tables, from files, from the Hugging Face Hub or built in."""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowException, parquet

from bentos.task import Task
from train.picture_sources import class_folders, hub_pictures, located, read_attribute_list
from train.sample_corpus import generate

Table = dict[str, list[Any]]  # column name -> values, all columns of one length

BUILT_IN: dict[str, Callable[[], list[dict[str, Any]]]] = {"sample-reviews": generate}
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
CSV_ROWS = 2**20  # read at once
GIVE_A_FILE = (
    "Give a file: --set train_file=FILE (.csv, .json, .jsonl or .parquet); of pictures also a folder "
    "that holds one for each label: --set train_dir=FOLDER"
)


class DataError(ValueError):
    """Data that cannot be had or cannot be used; the message says what was expected and what to do."""


def read_sources(task: Task) -> dict[str, Table]:
    """The tables that the task names, by split; files and folders go before `dataset_name`.

    A `train_file` or `train_dir` alone stands for the whole data set, one of validation or test for that
    split of whatever the rest comes from. Raises DataError for anything missing.
    """
    given = {
        "train": (task.train_file, task.train_dir),
        "validation": (task.validation_file, task.validation_dir),
        "test": (task.test_file, task.test_dir),
    }
    tables = {} if any(given["train"]) else _read_data_set(task)
    for split, (path, folder) in given.items():
        if path:
            tables[split] = read_labelled(path, needed_columns(task), task, folder)
        elif folder:
            tables[split] = _read_folders(folder, task)
    return tables


def read_labelled(path: str | Path, columns: list[str], task: Task, folder: str | None = None) -> Table:
    """A file with these columns, the pictures that it names in `folder`, or beside it; raises DataError."""
    table = read_file(path)
    require_columns(table, columns, str(path))
    return located(table, folder or Path(path).parent, task) if task.reads_pictures else table


def read_file(path: str | Path) -> Table:
    """Read CSV, JSON lines or Parquet, by the suffix; every CSV value is a string.

    Raises DataError: no such file, another suffix, or a content that is not what the suffix says.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise DataError(f"{path} has the suffix '{path.suffix}'; one of {', '.join(READERS)} was expected.")
    if not path.is_file():
        raise DataError(f"There is no file {path} (seen from {Path.cwd()}).")
    try:
        return READERS[path.suffix](path)
    except (OSError, ValueError, ArrowException, pd.errors.ParserWarning) as error:
        raise DataError(f"{path} cannot be read as {path.suffix}: {error}") from error


def needed_columns(task: Task) -> list[str]:
    """Every column that the task names."""
    optional = [task.timestamp_column_name, task.group_column_name, task.split_column_name]
    optional += [task.user_column_name, task.item_column_name]
    named = [*task.input_column_names, *task.label_column_names, *optional, *task.row_filter]
    return [name for name in dict.fromkeys(named) if name]


def require_columns(table: Mapping[str, Any], names: list[str], source: str) -> None:
    """Raises DataError for a column that is not there, with the list of those that are."""
    if missing := [name for name in names if name not in table]:
        absent, found = ", ".join(map(repr, missing)), ", ".join(table) or "none"
        raise DataError(
            f"{source} has no column {absent}. Its columns: {found}. Say which to take, "
            "for example: --set text_column_names=review --set label_column_name=sentiment"
        )


def length(table: Table) -> int:
    """Rows of the table."""
    return len(next(iter(table.values()), []))


def filtered(table: Table, row_filter: Mapping[str, Any]) -> Table:
    """The rows whose columns have the wanted value, or one of a list of them, compared as text."""
    rows: Sequence[int] = range(length(table))
    for column, value in row_filter.items():
        wanted = set(map(str, value if isinstance(value, list) else [value]))
        rows = [i for i in rows if str(table[column][i]) in wanted]
    return take(table, rows)


def split_tables(table: Table, column: str) -> dict[str, Table]:
    """The rows by the split that `column` says; those of a split of another name are left out."""
    marks = [SPLIT_NAMES.get(str(mark).strip().lower()) for mark in table[column]]
    return {
        name: take(table, [i for i, mark in enumerate(marks) if mark == name])
        for name in dict.fromkeys(SPLIT_NAMES.values())
        if name in marks
    }


def take(table: Table, rows: Sequence[int]) -> Table:
    """The rows at these positions."""
    return {name: [values[i] for i in rows] for name, values in table.items()}


def _read_folders(folder: str, task: Task) -> Table:
    table = class_folders(folder, task)
    require_columns(table, needed_columns(task), folder)
    if not length(table):
        raise DataError(
            f"{folder} holds no pictures (seen from {Path.cwd()}). A folder for each label was expected, "
            f"with its pictures: {', '.join(task.labels)}"
        )
    return table


def _read_data_set(task: Task) -> dict[str, Table]:
    if not task.dataset_name:
        raise DataError(f"Task '{task.name}' names no data set. {GIVE_A_FILE}")
    if task.dataset_name in BUILT_IN:
        rows = BUILT_IN[task.dataset_name]()
        table = {name: [row[name] for row in rows] for name in rows[0]}
        require_columns(table, needed_columns(task), task.dataset_name)
        return {"train": table}
    return _read_hub(task.dataset_name, task)


def _read_hub(name: str, task: Task) -> dict[str, Table]:
    """The train, validation and test splits of a Hub data set (or of a folder in its layout)."""
    from datasets import load_dataset  # a second to import: only where it is needed
    from datasets.exceptions import DatasetsError

    try:
        found = load_dataset(name, task.dataset_config_name)
    except (OSError, ValueError, RuntimeError, DatasetsError) as error:
        raise DataError(
            f"The data set '{name}' could not be loaded from the Hugging Face Hub: {error}\n"
            f"Check the name and the connection to the internet, or do without. {GIVE_A_FILE}"
        ) from error
    if not any(SPLIT_NAMES.get(split) == "train" for split in found):
        raise DataError(f"The data set '{name}' has no split 'train'. Its splits: {', '.join(found)}.")
    return {
        SPLIT_NAMES[split]: _hub_table(part, task) for split, part in found.items() if split in SPLIT_NAMES
    }


def _hub_table(part: Any, task: Task) -> Table:
    """The needed columns; label numbers become names where the data set's names are the task's."""
    require_columns(part.features, needed_columns(task), str(task.dataset_name))
    pictures = {task.image_column_name} if task.reads_pictures else set()
    table: Table = part.select_columns([c for c in needed_columns(task) if c not in pictures]).to_dict()
    table |= {name: hub_pictures(part, name) for name in pictures}
    if task.label_column_name:
        feature = part.features[task.label_column_name]
        names = getattr(getattr(feature, "feature", feature), "names", [])
        if set(names) == set(task.labels):
            table[task.label_column_name] = [_named(i, names) for i in table[task.label_column_name]]
    return table


def _named(number: Any, names: Sequence[str]) -> Any:
    """The name of a label number, the names of a list of them."""
    if isinstance(number, list):
        return [_named(i, names) for i in number]
    return names[number] if number is not None and number >= 0 else None


def csv_frames(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """The rows of a CSV file, so many at a time; raises ValueError, OSError or pandas' ParserWarning."""
    # All strings, and no word such as "NA" or "null" taken for a missing value: it may be a text.
    options: Any = {"dtype": str, "keep_default_na": False, "index_col": False, "encoding": "utf-8-sig"}
    with pd.read_csv(path, chunksize=rows, **options) as frames:
        while True:
            with warnings.catch_warnings():  # rows longer than the header: an unquoted comma
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


def json_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, one by one; raises ValueError for a line that is none."""
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number}: {error}") from error
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object; one {{...}} on each line was expected")
            yield row


def _read_csv(path: Path) -> Table:
    frame = pd.concat(csv_frames(path, CSV_ROWS))
    return {str(name): frame[name].tolist() for name in frame}


def _read_json_lines(path: Path) -> Table:
    rows = list(json_rows(path))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(path: Path) -> Table:
    table: Table = parquet.read_table(path).to_pydict()
    return table


READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _read_csv,
    ".json": _read_json_lines,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".txt": read_attribute_list,
}
