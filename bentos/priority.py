"""Who goes first where cores are scarce: the threads that answer, the lanes, and what has time."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

LOWEST = 19
MODEST = 10  # for a command that must end in a saturated machine too: at 19 it took minutes to import torch
PATIENCE = 10  # seconds in which a command may find a core idle
AWAITED = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD)  # while the child runs


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
    _set_session(os.getpid(), LOWEST)
    if sys.platform == "linux":
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(LOWEST)


def step_back() -> None:
    """Go on in a child process; this process waits for it and ends as it does.

    The child runs when a core has nothing else to do: with any niceness the p99 of a service beside it rose
    by a third, because Linux lets a thread have its slice before one that wakes up. What takes longer than
    `PATIENCE` has modest priority from then on, where this process may give it that (CAP_SYS_NICE).
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored, as this is at first, need not wait
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    if child := os.fork():
        _end_like(child)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
    os.setsid()
    only_when_idle()


def _hurry(child: int) -> None:
    with suppress(OSError):  # without the right, or it has ended
        _set_session(child, MODEST)
        for thread in Path(f"/proc/{child}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
            os.setpriority(os.PRIO_PROCESS, int(thread.name), MODEST)


def _set_session(leader: int, niceness: int) -> None:
    """Where `leader` leads a session: Linux compares niceness only within one (autogroups, sched(7))."""
    if os.getsid(leader) == leader:
        with suppress(OSError):  # there are no such groups
            Path(f"/proc/{leader}/autogroup").write_text(str(niceness), encoding="ascii")


def _end_like(child: int) -> NoReturn:
    """Wait for the child, hand signals on. They are blocked: a handler's could come just before the wait."""
    if sys.platform == "linux":
        signal.alarm(PATIENCE)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        number = signal.sigwait(AWAITED)
        if number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child, number)
        if number != signal.SIGCHLD:
            _hurry(child)  # to end takes a core too
    sys.exit(os.waitstatus_to_exitcode(ended[1]))
