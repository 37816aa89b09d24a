"""What the processes of one `bentoml serve` know of each other when it ends.

Its supervisor starts one process per worker, in sessions of their own, and ends all of them at the same time
by SIGTERM, whatever signal it got itself.
"""

import fcntl
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

RUN_FILE = "TOUCHSTONE_RUN_FILE"  # the variable that names the file which the processes share


def prepare() -> None:
    """In the supervisor, before it starts workers: make the shared file, and listen to its signals.

    The file is in memory and lives as long as the supervisor, so that nobody has to clean up after it.
    """
    from tornado.ioloop import IOLoop  # only here: the workers have no use for it

    if sys.platform == "linux":
        os.environ[RUN_FILE] = f"/proc/{os.getpid()}/fd/{os.memfd_create('touchstone')}"
    IOLoop.current().add_callback(wrap_handlers)  # when its loop runs, its own handlers are in place


def wrap_handlers() -> None:
    """Come before the supervisor's own handlers of SIGINT and SIGTERM. SIGHUP only renews the workers."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(on_end, signal.getsignal(number)))
    signal.signal(signal.SIGCHLD, on_child)


def on_end(supervisors: Any, number: int, frame: FrameType | None) -> None:
    """Say that it is the end; hand Ctrl-C on as SIGINT, so that the workers leave without a drain time."""
    run_file().write_text("ending")
    if number == signal.SIGINT:
        for worker in psutil.Process().children():
            worker.send_signal(signal.SIGINT)
    if callable(supervisors):
        supervisors(number, frame)


def on_child(number: int, frame: FrameType | None) -> None:
    """Have a worker that was killed replaced at once: the supervisor itself looks every ten seconds.

    SIGHUP renews all workers, so this is for a single one; a worker that ends by itself is not renewed so.
    """
    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    killed = ended and ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED) and ended.si_status != signal.SIGTERM
    if killed and len(psutil.Process().children()) == 1 and not is_ending():
        os.kill(os.getpid(), signal.SIGHUP)


def is_ending() -> bool:
    """Whether the supervisor ends too, so that no other worker will follow this one."""
    return run_file().read_text() != ""


def run_file() -> Path:
    """The shared file; without a supervisor of ours one that is always empty and that nobody locks."""
    return Path(os.environ.get(RUN_FILE, os.devnull))


class Attendance:
    """Tells a runner whether API processes are left that may still need it: they hold the shared file locked.

    The kernel lets go for a process that has ended, however it ended.
    """

    def __init__(self) -> None:
        self._file = os.open(run_file(), os.O_RDONLY)

    def join(self) -> None:
        """Attend until this process ends."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def is_over(self) -> bool:
        """Whether nobody attends any more."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
