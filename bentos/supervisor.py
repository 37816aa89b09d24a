"""What the processes of one `bentoml serve` know of each other when it ends.

Its supervisor starts one process per worker, in sessions of their own, and ends all of them at the same time
by SIGTERM, whatever signal it got itself.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

import psutil

RUN_FILE = "TOUCHSTONE_RUN_FILE"  # the variable that names the file which the processes share
AGAIN = 1.0  # seconds; while it renews workers, the supervisor is deaf to the end

Later = Callable[[float, Callable[[], None]], None]  # calls after so many seconds


def prepare(patience: float) -> None:
    """In the supervisor, before it starts workers: make the shared file, and listen to its signals.

    The file is in memory and lives as long as the supervisor, so that nobody has to clean up after it.
    A SIGTERM ends the supervisor when its API processes have ended, after `patience` seconds at the latest.
    """
    from tornado.ioloop import IOLoop  # only here: the workers have no use for it

    if sys.platform == "linux":
        os.environ[RUN_FILE] = f"/proc/{os.getpid()}/fd/{os.memfd_create('touchstone')}"
    loop = IOLoop.current()  # when it runs, the supervisor's own handlers are in place
    later = partial(loop.add_callback_from_signal, loop.call_later)
    loop.add_callback(lambda: Ending(patience, later).listen())


class Ending:
    """Comes before the supervisor's own handlers of SIGINT and SIGTERM. SIGHUP only renews the workers.

    The supervisor's first act at SIGTERM is to delete the sockets on which its processes meet. It therefore
    hears of it only when no API process is left: until then they may have to reach their runner. It is told
    until it has ended, and so are its workers, because one that it renews meanwhile has heard of nothing.
    """

    def __init__(self, patience: float, later: Later) -> None:
        self._patience, self._later, self._attendance = patience, later, Attendance()
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def listen(self) -> None:
        """Take the signals over."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGCHLD, self._on_child)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Hand Ctrl-C on as SIGINT, so that the workers leave without a drain time."""
        tell_workers(signal.SIGINT)
        self._tell(signal.SIGINT, time.monotonic())

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        tell_workers(signal.SIGTERM)
        self._tell(signal.SIGTERM, time.monotonic() + self._patience)

    def _on_child(self, number: int, frame: FrameType | None) -> None:
        """Have a worker that was killed replaced at once: the supervisor itself looks every ten seconds.

        SIGHUP renews all workers, each beside the one before it. One that computes only when idle, a shadow,
        is not worth that.
        """
        if is_ending():
            if self._attendance.is_over():
                self._end(signal.SIGTERM)
        elif was_killed():
            os.kill(os.getpid(), signal.SIGHUP)

    def _tell(self, number: signal.Signals, deadline: float) -> None:
        if self._attendance.is_over() or time.monotonic() >= deadline:
            self._end(number)
        self._later(AGAIN, partial(self._tell_again, number, deadline))

    def _tell_again(self, number: signal.Signals, deadline: float) -> None:
        tell_workers(signal.SIGTERM)
        self._tell(number, deadline)

    def _end(self, number: signal.Signals) -> None:
        handler = self._handlers[number]
        if callable(handler):
            handler(number, None)


def tell_workers(number: signal.Signals) -> None:
    """Say that it is the end."""
    run_file().write_text("ending")
    for worker in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # ended meanwhile
            worker.send_signal(number)


def was_killed() -> bool:
    """Whether a worker that answers has ended by a signal, but for SIGTERM."""
    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if not ended or ended.si_code not in (os.CLD_KILLED, os.CLD_DUMPED):
        return False
    return ended.si_status != signal.SIGTERM and not is_idle_only(ended.si_pid)


def is_idle_only(pid: int) -> bool:
    """Whether the process, which may have ended but must not have been waited for, has idle priority."""
    return sys.platform == "linux" and os.sched_getscheduler(pid) == os.SCHED_IDLE


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
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return True
