"""The files of a log folder: rotation, retention, several writers, killed writers."""

import json
import os
import re
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bentos.log_reader import read_log
from bentos.log_writer import RequestLog
from tests.log_writing import NOON, Clock, files, indices, row, run, wait_for, writer


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
            wait_for(lambda: log.written, n + 1)
            wait_for(lambda: len(files(tmp_path, "*.gz")), n + 1)
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


def test_what_others_made_of_the_log_is_left_to_them(tmp_path: Path) -> None:
    made = tmp_path / "requests-20200101T09-elsewhere-1.parquet"
    made.write_bytes(b"PAR1")
    with writer(tmp_path, max_days=1, max_bytes=0) as log:
        log.write(row(1))
    assert files(tmp_path) == [made.name]
    assert read_log(tmp_path).torn_lines == 0


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
    assert found.torn_lines == 1
    with writer(tmp_path, clock=Clock(NOON)) as log:
        wait_for(lambda: not left.exists())
        log.write(row(lines))
    assert indices(tmp_path) == list(range(lines + 1))
    assert all(name.endswith(".gz") for name in files(tmp_path))


def test_a_reader_sees_each_written_row_once_at_any_moment(tmp_path: Path) -> None:
    with writer(tmp_path, max_file_bytes=5_000) as log:

        def feed() -> None:
            for n in range(2000):
                log.write(row(n))
                time.sleep(0.0005)

        feeder = threading.Thread(target=feed)
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
    (tmp_path / f"{plain.name}.tmp").write_bytes(b"half")
    with writer(tmp_path):
        wait_for(lambda: not plain.exists())
    assert files(tmp_path) == [f"{plain.name}.gz"]
    assert indices(tmp_path) == [1]
