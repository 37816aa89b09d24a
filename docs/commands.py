"""The commands: what each says of itself, make's targets, the service's arguments and the exit codes."""

import importlib
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from docs.keys import arguments
from docs.tables import code, fence, table
from monitoring.judge import EXIT_CODES

ROOT = Path(__file__).parents[1]
WIDTH = 78  # characters of a line of help

INTRODUCTION = """# Commands

What each command says of itself by `--help`. `python`, `bentoml` and `torchrun` are those of the environment
(`source .venv/bin/activate`).

"""
SERVE = """
## bentoml serve

`bentoml serve service:svc --arg key=value` for each of these; `bentoml serve` has more options of its own
(`bentoml serve --help`).

"""
CODES = """
## Exit codes

Of `python -m monitoring`: the code of the gravest verdict among those that `--fail-on` names. Of every
command: 1 when it could not do its work, 2 for wrong arguments.

"""


def page() -> str:
    """reference/commands.md."""
    helps = [(prog(text), text) for text in map(help_of, mains())]
    parts = [INTRODUCTION, "## make\n\n", table(("target", "what it does"), make_targets())]
    parts += [f"\n## {name}\n\n{fence(text)}" for name, text in sorted(helps)]
    return "".join([*parts, SERVE, arguments(), CODES, exit_codes()])


def mains() -> Iterator[Callable[[list[str]], Any]]:
    """The `main` of every module of training and monitoring that reads arguments."""
    for path in sorted([*ROOT.glob("train/*.py"), *ROOT.glob("monitoring/*.py")]):
        if "ArgumentParser(" in path.read_text("utf-8"):
            yield importlib.import_module(f"{path.parent.name}.{path.stem}").main


def help_of(main: Callable[[list[str]], Any]) -> str:
    """What a command prints for --help."""
    said = io.StringIO()
    with width(WIDTH), redirect_stdout(said), suppress(SystemExit):
        main(["--help"])
    return said.getvalue()


def prog(text: str) -> str:
    """The command that a help is about."""
    found = re.match(r"usage: (python -m [\w.]+(?: [a-z]+)?)", text)
    assert found, f"no usage in {text!r}"
    return found[1]


def make_targets() -> list[tuple[str, str]]:
    """Of the Makefile, those with a description."""
    found = re.findall(r"^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return [(code(f"make {name}"), text) for name, text in found]


def exit_codes() -> str:
    """Every verdict, as the README explains it."""
    readme = (ROOT / "README.md").read_text("utf-8")
    told = dict(re.findall(r"^\| ([A-Z]+) \| \d+ \| (.*) \|$", readme, re.MULTILINE))
    return table(("verdict", "exit code", ""), [(v, str(c), told[v]) for v, c in EXIT_CODES.items()])


@contextmanager
def width(columns: int) -> Iterator[None]:
    """argparse breaks lines at $COLUMNS."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
