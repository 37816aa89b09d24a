"""The log writer: each row once, whatever happens to the disk, the process or the folder."""

import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

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


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


def run(script: str, folder: Path) -> subprocess.Popen[str]:
    """A process of its own that writes to `folder`, which the script knows by this name."""
    start = (
        "import resource, sys, time\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from bentos.log_writer import RequestLog\nfolder = Path(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", start + script, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [row(n, probs=[0.1, 0.9], text="ü\n\x00\ud800😀", pair=None, ok=True) for n in range(100)]
    with writer(tmp_path) as log:
        for each in rows:
            log.write(each)
    assert read_log(tmp_path).rows == rows
    assert (log.written, log.dropped) == (100, 0)


def test_a_row_is_on_disk_without_closing(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        log.write(row(1))
        wait_for(lambda: log.written)
        assert indices(tmp_path) == [1]


def test_eight_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    with writer(tmp_path, max_file_bytes=20_000) as log, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.write(row(n)), range(8000)))
    assert indices(tmp_path) == list(range(8000))


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        log.write(row(1, probs=[float("nan"), float("inf"), 0.5], more={"entropy": -float("inf")}))
    (found,) = read_log(tmp_path).rows
    assert found["probs"] == [None, None, 0.5]
    assert found["more"] == {"entropy": None}


def test_a_row_that_is_no_json_is_dropped_alone_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with writer(tmp_path) as log:
        for n in range(10):
            log.write(row(n, bad=object()) if n % 2 else row(n))
    assert indices(tmp_path) == [0, 2, 4, 6, 8]
    assert log.drops["not JSON"] == log.dropped == 5
    assert len(caplog.records) == 1


def test_a_full_queue_drops_and_counts_without_waiting(tmp_path: Path) -> None:
    clock = Clock()
    clock.gate.clear()
    with writer(tmp_path, clock=clock, queue_rows=5) as log:
        assert clock.asked.wait(20)  # the writer is held from here
        for n in range(100):
            log.write(row(n))
        clock.gate.set()
    assert indices(tmp_path) == [0, 1, 2, 3, 4]
    assert log.drops["queue full"] == log.dropped == 95


