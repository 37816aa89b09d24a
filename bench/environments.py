"""The peers' virtual environments, one each, below bench/.work/venvs."""

import subprocess
import sys
from pathlib import Path

from bench.full_size import WORK

VENVS = WORK / "venvs"
PINS = Path(__file__).parent / "peers"


def make_environment(peer: str) -> Path:
    """The peer's virtual environment with its pinned packages, made when absent or when the pins changed.

    Raises OSError or subprocess.TimeoutExpired when that fails.
    """
    folder, wanted = VENVS / peer, PINS / f"{peer}.txt"
    made = folder / wanted.name
    if made.is_file() and made.read_text() == wanted.read_text():
        return folder
    python = str(folder / "bin" / "python")
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        ["nice", "-n", "10", python, "-m", "pip", "install", "-q", "--no-input", "-r", str(wanted)],
    )
    for command in commands:
        done = subprocess.run(command, timeout=1800, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-1000:]}")
    made.write_text(wanted.read_text())
    return folder
