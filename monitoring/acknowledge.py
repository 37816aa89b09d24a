"""`python -m monitoring acknowledge TASK START`: a flagged window was ordinary after all."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bentos.task import TaskError, load_task
from monitoring.history import FILE, History
from monitoring.windows import WindowError, parse_time


def main(argv: Sequence[str]) -> int:
    """Call a judged window ordinary: from then on it counts among those that later ones are ranked with."""
    parser = argparse.ArgumentParser(prog="python -m monitoring acknowledge", description=main.__doc__)
    parser.add_argument("task", metavar="TASK", help="a name from bentos/tasks, or the path of a YAML file")
    parser.add_argument("start", metavar="START", help="when the window begins, an ISO time (UTC)")
    parser.add_argument("--out", type=Path, default="reports", metavar="DIR", help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        folder = arguments.out / load_task(arguments.task).name
        if not (folder / FILE).is_file():
            raise WindowError(f"No history in {folder}: judge windows by --window first, or give --out.")
        start = parse_time(arguments.start, datetime.now(UTC))
        History(folder).acknowledge(start)
    except (TaskError, WindowError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The window that begins at {start.isoformat()} is ordinary.")
    return 0
