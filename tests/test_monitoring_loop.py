"""`--loop` in processes of their own: window after window, until a signal."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.watched import NAME, log, results

EVERY_TWO_SECONDS = """
import sys
from datetime import UTC, datetime, timedelta
from monitoring.loop import Stop, loop
def attempt():
    print(datetime.now(UTC).timestamp(), flush=True)
    return True
loop(attempt, Stop(), timedelta(seconds=2), timedelta(seconds=0.3))
"""


def test_each_window_has_its_attempt_after_it_has_settled() -> None:
    command = [sys.executable, "-c", EVERY_TWO_SECONDS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        moments = [float(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    windows = [int((moment - 0.3) // 2) for moment in moments[1:]]
    assert len(set(windows)) == 2
    assert all(moment % 2 >= 0.3 for moment in moments[1:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_when_the_run_is_whole(
    number: signal.Signals, task_file: Path, tmp_path: Path
) -> None:
    folders = log(tmp_path, [])
    command = [sys.executable, "-m", "monitoring", str(task_file), *folders]
    command += ["--window", "1d", "--loop", "--serve", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = str(re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stdout.readline())[0])  # type: ignore[index]
        wait_for(url, f'touchstone_monitor_verdict{{task="{NAME}",verdict="INSUFFICIENT"}} 1.0')
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert [result["verdict"] for result in results(tmp_path)] == ["INSUFFICIENT"]
    assert (tmp_path / "reports" / NAME / "index.html").is_file()


def test_what_fails_later_is_told_and_the_loop_goes_on(task_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "monitoring", str(task_file), "--logs", str(tmp_path / "none")]
    command += ["--out", str(tmp_path), "--window", "1d", "--loop"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("No log folder")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_users_mistake_ends_it_at_once(task_file: Path) -> None:
    command = [sys.executable, "-m", "monitoring", str(task_file), "--window", "hourly", "--loop"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("'hourly' is no length of time")


def wait_for(url: str, line: str) -> None:
    deadline = time.monotonic() + 60
    while line not in urllib.request.urlopen(url, timeout=5).read().decode().splitlines():
        assert time.monotonic() < deadline, f"{url} never said {line}"
        time.sleep(0.1)
