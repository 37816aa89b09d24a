"""`--loop`: each window judged a little after it has closed, until SIGTERM or SIGINT."""

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from monitoring.schedule import closes_next

RETRY = timedelta(minutes=1)  # until what did not succeed is tried again
LOOK = 0.5  # seconds between two looks at clock and signals


class Stop:
    """Whether SIGTERM or SIGINT has come. They wait for a good moment: nothing is broken off half done."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, *_: object) -> None:
        self._asked = True


def loop(attempt: Callable[[], bool], stopped: Stop, length: timedelta, settle: timedelta) -> None:
    """Attempt at once, and then `settle` after each window's end; one that fails is tried again sooner."""
    while not stopped():
        due = closes_next(datetime.now(UTC) - settle, length) + settle
        if not attempt():
            due = min(due, datetime.now(UTC) + RETRY)
        while not stopped() and datetime.now(UTC) < due:
            time.sleep(LOOK)
