"""Low priority means it, whichever session a process is in, and does not change what a command tells."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.serving import ROOT

STEP_BACK = "import os, sys, time; from bentos.priority import step_back; step_back(); "
SHOW = (
    "print(os.sched_getscheduler(0) == os.SCHED_IDLE, os.getsid(0) == os.getpid(), os.getpid(), flush=True);"
    # Not one long sleep: a signal just before it would leave coverage's handler uncalled.
    "[time.sleep(0.1) for _ in range(600)]"
)


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
    idle, leads, child = process.stdout.readline().split()
    autogroup = Path(f"/proc/{child}/autogroup")
    session = autogroup.read_text() if autogroup.exists() else "nice 19"
    process.send_signal(signal.SIGTERM)
    assert (idle, leads, session.split()[-1]) == ("True", "True", "19")
    assert process.wait(30) != 0
    assert not psutil.pid_exists(int(child)), "the signal is handed on"


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_as_the_command_does(code: int) -> None:
    assert started(f"sys.exit({code})").wait(30) == code


@pytest.mark.skipif(sys.platform != "linux", reason="idle priority is Linux's")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may raise a priority")
def test_what_takes_long_does_not_wait_for_an_idle_core_for_ever() -> None:
    code = "import bentos.priority as p; p.PATIENCE = 1; p.step_back(); import time\n"
    code += "while p.os.sched_getscheduler(0): time.sleep(0.05)\nprint(p.os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "10"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux")
def test_a_thread_in_a_niced_process_does_not_ask_for_more() -> None:
    code = "import os; from bentos.priority import give_way; os.nice(15); give_way(5); print(os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert int(done.stdout) >= 15
