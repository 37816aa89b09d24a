"""Starts a real `bentoml serve` and ends it with all its processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

ROOT = Path(__file__).parents[1]
DEADLINE = 200.0  # seconds for whatever a test waits for: a shadow gets no core while others want it
Value = TypeVar("Value")


@dataclass(frozen=True)
class Server:
    """A running service: where it listens, where it logs requests, where its output goes."""

    url: str
    logs: Path
    output: Path
    process: subprocess.Popen[bytes]


@contextmanager
def serve(
    folder: Path,
    *arguments: str,
    target: str = "service:svc",
    cwd: Path = ROOT,
    logs: str = "",
    ready: bool = True,
) -> Iterator[Server]:
    """A service on a free port, its files in `folder`; entered when it is ready (or at once)."""
    server = start(folder, target, arguments, cwd, logs or str(folder / "logs"))
    try:
        if ready:
            until(lambda: is_ready(server), server)
        yield server
    finally:
        stop(server.process)


def start(folder: Path, target: str, arguments: tuple[str, ...], cwd: Path, logs: str) -> Server:
    port, output = free_port(), folder / "output.txt"
    command = bentoml("serve", target, "--host", "127.0.0.1", "--port", str(port), *arguments)
    environment = {**os.environ, "BENTOML_HOME": str(home(folder)), "TOUCHSTONE_LOGS": logs}
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
    return Server(f"http://127.0.0.1:{port}", cwd / logs, output, process)


def home(folder: Path) -> Path:
    """A BENTOML_HOME for one server on the shared stores: a starting server wipes the metrics of its home."""
    path = folder / "home"
    if not path.exists():
        path.mkdir()
        for name in ("models", "bentos"):
            shared = Path(os.environ["BENTOML_HOME"]) / name
            shared.mkdir(exist_ok=True)
            (path / name).symlink_to(shared)
    return path


def bentoml(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("bentoml")), *arguments]


def is_ready(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=10).is_success
    except httpx.TransportError:
        return False


def until(check: Callable[[], Value], server: Server) -> Value:
    """The first true value of `check`; fails with the service's output when there is none in time."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and server.process.poll() is None:
        if value := check():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited in vain; the service says:\n{server.output.read_text()[-3000:]}")


def worker_of(server: Server, service: str) -> int:
    """The youngest process of the service, 0 while there is none."""
    alive = [p for p in psutil.Process(server.process.pid).children() if p.status() != psutil.STATUS_ZOMBIE]
    return max((p.pid for p in alive if service in p.cmdline()), default=0)


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and whatever is left of it and its workers after a while SIGKILL."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        for left in (*psutil.Process(process.pid).children(recursive=True), process):
            left.kill()
        process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