def test_a_row_after_the_end_is_counted(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        pass
    log.write(row(1))
    log.close()
    assert log.drops["closed"] == 1
    assert files(tmp_path) == []


def test_close_says_when_it_could_not_finish(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    clock.gate.clear()
    log = RequestLog(tmp_path, clock=clock)
    log.close(timeout=0.01)
    clock.gate.set()
    assert "not finished" in caplog.text
    log.close()


def test_a_new_hour_begins_a_new_file_and_the_old_one_is_compressed(tmp_path: Path) -> None:
    clock = Clock()
    with writer(tmp_path, clock=clock) as log:
        log.write(row(1))
        wait_for(lambda: log.written)
        clock.now += timedelta(hours=1)
        wait_for(lambda: files(tmp_path, "*.gz"))  # without a further row
        log.write(row(2))
        wait_for(lambda: log.written == 2)
        names = files(tmp_path)
    host_and_pid = rf"[A-Za-z0-9._]+-{os.getpid()}"
    assert re.fullmatch(rf"requests-20261121T12-{host_and_pid}-[0-9a-f]{{8}}\.jsonl\.gz", names[0])
    assert re.fullmatch(rf"requests-20261121T13-{host_and_pid}-[0-9a-f]{{8}}\.jsonl", names[1])
    assert indices(tmp_path) == [1, 2]


def test_a_large_file_is_followed_by_another(tmp_path: Path) -> None:
    with writer(tmp_path, max_file_bytes=1000) as log:
        for n in range(3):
            log.write(row(n, text="x" * 2000))
            wait_for(lambda: log.written == n + 1)
            wait_for(lambda: len(files(tmp_path, "*.gz")) == n + 1)
    assert indices(tmp_path) == [0, 1, 2]


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "task"
    with writer(folder) as log:
        log.write(row(1))
        wait_for(lambda: log.written)
        (plain,) = folder.iterdir()
        assert plain.stat().st_mode & 0o777 == 0o600
    (packed,) = folder.iterdir()
    assert packed.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_files_past_their_days_are_deleted(tmp_path: Path) -> None:
    for days in (40, 20, 0):
        with writer(tmp_path, clock=Clock(NOON - timedelta(days=days))) as log:
            log.write(row(days))
    with writer(tmp_path, max_days=30):
        pass
    assert indices(tmp_path) == [0, 20]


def test_the_oldest_files_beyond_the_bytes_are_deleted(tmp_path: Path) -> None:
    for hours in (3, 2, 1):
        with writer(tmp_path, clock=Clock(NOON - timedelta(hours=hours))) as log:
            log.write(row(hours, text=os.urandom(2000).hex()))
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    with writer(tmp_path, max_bytes=2 * size):
        pass
    assert indices(tmp_path) == [1, 2]


def test_a_file_in_use_is_neither_deleted_nor_compressed_by_another(tmp_path: Path) -> None:
    with writer(tmp_path, clock=Clock(NOON - timedelta(days=50))) as old:
        old.write(row(1))
        wait_for(lambda: old.written)
        with writer(tmp_path, max_days=1, max_bytes=0):
            pass
        assert len(files(tmp_path, "*.jsonl")) == 1
        assert indices(tmp_path) == [1]


def test_kinds_do_not_touch_each_other(tmp_path: Path) -> None:
    with writer(tmp_path, "feedback") as log:
        log.write(row(1))
    with writer(tmp_path, max_bytes=0):
        pass
    assert len(read_log(tmp_path, "feedback").rows) == 1
    with pytest.raises(ValueError, match="lower-case letters"):
        RequestLog(tmp_path, "a-b")


def test_two_processes_in_one_folder_write_each_row_once(tmp_path: Path) -> None:
    script = (
        "log = RequestLog(folder, queue_rows=10**6, max_file_bytes=300_000)\n"
        "for n in range(20_000): log.write({'ts': '2026', 'index': n})\n"
        "log.close(); print(log.written)"
    )
    processes = [run(script, tmp_path) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["20000\n"] * 2
    assert indices(tmp_path) == sorted([*range(20_000)] * 2)


ENDLESS = (
    "log = RequestLog(folder, queue_rows=20_000, clock=lambda: datetime(2026, 11, 21, 9, tzinfo=UTC))\n"
    "n = 0\n"
    "while True:\n"
    "    if n - log.written < 10_000: log.write({'ts': '2026', 'index': n, 'text': 'x' * 500}); n += 1\n"
    "    else: time.sleep(0.001)\n"
)


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_after_a_kill_every_written_line_is_read_and_the_next_start_compresses(
    tmp_path: Path, delay: float
) -> None:
    process = run(ENDLESS, tmp_path)
    wait_for(lambda: any(path.stat().st_size for path in tmp_path.iterdir()))
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    (left,) = tmp_path.iterdir()
    lines = left.read_bytes().count(b"\n")
    with left.open("ab") as file:
        file.write(b'{"ts": "2026", "ind')  # at the worst, the kill cuts a line
    found = read_log(tmp_path)
    assert indices(tmp_path) == list(range(lines))
    assert found.torn_lines in (1, 2)  # 2: a cut line of the process itself, with ours behind it, is 1
    with writer(tmp_path, clock=Clock(NOON)) as log:
        wait_for(lambda: not left.exists())
        log.write(row(lines))
    assert indices(tmp_path) == list(range(lines + 1))
    assert all(name.endswith(".gz") for name in files(tmp_path))


FULL = (
    "def rows(*numbers):\n"
    "    before = log.written + log.dropped\n"
    "    for n in numbers: log.write({'ts': '2026', 'index': n, 'text': 'x' * 100})\n"
    "    while log.written + log.dropped < before + len(numbers): time.sleep(0.01)\n"
    "    print(log.written, log.drops['disk'], flush=True)\n"
    "log = RequestLog(folder)\n"
    "_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
    "rows(0, 1, 2)\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))\n"
    "rows(3, 4, 5, 6)\n"  # more than fits: a part of it reaches the file
    "rows(7)\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
    "rows(8, 9)\n"
    "log.close()\n"
)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file sizes here")
def test_on_a_full_disk_rows_are_counted_and_logging_resumes(tmp_path: Path) -> None:
    out, _ = run(FULL, tmp_path).communicate(timeout=60)
    assert out.split("\n") == ["3 0", "3 4", "4 4", "6 4", ""]
    assert indices(tmp_path) == [0, 1, 2, 7, 8, 9]
    assert read_log(tmp_path).torn_lines == 0


def test_a_full_disk_is_told_once_and_so_is_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    folder = tmp_path / "logs"
    with writer(folder) as log:
        folder.rmdir()
        folder.write_text("a file where the folder was")
        for n in range(3):
            log.write(row(n))
            wait_for(lambda: log.drops["disk"] == n + 1)
        folder.unlink()
        log.write(row(3))
        wait_for(lambda: log.written)
    assert indices(folder) == [3]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_a_deleted_file_is_replaced_by_a_new_one(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        log.write(row(1))
        wait_for(lambda: log.written)
        next(tmp_path.iterdir()).unlink()
        log.write(row(2))
    assert indices(tmp_path) == [2]


@pytest.mark.parametrize("error", [RuntimeError("no time"), SystemExit(1)])
def test_a_failing_writer_counts_says_so_once_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    clock = Clock()
    with writer(tmp_path, clock=clock) as log:
        clock.error = error
        for n in range(3):
            log.write(row(n))
            wait_for(lambda: log.drops["writer failed"] == n + 1)
        clock.error = None
        log.write(row(3))
    assert indices(tmp_path) == [3]
    assert log.written + log.dropped == 4
    assert len(caplog.records) == 1


def test_a_reader_sees_each_written_row_once_at_any_moment(tmp_path: Path) -> None:
    with writer(tmp_path, max_file_bytes=5_000) as log:
        feeder = threading.Thread(
            target=lambda: [log.write(row(n)) or time.sleep(0.0005) for n in range(2000)]
        )
        feeder.start()
        while feeder.is_alive():
            known = log.written
            seen = indices(tmp_path)
            assert seen == list(range(len(seen)))
            assert len(seen) >= known
        feeder.join(timeout=20)
    assert indices(tmp_path) == list(range(2000))


def test_a_compression_cut_by_a_kill_is_done_again(tmp_path: Path) -> None:
    plain = tmp_path / "requests-20261121T09-host-1-00ff.jsonl"
    plain.write_text(json.dumps(row(1)) + "\n")
    (tmp_path / f"{plain.name}.gz.tmp").write_bytes(b"half")
    with writer(tmp_path):
        wait_for(lambda: not plain.exists())
    assert files(tmp_path) == [f"{plain.name}.gz"]
    assert indices(tmp_path) == [1]
