"""A window counted by a Ray cluster of two workers is the window that one machine counts."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring import reading
from monitoring.__main__ import main
from monitoring.performance import labelled_items
from tests.monitoring_rows import DAY, lines, make_labels, make_reference, make_rows, same, with_buckets
from tests.test_monitoring_main import ENDS, log, rows_of_the_day

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[fleet]'")
fleet = pytest.importorskip("monitoring.fleet")

ROWS = with_buckets(make_rows(900, seed=1))
SCOPE = make_reference().scope(DAY, labelled_items(make_labels(ROWS[:9], 0.5)))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A head with two workers, open to whoever has the token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray-")  # short, for the sockets in it
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2"]
    command += [
        f"--port={port}",
        f"--temp-dir={folder}",
        "--include-dashboard=false",
        "--disable-usage-stats",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as head:
        try:
            assert head.stdout
            assert any("--block" in line for line in head.stdout), "Ray did not start"
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait(30)
            shutil.rmtree(folder)


@pytest.fixture
def cluster(address: str) -> Iterator[None]:
    fleet.connect(address)
    yield
    ray.shutdown()


def test_a_cluster_gives_the_result_of_one_machine(address: str, task_file: Path, tmp_path: Path) -> None:
    arguments = [str(task_file), *log(tmp_path, rows_of_the_day()), *ENDS]
    results = []
    try:
        for options in ([], ["--ray", address]):
            assert main([*arguments, *options]) == 0
            results.append(next(tmp_path.rglob("result.json")).read_bytes())
    finally:
        ray.shutdown()
    assert json.loads(results[0])["rows"]["judged"] == 300
    assert results[0] == results[1]


@pytest.mark.usefixtures("cluster")
def test_a_file_whose_worker_is_killed_counts_once(tmp_path: Path) -> None:
    plain, table, held = (tmp_path / f"requests-20261116T0{i}-host" for i in range(3))
    paths = [plain.with_suffix(".jsonl"), table.with_suffix(".parquet"), held.with_suffix(".jsonl")]
    paths[0].write_bytes(lines(ROWS[:300]))
    pq.write_table(pa.Table.from_pylist(ROWS[300:600]), paths[1])
    os.mkfifo(paths[2])  # its reader waits for us
    with ThreadPoolExecutor() as threads:
        found = threads.submit(fleet.tally_files, paths, SCOPE)
        with paths[2].open("wb", buffering=0) as pipe:
            pipe.write(lines(ROWS[600:700]))
            reader = reader_of(paths[2])
            reader.kill()
            reader.wait(20)
        paths[2].write_bytes(lines(ROWS[600:]))
        assert same(found.result(60), reading.tally_lines(lines(ROWS), SCOPE))


def reader_of(pipe: Path) -> psutil.Process:
    """The process that holds the pipe open, other than this one."""
    holders = set()
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # another user's process, or one that has ended
            if fd.readlink() == pipe:
                holders.add(int(fd.parts[2]))
    (reader,) = holders - {os.getpid()}
    return psutil.Process(reader)


@pytest.mark.usefixtures("cluster")
def test_a_worker_without_the_log_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(fleet.FleetError, match=r"no folder .*/elsewhere on \S+; mount the logs there too"):
        fleet.tally_files([tmp_path / "elsewhere" / "requests-20261116T00-host-1.jsonl"], SCOPE)


@pytest.mark.parametrize("typo", ["127.0.0.1:9", "127.0.0.1", "no-such-host:6379"])
def test_no_cluster_is_told_in_one_line(
    typo: str, task_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(task_file), *log(tmp_path, []), *ENDS, "--ray", typo]) == 1
    assert f"No Ray cluster at '{typo}'" in capsys.readouterr().err
