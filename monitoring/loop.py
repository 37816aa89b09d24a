"""`--loop`: each window judged a little after it has closed, until SIGTERM or SIGINT."""

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from monitoring.schedule import closes_next

STOP = {signal.SIGTERM, signal.SIGINT}
RETRY = timedelta(minutes=1)  # until what did not succeed is tried again
LOOK = 60.0  # seconds between two looks at the clock: it may be set, and machines sleep


def hold_signals() -> None:
    """From now on SIGTERM and SIGINT wait for a good moment: nothing is broken off half done."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)


def stopped() -> bool:
    """Whether one of them waits."""
    return bool(signal.sigpending() & STOP)


def loop(attempt: Callable[[], bool], length: timedelta, settle: timedelta) -> None:
    """Attempt at once, and then `settle` after each window's end; one that fails is tried again sooner."""
    while not stopped():
        due = closes_next(datetime.now(UTC) - settle, length) + settle
        if not attempt():
            due = min(due, datetime.now(UTC) + RETRY)
        if _signalled_before(due):
            return


def _signalled_before(due: datetime) -> bool:
    while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
        if signal.sigtimedwait(STOP, min(left, LOOK)):
            return True
    return False
