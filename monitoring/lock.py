"""One run of a task at a time: a lock that the kernel frees however the run ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "lock"
WAIT = 60.0  # seconds for the other run
POLL = 0.1


@contextmanager
def locked(folder: Path, wait: float = WAIT) -> Iterator[None]:
    """Hold the lock of a task's folder; raises TimeoutError when another run keeps it for `wait` seconds."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / FILE).open("a") as file:
        deadline = time.monotonic() + wait
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Another run is writing into {folder}, for {wait:g} s now: try again when it is done."
                )
            time.sleep(POLL)
        yield


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
