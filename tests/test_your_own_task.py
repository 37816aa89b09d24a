"""docs/your-own-task.md, followed to the letter from its first file on: from a CSV file to an alarm."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving import ROOT, free_port

PAGE = (ROOT / "docs/your-own-task.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]*)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = ("service.py", "bentos", "train", "monitoring")


def test_the_page_leads_from_a_file_to_an_alarm(tmp_path: Path) -> None:
    """Every file of it written, every command given, in order; its set-up is this environment."""
    environment = prepare(tmp_path, port := free_port())
    blocks = FENCE.findall(PAGE.replace("localhost:3000", f"localhost:{port}"))
    for kind, title, text in blocks:
        if kind != "bash":
            (tmp_path / title).write_text(text, "utf-8")
    given = [(title, text) for kind, title, text in blocks if kind == "bash" and not title.startswith("Once")]
    (second,) = (i for i, (title, _) in enumerate(given) if title)
    training = run("".join(text for _, text in given[:second]), tmp_path, environment)
    assert re.search(r"Stored tickets-torch:\S+", training)
    assert re.search(r"Stored tickets-onnx-int8:\S+", training)
    with terminal(given[second][1], tmp_path, environment):
        watching = run("".join(text for _, text in given[second + 1 :]), tmp_path, environment)
    quiet, changed = watching.split("DRIFT", 1)
    assert quiet.lstrip().startswith('[{"label":"technical"')
    assert "]OK tickets-onnx-int8" in quiet
    assert "Alarm: code 10" in changed
    reports = tmp_path / "reports/tickets"
    assert list(reports.glob("*/report.html"))
    assert (reports / "index.html").is_file()


def prepare(folder: Path, port: int) -> dict[str, str]:
    """The project's code in the folder, and an environment in which everything stays there."""
    for name in CODE:
        (folder / name).symlink_to(ROOT / name)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BENTOML_HOME": str(folder / "home"),
        "BENTOML_PORT": str(port),
        "TOUCHSTONE_LOGS": "logs",
    }


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
