"""Two instances of the sample task behind haproxy, restarted in turn under constant load: what is lost?

python -m bench.rolling_restart, after `make demo`; needs haproxy. Writes bench/results/rolling-restart.json.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from bench.instances import ROOT, Instance, both_up, haproxy, servers, until
from bench.road import free_port

RESULT = ROOT / "bench" / "results" / "rolling-restart.json"
CALM = 3.0  # seconds of load before and after
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
    bind "${TOUCHSTONE_BIND}"
    default_backend hosts
frontend figures
    bind "${TOUCHSTONE_FIGURES}"
    stats enable
    stats uri /
backend hosts
    option httpchk GET /readyz
    server first "${TOUCHSTONE_FIRST}" check
    server second "${TOUCHSTONE_SECOND}" check
"""  # hides nothing; `check` alone: every 2 s, down after 3 failures, up after 2 successes


@dataclass
class Load:
    """`rate` requests a second at `url`, whatever becomes of them; each is tried `attempts` times at most."""

    url: str
    rate: float
    attempts: int
    limits: httpx.Limits = field(default_factory=httpx.Limits)
    text: str = "The game is great."
    slowest: float = 0.0  # seconds
    answers: Counter[str] = field(default_factory=Counter)  # what became of each request in the end
    failures: Counter[str] = field(default_factory=Counter)  # of attempts

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=40, limits=self.limits) as client, asyncio.TaskGroup() as group:
            sender = group.create_task(self._send(client, group))
            await asyncio.sleep(CALM)
            yield
            await asyncio.sleep(CALM)
            sender.cancel()

    async def _send(self, client: httpx.AsyncClient, group: asyncio.TaskGroup) -> None:
        while True:
            group.create_task(self._request(client))
            await asyncio.sleep(1 / self.rate)

    async def _request(self, client: httpx.AsyncClient) -> None:
        begin = time.monotonic()
        for _ in range(self.attempts):
            try:
                response = await client.post(f"{self.url}/predict", json={"inputs": self.text})
                outcome = str(response.status_code)
            except httpx.TransportError as error:
                outcome = type(error).__name__
            if outcome == "200":
                break
            self.failures[outcome] += 1
            await asyncio.sleep(0.1)
        self.answers[outcome] += 1
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def summary(self) -> dict[str, Any]:
        requests, answered = self.answers.total(), self.answers["200"]
        lost = {"requests": requests, "lost": requests - answered}
        return {"attempts_per_request": self.attempts, **lost, "failed_attempts": dict(self.failures)}


async def restart_in_turn(instances: Sequence[Instance], attempts: int, rate: float) -> dict[str, Any]:
    """Both instances behind a new haproxy, each stopped and started again while the other is in use."""
    port, figures, config = free_port(), free_port(), instances[0].folder.with_suffix(".cfg")
    config.write_text(PROXY)
    load, restarts = Load(f"http://127.0.0.1:{port}", rate, attempts), []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{figures}"))
        stack.enter_context(haproxy(port, figures, instances, config))
        await until(lambda: both_up(client))
        async with load.running():
            for instance in tqdm(instances, f"{attempts} attempts", unit="restart", disable=None):
                code, seconds = await instance.stop()
                ready = await instance.start()
                await until(lambda: both_up(client))
                restarts.append(
                    {"exit_code": code, "stop_seconds": round(seconds, 1), "start_seconds": round(ready, 1)}
                )
        seen = await servers(client)
    columns = {"connection_errors": "econ", "response_errors": "eresp"}
    errors = {name: sum(int(row[column]) for row in seen) for name, column in columns.items()}
    return {**load.summary(), "seen_by_haproxy": errors, "restarts": restarts}


async def stop_alone(instance: Instance, rate: float) -> dict[str, Any]:
    """No proxy and a new connection for each request: what a client sees when the instance ends."""
    load = Load(f"http://127.0.0.1:{instance.port}", rate, 1, httpx.Limits(max_keepalive_connections=0))
    async with load.running():
        code, seconds = await instance.stop()
    refused = load.failures.pop("ConnectError", 0)
    summary = {**load.summary(), "refused": refused}
    return {
        **summary,
        "lost": summary["lost"] - refused,
        "exit_code": code,
        "stop_seconds": round(seconds, 1),
    }


async def measure(version: str, rate: float, folder: Path) -> dict[str, Any]:
    """All four runs; ends whatever still runs when one of them fails."""
    runs: dict[str, Any] = {}
    settings: dict[str, tuple[list[str], int]] = {
        "drain time, no retries": ([], 1),
        "drain time, retries": ([], 3),
        "no drain time": (["drain_seconds=0"], 1),
    }
    for n, (title, (arguments, attempts)) in enumerate(settings.items()):
        asked = [f"version={version}", *arguments]
        instances = [Instance(folder / f"{n}-{i}", asked) for i in range(2)]
        try:
            await asyncio.gather(*(instance.start() for instance in instances))
            runs[title] = await restart_in_turn(instances, attempts, rate)
            if n == 0:
                runs["drain time, no proxy, a connection per request"] = await stop_alone(instances[0], rate)
        finally:
            for instance in instances:
                instance.kill()
    return runs


def main() -> int:
    """Measure and write; 0 when no run with a drain time lost a request."""
    parser = argparse.ArgumentParser(prog="python -m bench.rolling_restart", description=__doc__)
    parser.add_argument("--version", default="latest", help="of the model to serve")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    given = parser.parse_args()
    if not shutil.which("haproxy"):
        sys.exit("There is no haproxy here. On Debian: apt-get install haproxy")
    with tempfile.TemporaryDirectory() as folder:
        runs = asyncio.run(measure(given.version, given.rate, Path(folder)))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "proxy": subprocess.check_output(["haproxy", "-v"], text=True).splitlines()[0],
        "requests_per_second": given.rate,
        "runs": runs,
    }
    text = json.dumps(result, indent=1)
    temporary = RESULT.with_suffix(".tmp")
    temporary.write_text(text + "\n")
    temporary.replace(RESULT)
    print(text)
    return int(any(run["lost"] for title, run in runs.items() if title.startswith("drain time")))


if __name__ == "__main__":
    sys.exit(main())
