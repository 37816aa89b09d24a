"""The shipped schedules: what they start exists, and cron and systemd take them."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bentos.task import load_task
from monitoring.__main__ import parse

ROOT = Path(__file__).parents[1]
CRONTAB = ROOT / "deploy/monitoring/crontab"
UNITS = [ROOT / "deploy/monitoring" / f"touchstone-monitor.{kind}" for kind in ("service", "timer")]

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


def commands() -> dict[str, list[str]]:
    """By file, what follows `python -m monitoring`."""
    line = re.search(r"python -m monitoring (.*?) >>", CRONTAB.read_text())
    start = re.search(r"^ExecStart=\S+/python -m monitoring (.*)$", UNITS[0].read_text(), re.MULTILINE)
    assert line
    assert start
    return {
        "crontab": shlex.split(line[1]),
        "service": shlex.split(start[1]),
    }


@pytest.mark.parametrize("file", ["crontab", "service"])
def test_command_options_and_task_exist(file: str) -> None:
    arguments = parse(commands()[file])
    assert load_task(arguments.task).name == "sample-reviews"
    assert arguments.window == "1h"


def test_every_name_of_the_environment_is_read_somewhere() -> None:
    shipped = "".join(path.read_text() for path in [CRONTAB, *UNITS])
    names = set(re.findall(r"\b(?:TOUCHSTONE|BENTOML)_[A-Z_]+\b", shipped))
    sources = "".join(path.read_text() for path in [*ROOT.glob("monitoring/*.py"), *ROOT.glob("bentos/*.py")])
    assert {"TOUCHSTONE_LOGS", "TOUCHSTONE_WEBHOOK_URL", "TOUCHSTONE_WEBHOOK_SECRET", "BENTOML_HOME"} == names
    assert [name for name in names if f'"{name}"' not in sources] == []


def test_the_exit_codes_of_verdicts_do_not_fail_the_unit() -> None:
    codes = re.search(r"^SuccessExitStatus=(.*)$", UNITS[0].read_text(), re.MULTILINE)
    assert codes
    assert {int(code) for code in codes[1].split()} == {10, 11, 12, 20}


def test_the_crontab_has_one_line_that_cron_can_read() -> None:
    lines = [line for line in CRONTAB.read_text().splitlines() if re.match(r"[\d*]", line)]
    assert len(lines) == 1
    assert re.match(r"(\d+|\*)( (\d+|\*)){4}  \S", lines[0])
    assert "%" not in lines[0]  # cron's end of a line


@needs_systemd
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/srv/touchstone/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_timer_rings_after_each_hour() -> None:
    when = re.search(r"^OnCalendar=(.*)$", UNITS[1].read_text(), re.MULTILINE)
    assert when
    command = ["systemd-analyze", "calendar", "--iterations=2", when[1]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert len(re.findall(r":02:00 UTC", done.stdout)) >= 2
