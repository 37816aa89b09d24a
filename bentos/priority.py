"""Who goes first where cores are scarce: the threads that answer, the lanes, and what has time."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

AUTOGROUP = Path("/proc/self/autogroup")
LOWEST = 19
MODEST = 10  # for a command that must end in a saturated machine too: at 19 it took minutes to import torch


def give_way(niceness: int) -> None:
    """Let other threads of this process go before this one; one that is further back already stays there."""
    if sys.platform == "linux":  # elsewhere niceness belongs to the whole process
        thread = threading.get_native_id()
        if niceness > os.getpriority(
            os.PRIO_PROCESS, thread
        ):  # less needs a right, and threads die without it
            os.setpriority(os.PRIO_PROCESS, thread, niceness)


def only_when_idle() -> None:
    """Let this process, and the threads that it will start, run only where a core has nothing else to do."""
    _lower_session(LOWEST)
    if sys.platform == "linux":
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(LOWEST)


def step_back() -> None:
    """Go on in a child process of modest priority; this process waits for it and ends as it does."""
    if child := os.fork():
        _end_like(child)
    os.setsid()
    _lower_session(MODEST)
    os.nice(MODEST)


def _lower_session(niceness: int) -> None:
    """For a process that leads a session: Linux compares niceness only within one (autogroups, sched(7))."""
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # there are no such groups
            AUTOGROUP.write_text(str(niceness), encoding="ascii")


def _end_like(child: int) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
