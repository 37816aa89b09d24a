"""Idle connections: none is closed under a client that uses it again."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from bentos.keep_alive import SHIPPED
from tests.serving import Server, serve, worker_of
from tests.test_drain import connect, predict
from tests.test_service import TEXT

LONGER = SHIPPED + 1.0  # seconds


def test_a_connection_may_idle_for_longer_than_bentoml_lets_it(server: Server) -> None:
    connection = connect(server)
    predict(connection)
    time.sleep(LONGER)
    assert predict(connection).status == 200


def test_a_time_that_the_user_gives_holds(store: Path, tmp_path: Path) -> None:
    with serve(tmp_path, "--arg", "version=tiny", "--timeout-keep-alive", "1") as server:
        connection = connect(server)
        predict(connection)
        time.sleep(2)
        with pytest.raises(ConnectionError):
            predict(connection)


def test_a_runner_that_was_held_up_resets_nothing(torch_server: Server) -> None:
    url, runner = f"{torch_server.url}/predict", worker_of(torch_server, "sample-reviews-runner")
    assert httpx.post(url, json={"inputs": f"{TEXT} Before."}).status_code == 200
    os.kill(runner, signal.SIGSTOP)
    threading.Timer(LONGER, os.kill, (runner, signal.SIGCONT)).start()
    assert httpx.post(url, json={"inputs": f"{TEXT} Meanwhile."}, timeout=60).status_code == 200
