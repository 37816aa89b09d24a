"""Labelled pictures as tables: class folders, CelebA's list of attributes, file names in a table, the Hub."""

from functools import partial
from pathlib import Path
from typing import Any

from bentos.task import Task

Table = dict[str, list[Any]]

SIGNS = {"-1": 0, "1": 1}  # CelebA's no and yes


def class_folders(folder: str | Path, task: Task) -> Table:
    """Every file below `folder` that is not hidden, its label the name of the folder right below it."""
    root = Path(folder)
    files = [path for path in sorted(root.glob("*/**/*")) if path.is_file()]
    shown = [p for p in files if not any(part.startswith(".") for part in p.relative_to(root).parts)]
    labels = [path.relative_to(root).parts[0] for path in shown]
    return {
        task.image_column_name: [path.read_bytes for path in shown],
        **dict.fromkeys(task.label_column_names, labels),
    }


def located(table: Table, folder: str | Path, task: Task) -> Table:
    """The table with the files that its image column names in `folder`; labels of -1 and 1 as 0 and 1."""
    paths = [Path(folder, str(name)) if name else None for name in table[task.image_column_name]]
    return {
        **table,
        task.image_column_name: [path.read_bytes if path else None for path in paths],
        **{name: without_signs(table[name]) for name in task.label_column_names if name in table},
    }


def without_signs(labels: list[Any]) -> list[Any]:
    """CelebA's labels as 0 and 1, others as they are."""
    signed = set(map(str, labels)) == SIGNS.keys()
    return [SIGNS[str(label)] for label in labels] if signed else labels


def hub_pictures(part: Any, column: str) -> list[Any]:
    """The pictures of a column of a `datasets.Dataset`, to be read one by one."""
    from datasets import Image

    files = part.select_columns([column]).cast_column(column, Image(decode=False))
    return [partial(_hub_bytes, files, column, i) for i in range(len(files))]


def read_attribute_list(path: Path) -> Table:
    """CelebA's `list_attr_celeba.txt`: a number of rows, the attributes, then file names, each with -1 or 1s.

    The column of the file names is `image_id`, as in its CSV form. Raises ValueError for another content.
    """
    count, names, *lines = path.read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    columns = ["image_id", *names.split()]
    if not count.strip().isdigit() or any(len(row) != len(columns) for row in rows):
        raise ValueError("it is not CelebA's list of attributes (a number, a line of names, then rows)")
    return {name: [row[i] for row in rows] for i, name in enumerate(columns)}


def _hub_bytes(files: Any, column: str, index: int) -> bytes:
    value: dict[str, Any] = files[index][column]
    return value["bytes"] or Path(value["path"]).read_bytes()
