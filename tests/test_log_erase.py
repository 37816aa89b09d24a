"""Erasing requests from log files in every state: they are gone, and every other row is there."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bentos.log_erase import erase
from bentos.log_files import claim, compress, temporary_of
from bentos.log_reader import read_log
from tests.log_writing import NOON, Clock, files, row, wait_for, writer

NAME = "requests-20261121T09-host-1-00ff.jsonl"


def put(path: Path, rows: list[dict[str, object]], end: str = "") -> Path:
    data = ("".join(f"{json.dumps(one)}\n" for one in rows) + end).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def requests(n: int, **values: object) -> list[dict[str, object]]:
    """One row for each of `r0` to `r<n-1>`."""
    return [row(i, request_id=f"r{i}", **values) for i in range(n)]


def long_rows(n: int) -> list[dict[str, object]]:
    """The same with texts that take longer to compress than to search."""
    return [one | {"text": os.urandom(100_000).hex()} for one in requests(n)]


def ids(folder: Path, kind: str = "requests") -> list[str]:
    return [one["request_id"] for one in read_log(folder, kind).rows]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_rows_are_gone_and_the_others_as_they_were(tmp_path: Path, suffix: str) -> None:
    rows = requests(100, text='"request_id":"r7" and r7')
    path = put(tmp_path / f"{NAME}{suffix}", rows)
    assert erase(tmp_path, {"r7", "r99", "absent"}) == (Counter(requests=2), [])
    found = read_log(tmp_path)
    assert found.rows == [one for one in rows if one["request_id"] not in ("r7", "r99")]
    assert (found.torn_lines, found.foreign_lines) == (0, 0)
    assert files(tmp_path) == [path.name]


def test_a_compressed_file_written_anew_is_private(tmp_path: Path) -> None:
    path = put(tmp_path / f"{NAME}.gz", requests(2))
    erase(tmp_path, {"r0"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_kind_is_searched_and_counted(tmp_path: Path) -> None:
    for kind in ("requests", "texts", "feedback", "shadow"):
        put(tmp_path / NAME.replace("requests", kind), requests(3) + requests(2))
    assert erase(tmp_path, {"r0"})[0] == {"requests": 2, "texts": 2, "feedback": 2, "shadow": 2}
    assert ids(tmp_path, "texts") == ["r1", "r2", "r1"]


@pytest.mark.parametrize("request_id", ["a", 'quo"te', "back\\slash", "a.*b", "ü"])
def test_an_id_is_taken_as_it_is(tmp_path: Path, request_id: str) -> None:
    others = ["aa", "a.*bc", "A", "", "ab"]
    put(tmp_path / NAME, [row(i, request_id=one) for i, one in enumerate([request_id, *others])])
    assert erase(tmp_path, {request_id})[0] == {"requests": 1}
    assert ids(tmp_path) == others


def test_a_row_that_names_the_request_elsewhere_stays(tmp_path: Path) -> None:
    put(tmp_path / NAME, [row(0, request_id="r1", tags={"request_id": "r0"}), row(1, text="r0")])
    assert erase(tmp_path, {"r0"}) == (Counter(), [])
    assert len(read_log(tmp_path).rows) == 2


def test_what_a_kill_has_left_of_a_row_goes_too(tmp_path: Path) -> None:
    path = put(tmp_path / NAME, requests(2), end='{"ts":"2026","request_id":"r0","text":"my se')
    assert erase(tmp_path, {"r0"})[0] == {"requests": 2}
    assert b"my se" not in path.read_bytes()
    assert read_log(tmp_path).torn_lines == 0


def test_a_file_that_is_being_written_is_erased_at_once_and_goes_on(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        for one in requests(10):
            log.write(one)
        wait_for(lambda: log.written, 10)
        assert erase(tmp_path, {"r3", "r9"})[0] == {"requests": 2}
        assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
        assert ids(tmp_path) == [f"r{i}" for i in range(9) if i != 3]
        log.write(row(10, request_id="r10"))
    assert ids(tmp_path) == [f"r{i}" for i in range(11) if i not in (3, 9)]
    assert read_log(tmp_path).torn_lines == 0


def test_a_line_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        log.write(row(0, request_id="r0"))
        wait_for(lambda: log.written)
        (path,) = tmp_path.iterdir()
        with path.open("ab", buffering=0) as file:
            file.write(b'{"ts":"2026","request_id":"r1",')
            done: list[object] = []
            eraser = threading.Thread(target=lambda: done.append(erase(tmp_path, {"r1"})))
            eraser.start()
            eraser.join(0.2)
            assert eraser.is_alive()
            file.write(b'"text":"late"}\n')
            eraser.join(20)
    assert done == [(Counter(requests=1), [])]
    assert ids(tmp_path) == ["r0"]


def test_a_compression_under_way_does_not_keep_the_rows(tmp_path: Path) -> None:
    path = put(tmp_path / NAME, long_rows(200))
    compressor = threading.Thread(target=compress, args=(path,))
    compressor.start()
    wait_for(temporary_of(path).exists)
    assert erase(tmp_path, {"r0", "r199"})[0] == {"requests": 2}
    compressor.join(60)
    assert files(tmp_path) == [f"{NAME}.gz"]
    assert ids(tmp_path) == [f"r{i}" for i in range(1, 199)]


def test_a_compressed_file_that_another_holds_is_waited_for(tmp_path: Path) -> None:
    path = put(tmp_path / f"{NAME}.gz", requests(2))
    file = claim(path)  # as who deletes old files does
    assert file is not None
    with file:
        eraser = threading.Thread(target=erase, args=(tmp_path, {"r0"}))
        eraser.start()
        eraser.join(0.2)
        assert eraser.is_alive()
        path.unlink()
    eraser.join(20)
    assert files(tmp_path) == []


def test_a_file_in_both_forms_is_erased_in_both_and_counted_once(tmp_path: Path) -> None:
    for suffix in ("", ".gz"):  # a kill between the last two steps of a compression
        put(tmp_path / f"{NAME}{suffix}", requests(5))
    assert erase(tmp_path, {"r2"})[0] == {"requests": 1}
    (tmp_path / f"{NAME}.gz").unlink()
    assert ids(tmp_path) == ["r0", "r1", "r3", "r4"]


def test_the_rest_of_a_killed_compression_goes(tmp_path: Path) -> None:
    put(temporary_of(put(tmp_path / NAME, requests(2))), requests(2))
    erase(tmp_path, {"r0"})
    assert files(tmp_path) == [NAME]


def test_while_a_service_writes_rotates_and_compresses_no_other_row_is_lost(tmp_path: Path) -> None:
    n, erased = 20_000, Counter[str]()
    with writer(tmp_path, max_file_bytes=100_000) as log:

        def feed() -> None:
            for i in range(n):
                log.write(row(i, request_id=f"r{i}"))
                if i % 100 == 0:
                    time.sleep(0.005)

        feeder = threading.Thread(target=feed)
        feeder.start()
        gone = set[str]()
        while feeder.is_alive():
            newest = log.written - 1
            chosen = {f"r{i}" for i in (newest, newest // 2) if i >= 0} - gone
            erased += erase(tmp_path, chosen)[0]
            gone |= chosen
    assert len(gone) > 10
    assert erased == {"requests": len(gone)}
    assert Counter(ids(tmp_path)) == Counter({f"r{i}" for i in range(n)} - gone)
    assert read_log(tmp_path).torn_lines == 0


def test_a_run_that_was_killed_has_lost_nothing_and_is_repeated(tmp_path: Path) -> None:
    path = put(tmp_path / f"{NAME}.gz", long_rows(100))
    script = "import sys; from pathlib import Path; from bentos.log_erase import erase; "
    script += "erase(Path(sys.argv[1]), {'r5'})"
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[1])
    wait_for(temporary_of(path).exists)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert ids(tmp_path) == [f"r{i}" for i in range(100)]
    assert erase(tmp_path, {"r5"})[0] == {"requests": 1}
    assert ids(tmp_path) == [f"r{i}" for i in range(100) if i != 5]
    assert files(tmp_path) == [path.name]


def test_the_rest_of_a_killed_run_goes_with_its_file(tmp_path: Path) -> None:
    put(temporary_of(put(tmp_path / f"{NAME}.gz", requests(2))), requests(2))
    with writer(tmp_path, clock=Clock(NOON + timedelta(days=100)), max_days=90):
        wait_for(lambda: files(tmp_path) == [])


def test_a_damaged_file_is_named_and_stays(tmp_path: Path) -> None:
    path = put(tmp_path / f"{NAME}.gz", requests(5000))
    path.write_bytes(path.read_bytes()[:-1000])
    put(tmp_path / NAME.replace("T09", "T10"), requests(1))
    before = path.read_bytes()
    assert erase(tmp_path, {"r0"}) == (Counter(requests=1), [path.name])
    assert path.read_bytes() == before
