"""The log writer: each row is written once or counted, whatever fails."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bentos.log_reader import read_log
from bentos.log_writer import RequestLog
from tests.log_writing import Clock, files, indices, row, run, wait_for, writer


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


def test_many_large_rows_are_written_in_parts(tmp_path: Path) -> None:
    with writer(tmp_path, max_file_bytes=2**20) as log:
        for n in range(8):
            log.write(row(n, text="x" * 400_000))
    assert indices(tmp_path) == list(range(8))
    assert len(files(tmp_path)) >= 2


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
            wait_for(lambda: log.drops["disk"], n + 1)
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
            wait_for(lambda: log.drops["writer failed"], n + 1)
        clock.error = None
        log.write(row(3))
    assert indices(tmp_path) == [3]
    assert log.written + log.dropped == 4
    assert len(caplog.records) == 1
