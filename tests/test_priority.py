"""Low priority means it, whichever session a process is in, and does not change what a command tells."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.serving import ROOT

STEP_BACK = "import os, sys, time; from bentos.priority import step_back; step_back(); "
SHOW = "print(os.nice(0), os.getsid(0) == os.getpid(), os.getpid(), flush=True); time.sleep(60)"


def started(code: str, new_session: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STEP_BACK + code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of sessions is Linux's")
@pytest.mark.parametrize("new_session", [False, True])
def test_a_command_steps_back_in_a_session_of_its_own(new_session: bool) -> None:
    process = started(SHOW, new_session)
    assert process.stdout is not None
    niceness, leads, child = process.stdout.readline().split()
    autogroup = Path(f"/proc/{child}/autogroup")
    session = autogroup.read_text() if autogroup.exists() else "nice 10"
    process.send_signal(signal.SIGTERM)
    assert (niceness, leads, session.split()[-1]) == ("10", "True", "10")
    assert process.wait(30) != 0
    assert not psutil.pid_exists(int(child)), "the signal is handed on"


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_as_the_command_does(code: int) -> None:
    assert started(f"sys.exit({code})").wait(30) == code


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux")
def test_a_thread_in_a_niced_process_does_not_ask_for_more() -> None:
    code = "import os; from bentos.priority import give_way; os.nice(15); give_way(5); print(os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert int(done.stdout) >= 15
