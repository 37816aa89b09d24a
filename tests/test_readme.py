"""The README stays true: its commands, file names and keys exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bentos.task import Task, make_task

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind in ("bash", "sh") for line in block.splitlines()]


def options_of(command: str) -> str:
    arguments = [sys.executable, "-m", *command.split(), "--help"]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True).stdout


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {m for line in COMMANDS for m in re.findall(r"\bmake ([a-z]+)", line)}
    assert used
    assert used <= targets


@pytest.mark.parametrize(
    "command",
    [
        "train",
        "train.evaluate",
        "train.promote",
        "train.retrain",
        "train.sample_corpus",
        "train.score",
        "monitoring",
        "monitoring audit",
        "monitoring acknowledge",
        "monitoring erase",
    ],
)
def test_every_option_of_our_commands_exists(command: str) -> None:
    shown = rf"python -m {re.escape(command)}(?! audit| acknowledge| erase)(\s|$)"
    lines = [line for line in COMMANDS if re.search(shown, line)]
    used = {option for line in lines for option in re.findall(r"\s(--[a-z-]+)", line)}
    assert lines, f"the README does not show python -m {command}"
    assert used <= set(re.findall(r"--[a-z-]+", options_of(command)))


def test_every_file_has_its_line() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    sources = [
        f for f in listed.stdout.split() if not f.startswith("tests/") and not f.endswith("__init__.py")
    ]
    missing = [f for f in sources if f"`{f}`" not in README]
    assert not missing


def test_every_file_named_exists() -> None:
    named = set(
        re.findall(r"`((?:bentos|train|monitoring|bench|deploy|tests|\.ci|\.github)/[\w./-]+)`", README)
    )
    assert named
    assert [f for f in named if not (ROOT / f).exists()] == []


def test_the_tasks_shown_are_valid() -> None:
    shown = [yaml.safe_load(block) for kind, block in BLOCKS if kind == "yaml" and "name:" in block]
    assert shown
    for values in shown:
        assert isinstance(make_task(values, "README"), Task)


def test_every_task_key_is_explained() -> None:
    keys = Task.__dataclass_fields__
    assert [key for key in keys if f"`{key}`" not in README and f"{key}:" not in README] == []


def test_every_settings_name_is_read_somewhere() -> None:
    names = set(re.findall(r"\b(TOUCHSTONE_[A-Z_]+)\b", README))
    sources = "".join(p.read_text() for p in [ROOT / "service.py", *ROOT.glob("*/*.py")])
    assert [name for name in names if name not in sources] == []


def test_overrides_shown_are_task_keys() -> None:
    pairs = {m for line in COMMANDS for m in re.findall(r"(?:--set |SET=\")([a-z_.]+)=", line)}
    sections = {"training", "serving", "monitoring", "row_filter"}
    fields = set(Task.__dataclass_fields__)
    assert [p for p in pairs if p.split(".")[0] not in fields | sections] == []
