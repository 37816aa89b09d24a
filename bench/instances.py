"""Instances of the sample task, and a haproxy in front of two of them."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
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
DEPLOYED = ROOT / "deploy" / "haproxy.cfg"


def user_models() -> Path:
    """The models of the user's store."""
    return Path(os.environ.get("BENTOML_HOME", "~/bentoml")).expanduser() / "models"


@dataclass
class Instance:
    """One `bentoml serve` with a BENTOML_HOME of its own in `folder`."""

    folder: Path
    arguments: Sequence[str] = ()  # each KEY=VALUE, for --arg
    models: Path = field(default_factory=user_models)
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    under: Sequence[str] = ()  # the command that starts it: on another host, on one core
    process: subprocess.Popen[bytes] | None = None

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    async def start(self) -> float:
        """Seconds until it is ready."""
        begin, bentoml = time.monotonic(), Path(sys.executable).with_name("bentoml")
        command = [*self.under, str(bentoml), "serve", "service:svc"]
        command += ["--host", self.address, "--port", str(self.port)]
        command += [part for argument in self.arguments for part in ("--arg", argument)]
        if not self.folder.exists():
            self.folder.mkdir()
            (self.folder / "models").symlink_to(self.models)
        places = {"BENTOML_HOME": str(self.folder), "TOUCHSTONE_LOGS": str(self.logs)}
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **places}, stdout=output, stderr=output
            )
        async with httpx.AsyncClient(base_url=f"http://{self.address}:{self.port}") as client:
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
        """End it with all its workers, if it is still there; nothing of it is left afterwards."""
        if self.process is not None and self.process.poll() is None:
            parent = psutil.Process(self.process.pid)
            family = [parent, *parent.children(recursive=True)]
            for process in family:
                process.kill()
            while any(is_alive(process) for process in family):
                time.sleep(0.01)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def haproxy(
    port: int, figures: int, instances: Sequence[Instance], config: Path = DEPLOYED
) -> Iterator[subprocess.Popen[bytes]]:
    """A haproxy on `port`, its figures as CSV on the port `figures`."""
    first, second = (f"{instance.address}:{instance.port}" for instance in instances)
    places = {
        "BIND": f"127.0.0.1:{port}",
        "FIGURES": f"127.0.0.1:{figures}",
        "FIRST": first,
        "SECOND": second,
    }
    environment = {**os.environ, **{f"TOUCHSTONE_{name}": value for name, value in places.items()}}
    with subprocess.Popen(["haproxy", "-q", "-db", "-f", config], env=environment) as process:
        try:
            yield process
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
