"""kill -9 of a worker under load: who notices, and for how long."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from bentos.log_reader import read_log
from tests.asking import Asking
from tests.serving import is_ready, serve, until, worker_of
from tests.test_service import metric

WRITTEN = 'touchstone_log_rows_written_total{kind="requests"'


@pytest.mark.parametrize(
    ("variant", "service"),
    [
        ("onnx-int8", "sample-reviews"),
        ("torch", "sample-reviews"),
        ("torch", "sample-reviews-runner"),
    ],
)
def test_a_killed_worker_comes_back_and_no_written_row_is_lost(
    store: Path, tmp_path: Path, variant: str, service: str
) -> None:
    arguments = ("--arg", "version=tiny", "--arg", f"variant={variant}")
    with serve(tmp_path, *arguments) as server, Asking(server.url) as asking:
        killed = worker_of(server, service)
        until(lambda: metric(server, WRITTEN) >= 20, server)
        os.kill(killed, signal.SIGKILL)
        down = time.monotonic()
        until(lambda: worker_of(server, service) not in (0, killed) and is_ready(server), server)
        up = time.monotonic()
        until(lambda: asking.since(up) >= 20, server)
        written = metric(server, WRITTEN)
        rows = [(row["request_id"], row["index"]) for row in read_log(server.logs / "sample-reviews").rows]

    assert len(rows) >= written
    assert max(Counter(rows).values()) == 1, "a request was answered twice"
    assert all(down - 30 < answer.sent < up for answer in asking.failed)
    assert {answer.status for answer in asking.answers} <= {200, 0, 503}
    assert len(asking.failed) <= 2 * asking.clients, "requests wait for the worker instead of failing"


def test_a_request_in_a_runner_that_is_killed_may_be_sent_again(store: Path, tmp_path: Path) -> None:
    with serve(tmp_path, "--arg", "version=tiny", "--arg", "variant=torch") as server:
        runner, url = worker_of(server, "sample-reviews-runner"), f"{server.url}/predict"
        httpx.post(url, json={"inputs": "the first"}, timeout=30)  # over a connection that the next one takes
        os.kill(runner, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(httpx.post, url, json={"inputs": "a text"}, timeout=30)
            time.sleep(1)  # time for it to arrive there
            os.kill(runner, signal.SIGKILL)
            response = asked.result()
    assert (response.status_code, response.headers.get("retry-after")) == (503, "1")
    assert "process that computes was lost" in response.json()["error"]


def test_the_end_may_come_while_workers_are_renewed(store: Path, tmp_path: Path) -> None:
    with serve(tmp_path, "--arg", "version=tiny", "--arg", "variant=torch") as server:
        supervisor = psutil.Process(server.process.pid)
        runner = worker_of(server, "sample-reviews-runner")
        os.kill(runner, signal.SIGKILL)
        until(lambda: worker_of(server, "sample-reviews-runner") not in (0, runner), server)
        workers = supervisor.children(recursive=True)
        supervisor.terminate()
        assert server.process.wait(60) == 0
        assert not psutil.wait_procs(workers, timeout=10)[1], "a worker is left behind"
