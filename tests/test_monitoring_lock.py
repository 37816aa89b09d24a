"""One run at a time, held by processes of their own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitoring.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from monitoring.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_run_says_that_it_waited_in_vain(tmp_path: Path) -> None:
    message = r"Another run is writing into .*, for 0.2 s now"
    with holder(tmp_path), pytest.raises(TimeoutError, match=message), locked(tmp_path, wait=0.2):
        pytest.fail("both had the lock")


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        began = time.monotonic()
        with locked(tmp_path, wait=20):
            assert time.monotonic() - began < 10


def test_one_run_after_the_other(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "new", wait=0):
            assert (tmp_path / "new").is_dir()
