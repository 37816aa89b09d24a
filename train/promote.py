"""`python -m train.promote TAG`: put a version into production; running services follow in seconds."""

import argparse
import os
import sys
from collections.abc import Sequence

from bentos.priority import step_back

if __name__ == "__main__":
    step_back()  # for a service on this machine, and before the imports, which take a second

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

from rich.console import Console
from rich.table import Table

from bentos.model_store import ModelError, load_entry
from bentos.production import earlier_version, history, in_production, promote, roll_back
from bentos.runner import load_sound


def main(argv: Sequence[str] | None = None) -> int:
    """Move the production pointer of a task's variant, after the version has passed its self-check."""
    arguments = parse(argv)
    try:
        if arguments.rollback:
            move_back(arguments.tag)
        elif not arguments.history:
            move_to(arguments.tag)
        Console().print(history_table(arguments.tag.partition(":")[0]))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train.promote", description=main.__doc__)
    parser.add_argument("tag", metavar="TAG", help="TASK-VARIANT:VERSION; for the two options TASK-VARIANT")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--rollback", action="store_true", help="back to the version before this one")
    action.add_argument("--history", action="store_true", help="only show what was promoted")
    return parser.parse_args(argv)


def move_to(tag: str) -> None:
    """Promote a version; raises ModelError when it is absent, damaged, or computes something else here."""
    if ":" not in tag:
        raise ModelError(f"'{tag}' names no version. Give {tag}:VERSION, or {tag}:latest.")
    promote(checked(tag))


def move_back(tag: str) -> None:
    """Take the version in production back, when the one before it is sound; raises ModelError."""
    name = tag.partition(":")[0]
    checked(f"{name}:{earlier_version(name)}")
    roll_back(name)


def checked(tag: str) -> str:
    """The tag with its version; raises ModelError when the entry may not serve."""
    return load_sound(load_entry(tag)).entry.tag


def history_table(name: str) -> Table:
    """Every promotion of `<task>-<variant>`, the newest last."""
    promotion = in_production(name)
    table = Table(
        "version",
        "promoted",
        "rolled back",
        title=f"{name}: {promotion['version'] if promotion else 'nothing'} is in production",
    )
    for row in history(name):
        table.add_row(row["version"], row["promoted"], row["rolled_back"] or "")
    return table


if __name__ == "__main__":
    sys.exit(main())
