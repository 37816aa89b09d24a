"""How the service ends: SIGTERM with a drain time, Ctrl-C without, as process 1 of a container."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from bentos.supervisor import Attendance
from tests.serving import DEADLINE, Server, bentoml, free_port, home, is_ready, serve, until

BODY = json.dumps({"inputs": "The game is great."}).encode()
ATTEND = """
import time
from bentos.supervisor import Attendance
attendance = Attendance()
attendance.join()
print(flush=True)
time.sleep(60)
"""
NO_INIT = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")  # what comes next is process 1


def serving(folder: Path, drain_seconds: float, variant: str = "onnx-int8"):  # type: ignore[no-untyped-def]
    arguments = ("version=tiny", f"variant={variant}", f"drain_seconds={drain_seconds}")
    return serve(folder, *(part for argument in arguments for part in ("--arg", argument)))


def connect(server: Server) -> http.client.HTTPConnection:
    url = httpx.URL(server.url)
    return http.client.HTTPConnection(url.host, url.port, timeout=DEADLINE)


def predict(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
    return finished(connection)


def finished(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    response = connection.getresponse()
    response.read()
    return response


def is_draining(server: Server) -> bool:
    return httpx.get(f"{server.url}/readyz", timeout=10).status_code == 503


def terminate(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)


def terminate_group(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGTERM)


def terminate_twice(server: Server) -> None:
    terminate(server)
    until(lambda: is_draining(server), server)
    terminate(server)


@pytest.mark.parametrize("end", [terminate, terminate_group, terminate_twice])
def test_after_sigterm_it_is_not_ready_but_answers_on_old_and_new_connections(
    store: Path, tmp_path: Path, end: Callable[[Server], None]
) -> None:
    with serving(tmp_path, 3) as server:
        old = connect(server)
        assert predict(old).getheader("connection") != "close"
        end(server)
        until(lambda: is_draining(server), server)
        for connection in (old, connect(server)):
            response = predict(connection)
            assert (response.status, response.getheader("connection")) == (200, "close")
        assert server.process.wait(DEADLINE) == 0


@pytest.mark.parametrize("variant", ["onnx-int8", "torch"])
def test_a_request_under_way_outlasts_the_drain_time(store: Path, tmp_path: Path, variant: str) -> None:
    with serving(tmp_path, 0, variant) as server:
        connection = connect(server)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(BODY)))
        connection.endheaders(BODY[:5])
        until(lambda: is_ready(server), server)  # has a later request answered, so it has ours
        terminate(server)
        until(lambda: b"SIGTERM" in server.output.read_bytes(), server)
        time.sleep(1)  # long enough for a service that does not wait
        connection.send(BODY[5:])
        assert finished(connection).status == 200
        assert server.process.wait(DEADLINE) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked to turn connections away")
@pytest.mark.parametrize("variant", ["onnx-int8", "torch"])
def test_no_connection_is_reset(store: Path, tmp_path: Path, variant: str) -> None:
    outcomes: list[str] = []

    def keep_asking(server: Server) -> None:
        while server.process.poll() is None:
            try:
                outcomes.append(str(predict(connect(server)).status))
            except OSError as error:
                outcomes.append(type(error).__name__)
                return

    with serving(tmp_path, 1, variant) as server:
        clients = [threading.Thread(target=keep_asking, args=(server,)) for _ in range(4)]
        for client in clients:
            client.start()
        terminate(server)
        for client in clients:
            client.join()
        assert server.process.wait(DEADLINE) == 0
    assert set(outcomes) == {"200", "ConnectionRefusedError"}


def test_ctrl_c_does_not_wait_for_the_drain_time(store: Path, tmp_path: Path) -> None:
    with serving(tmp_path, 600) as server:
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0


def test_sighup_renews_the_worker_and_the_port_stays_open(store: Path, tmp_path: Path) -> None:
    with serving(tmp_path, 3) as server:
        worker = psutil.Process(server.process.pid).children()[0]
        predict(connect(server))
        server.process.send_signal(signal.SIGHUP)
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, server)
        assert predict(connect(server)).status == 200


@pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare here")
def test_it_drains_as_process_1_of_a_container(store: Path, tmp_path: Path) -> None:
    if subprocess.run([*NO_INIT, "true"], capture_output=True, timeout=DEADLINE).returncode:
        pytest.skip("no process namespaces for this user")
    port, output = free_port(), tmp_path / "output.txt"
    arguments = ["--arg", "version=tiny", "--arg", "drain_seconds=3"]
    command = [
        *NO_INIT,
        *bentoml("serve", "service:svc", "--host", "127.0.0.1", "--port", str(port), *arguments),
    ]
    environment = {
        **os.environ,
        "BENTOML_HOME": str(home(tmp_path)),
        "BENTOML_CONTAINERIZED": "true",
        "TOUCHSTONE_LOGS": str(tmp_path / "logs"),
    }
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, env=environment, stdout=stream, stderr=stream) as process,
    ):
        server = Server(f"http://127.0.0.1:{port}", tmp_path / "logs", output, process)
        try:
            until(lambda: is_ready(server), server)
            psutil.Process(process.pid).children()[0].send_signal(signal.SIGTERM)
            until(lambda: is_draining(server), server)
            assert predict(connect(server)).status == 200
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()


def test_attendance_is_over_when_the_last_process_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    path.touch()
    monkeypatch.setenv("TOUCHSTONE_RUN_FILE", str(path))
    with subprocess.Popen([sys.executable, "-c", ATTEND], stdout=subprocess.PIPE) as api:
        assert api.stdout is not None
        api.stdout.readline()
        attendance = Attendance()
        assert not attendance.is_over()
        api.kill()
        api.wait(DEADLINE)
        assert attendance.is_over()
