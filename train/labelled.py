"""Labels that came back, joined with the texts that they are of."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bentos.log_reader import Item, item_of, read_feedback, read_texts
from bentos.log_reader import Row as LogRow
from bentos.model_store import write_atomically
from bentos.task import Task
from train.data import Tally, usable_rows
from train.sources import DataError, length, read_file
from train.splits import Row

SOURCES = ("audit", "user")
TEXTS = ("text", "text_pair")
FILLED_COLUMNS = ("request_id", "index", "ts", "text", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # the audit puts an apostrophe before a text that begins so


@contextmanager
def kept_until_done(labels: Path) -> Iterator[None]:
    """Delete the gathered labels at the end, but not after a kill or Ctrl-C: the next run goes on with them.

    More labels may come back meanwhile, and with other rows the checkpoints would be of no use.
    """
    try:
        yield
    except Exception:
        labels.unlink(missing_ok=True)
        raise
    labels.unlink(missing_ok=True)


def gather(labels: Path, log_folder: Path, filled: Path | None, console: Console) -> None:
    """Write the labels that came back, unless a run that was interrupted has."""
    if labels.exists():
        since = datetime.fromtimestamp(labels.stat().st_mtime, UTC)
        console.print(
            f"Going on with the labels of {since:%Y-%m-%d %H:%M} UTC; delete {labels} to begin anew"
        )
    else:
        write_labelled(labels, log_folder, filled)


def write_labelled(path: Path, folder: Path, filled: Path | None) -> None:
    """Write the labels of a log folder, and of a filled audit file, as JSON lines that only we may read.

    Each line is a labelled item: text, text_pair, ts (of the answer), label, source; null what is not stored.
    Raises DataError where no label came back or the filled file is none.
    """
    rows = labelled_items(folder, filled)
    if not rows:
        raise DataError(
            f"No label came back in {folder}. Draw a sample to label: python -m monitoring audit TASK; give "
            "another root of the logs by --logs, or a filled audit file by --labelled FILE"
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, "".join(f"{json.dumps(row)}\n" for row in rows), mode=0o600)


def read_labelled(path: Path, task: Task) -> tuple[list[Row], dict[str, int]]:
    """The usable rows of what `write_labelled` wrote, `group` being the label's source; others by reason."""
    form = replace(
        task,
        text_column_names=TEXTS[: len(task.text_column_names)],
        label_column_name="label",
        timestamp_column_name="ts",
        group_column_name="source",
    )
    tally = Tally()
    rows = list(usable_rows(read_file(path), form, tally))
    return rows, {reason: count for reason, count in tally.counts.items() if count}


def labelled_items(folder: Path, filled: Path | None) -> list[LogRow]:
    """One row for each labelled item. An audit's label goes before a user's, the filled file before both."""
    given = read_filled(filled) if filled else {}
    labels = feedback_labels(folder) | {item: (row["label"], "audit") for item, row in given.items()}
    texts = {item: row for item, row in given.items() if row["text"]} | read_texts(folder, labels)
    return [
        {name: texts.get(item, {}).get(name) for name in (*TEXTS, "ts")} | {"label": label, "source": source}
        for item, (label, source) in labels.items()
    ]


def feedback_labels(folder: Path) -> dict[Item, tuple[str, str]]:
    """(label, source) of each item in the feedback log; an audit's before a user's."""
    rows = read_feedback(folder).rows
    return {
        item: (row["label"], source)
        for source in reversed(SOURCES)
        for row in rows
        if row.get("source") == source and isinstance(row.get("label"), str) and (item := item_of(row))
    }


def read_filled(path: Path) -> dict[Item, dict[str, Any]]:
    """The lines with a label of a filled audit file; raises DataError for a file of another form."""
    table = read_file(path)
    if missing := [name for name in FILLED_COLUMNS if name not in table]:
        raise DataError(
            f"{path} has no column {', '.join(missing)}. A filled file of python -m monitoring audit was "
            f"expected, with the columns {', '.join(FILLED_COLUMNS)}; text holds what was asked."
        )
    lines = [{name: values[i] for name, values in table.items()} for i in range(length(table))]
    return dict(_filled_item(line, path) for line in lines if str(line["label"] or "").strip())


def _filled_item(line: dict[str, Any], path: Path) -> tuple[Item, dict[str, Any]]:
    request_id, index = str(line["request_id"]).strip(), str(line["index"]).strip()
    if not request_id or not index.isdigit():
        raise DataError(
            f"{path} has a labelled line with request_id '{request_id}' and index '{index}'; give the file "
            "as the audit drew it, with labels"
        )
    texts = {name: _as_asked(str(line.get(name) or "")) for name in TEXTS}
    return (request_id.removeprefix("'"), int(index)), {**line, **texts}


def _as_asked(cell: str) -> str:
    """A text without the apostrophe that kept a spreadsheet from computing it."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell
