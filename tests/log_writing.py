"""What the tests of the request log share: a clock, a writer, rows, processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bentos.log_reader import read_log
from bentos.log_writer import RequestLog

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


class Clock:
    """A clock that stands, can be set, and can be held."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.error: BaseException | None = None
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> datetime:
        self.asked.set()
        assert self.gate.wait(30)
        if self.error:
            raise self.error
        return self.now


@contextmanager
def writer(folder: Path, kind: str = "requests", **settings: Any) -> Iterator[RequestLog]:
    log = RequestLog(folder, kind, **{"clock": Clock(), "queue_rows": 10**6, **settings})
    try:
        yield log
    finally:
        log.close(timeout=30)


def row(index: int, ts: str = "2026-11-21T12:30:00.000000Z", **values: Any) -> dict[str, Any]:
    return {"ts": ts, "index": index, **values}


def indices(folder: Path) -> list[int]:
    return sorted(row["index"] for row in read_log(folder).rows)


def files(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def wait_for(value: Callable[[], object], expected: object = None, seconds: float = 20) -> None:
    """Wait until the value is as expected, or just true."""
    end = time.monotonic() + seconds
    while not (value() == expected if expected is not None else value()):
        assert time.monotonic() < end, f"{value()} after {seconds} s"
        time.sleep(0.01)


def run(script: str, folder: Path) -> subprocess.Popen[str]:
    """A process of its own that writes to `folder`, which the script knows by this name."""
    start = (
        "import resource, sys, time\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from bentos.log_writer import RequestLog\nfolder = Path(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", start + script, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
