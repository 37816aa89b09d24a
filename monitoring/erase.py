"""`python -m monitoring erase TASK REQUEST_ID ...`: take requests out of the log, and off the reports."""

import argparse
import html
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bentos.log_erase import erase
from bentos.task import TaskError, load_task
from monitoring.windows import WindowError, log_folder


def main(argv: Sequence[str]) -> int:
    """Erase every row of these requests: answers, texts, labels, comparisons. A service may go on writing."""
    arguments = parse(argv)
    try:
        folder = log_folder(arguments.logs, load_task(arguments.task))
        rows, left = erase(folder, set(arguments.request_id))
        pages = delete_pages(arguments.out, arguments.request_id)
    except (TaskError, WindowError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for kind, count in rows.items():
        print(f"{count:,} {kind} rows erased")
    if not rows:
        print(f"No row of {', '.join(arguments.request_id)} is in {folder}.", file=sys.stderr)
    if pages:
        print("Deleted, for they named a request; run python -m monitoring again to have them without it:")
        print(*pages, sep="\n")
    if left:
        print(
            "Not searched, for they are damaged, or Parquet, which others make; see to them:", file=sys.stderr
        )
        print(*(folder / name for name in left), sep="\n", file=sys.stderr)
    return 0 if (rows or pages) and not left else 1


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m monitoring erase", description=main.__doc__)
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument("request_id", metavar="REQUEST_ID", nargs="+", help="the X-Request-ID of an answer")
    logs = os.environ.get("TOUCHSTONE_LOGS") or "logs"
    parser.add_argument("--logs", type=Path, default=logs, metavar="DIR", help="root; default: %(default)s")
    parser.add_argument("--out", type=Path, default="reports", metavar="DIR", help="default: %(default)s")
    return parser.parse_args(argv)


def delete_pages(reports: Path, request_ids: Sequence[str]) -> list[Path]:
    """Delete each page that names one of the requests, perhaps beside its text; which ones."""
    names = [name.encode() for one in request_ids for name in (one, html.escape(one))]
    found = []
    for path in sorted(reports.rglob("report.html")):
        page = path.read_bytes()
        if any(name in page for name in names):
            path.unlink(missing_ok=True)
            found.append(path)
    return found
