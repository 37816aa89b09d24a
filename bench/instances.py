"""Instances of the sample task, and a haproxy in front of two of them."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.road import free_port

ROOT = Path(__file__).parents[1]
DEADLINE = 90.0  # seconds for whatever is waited for
PROXY = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 40s
    timeout server 40s
    retries 0
frontend service
    bind 127.0.0.1:{port}
    default_backend instances
frontend figures
    bind 127.0.0.1:{figures}
    stats enable
    stats uri /
backend instances
    option httpchk GET /readyz
    server first 127.0.0.1:{first} check
    server second 127.0.0.1:{second} check
"""  # `check` alone: every 2 s, down after 3 failures, up after 2 successes


@dataclass
class Instance:
    """One `bentoml serve` with a BENTOML_HOME of its own in `folder` and the models of the user's store."""

    folder: Path
    version: str
    drain_seconds: float | None  # None: as the task says
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Seconds until it is ready."""
        begin, bentoml = time.monotonic(), Path(sys.executable).with_name("bentoml")
        command = f"serve service:svc --host 127.0.0.1 --port {self.port} --arg version={self.version}"
        if self.drain_seconds is not None:
            command += f" --arg drain_seconds={self.drain_seconds}"
        store = Path(os.environ.get("BENTOML_HOME", "~/bentoml")).expanduser() / "models"
        if not self.folder.exists():
            self.folder.mkdir()
            (self.folder / "models").symlink_to(store)
        places = {"BENTOML_HOME": str(self.folder), "TOUCHSTONE_LOGS": str(self.folder / "logs")}
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [bentoml, *command.split()],
                cwd=ROOT,
                env={**os.environ, **places},
                stdout=output,
                stderr=output,
            )
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            await until(lambda: is_ready(client))
        return time.monotonic() - begin

    async def stop(self) -> tuple[int, float]:
        """The exit code after SIGTERM, and the seconds it took."""
        assert self.process is not None
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(asyncio.to_thread(self.process.wait, DEADLINE), DEADLINE)
        return code, time.monotonic() - begin

    def kill(self) -> None:
        """End it with all its workers, if it is still there."""
        if self.process is not None and self.process.poll() is None:
            family = psutil.Process(self.process.pid)
            for process in [family, *family.children(recursive=True)]:
                process.kill()


@contextmanager
def haproxy(port: int, figures: int, instances: Sequence[Instance]) -> Iterator[None]:
    """A haproxy on `port`, its figures as CSV on the port `figures`."""
    first, second = (instance.port for instance in instances)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as config:
        config.write(PROXY.format(port=port, figures=figures, first=first, second=second))
        config.flush()
        with subprocess.Popen(["haproxy", "-q", "-db", "-f", config.name]) as process:
            try:
                yield
            finally:
                process.kill()


async def servers(client: httpx.AsyncClient) -> list[dict[str, str]]:
    """A row of figures for each instance, as haproxy sees it; none while haproxy starts."""
    try:
        text = (await client.get("/;csv")).text.removeprefix("# ")
    except httpx.TransportError:
        return []
    return [row for row in csv.DictReader(text.splitlines()) if row["svname"] in ("first", "second")]


async def both_up(client: httpx.AsyncClient) -> bool:
    return [row["status"] for row in await servers(client)] == ["UP", "UP"]


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await check():
            await asyncio.sleep(0.1)
