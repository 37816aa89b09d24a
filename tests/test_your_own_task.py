"""docs/your-own-task.md, followed to the letter from its first file on: from a CSV file to an alarm."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.serving import ROOT, free_port

PAGE = (ROOT / "docs/your-own-task.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]*)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = ("service.py", "bentos", "train", "monitoring")


class Followed(NamedTuple):
    """What came of the page: its folder, and what its commands said before and after the service was up."""

    folder: Path
    training: str
    watching: str


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Every file of the page written, every command of it given, in order; its set-up is this environment."""
    folder, port = tmp_path_factory.mktemp("own-task"), free_port()
    for name in CODE:
        (folder / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BENTOML_HOME": str(folder / "home"),
        "BENTOML_PORT": str(port),
    }
    environment.pop("TOUCHSTONE_LOGS", None)
    blocks = FENCE.findall(PAGE.replace("localhost:3000", f"localhost:{port}"))
    for kind, title, text in blocks:
        if kind != "bash":
            (folder / title).write_text(text, "utf-8")
    given = [(title, text) for kind, title, text in blocks if kind == "bash" and not title.startswith("Once")]
    (second,) = (i for i, (title, _) in enumerate(given) if title)
    training = run("".join(text for _, text in given[:second]), folder, environment)
    with terminal(given[second][1], folder, environment):
        watching = run("".join(text for _, text in given[second + 1 :]), folder, environment)
    return Followed(folder, training, watching)


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What commands say; each must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def terminal(script: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Commands in a terminal of their own, until Ctrl-C."""
    with (folder / "second-terminal.txt").open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=30)


def test_a_model_is_stored(followed: Followed) -> None:
    assert re.search(r"Stored tickets-torch:\S+", followed.training)
    assert re.search(r"Stored tickets-onnx-int8:\S+", followed.training)


def test_the_service_knows_whose_ticket_it_is(followed: Followed) -> None:
    assert '[{"label":"technical"' in followed.watching.replace(" ", "")


def test_a_quiet_day_is_ok_and_the_change_an_alarm(followed: Followed) -> None:
    quiet, changed = followed.watching.split("DRIFT", 1)
    assert "OK" in quiet
    assert "Alarm: code 10" in changed


def test_both_kinds_of_report_are_there(followed: Followed) -> None:
    reports = followed.folder / "reports/tickets"
    assert list(reports.glob("*/report.html"))
    assert (reports / "index.html").is_file()
