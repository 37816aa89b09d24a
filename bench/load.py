"""A load generator in a process of its own: python -m bench.load URL --mix steam --seconds 20

Closed loop by default: each connection sends its next text when it has the answer to the last.
With `--rate 80` an open loop: Poisson arrivals that no slow answer holds up, on as many connections as they
need up to `--connections`, every latency measured from the moment when the request was meant to be sent.
Prints one JSON object.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.http_connection import Connection
from bench.load_result import Outcome, summary
from bench.mixes import MIXES, read_vocabulary, texts

TOKENIZER = Path(__file__).parent / ".work" / "optimum-default"
PAUSE = 0.05  # seconds after a failed connection, so that a dead service is not hammered
PREPARING, MOST_PREPARED = 0.5, 20_000  # seconds, requests
Request = tuple[bytes, int]  # the bytes to send, the tokens in them


@dataclass(frozen=True)
class Load:
    """What to send where; each field is an option of the command."""

    url: str
    mix: str = "steam"
    seconds: float = 20.0  # that count
    warmup: float = 3.0  # seconds before them that do not
    connections: int = 32  # of an open loop: at most
    rate: float = 0.0  # requests/s of an open loop; 0: closed loop
    list: int = 0  # send lists of so many texts; 0: single ones
    path: str = "/predict"
    body: str = '{"inputs": %s}'  # %s is the text, or the list, as JSON
    timeout: float = 30.0  # seconds from sending to the whole answer
    seed: int = 0
    tokenizer: str = str(TOKENIZER)


def run_load(url: str, **settings: Any) -> dict[str, Any]:
    """Run the generator as a process of its own and give its result; settings are the fields of `Load`."""
    load = Load(url, **settings)
    options = [f"--{name}={value}" for name, value in asdict(load).items() if name != "url"]
    command = [sys.executable, "-m", "bench.load", url, *options]
    limit = load.warmup + load.seconds + 2 * load.timeout + 60
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


async def measure(load: Load) -> dict[str, Any]:
    """Send the load, wait for its last answer, sum up."""
    generator = Generator(load, requests(load))
    cpu = time.process_time()
    await (generator.open_loop() if load.rate else generator.closed_loop())
    cpu_ms = 1000 * (time.process_time() - cpu) / max(1, len(generator.outcomes))
    result = summary(generator.outcomes, generator.begin, load.seconds)
    return {**asdict(load), "tokenizer": Path(load.tokenizer).name, **result, "cpu_ms_each": round(cpu_ms, 3)}


def requests(load: Load) -> Iterator[Request]:
    """Without end: whole HTTP requests; no two carry the same text."""
    target = urlsplit(load.url)
    head = f"POST {load.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
    single = texts(load.mix, read_vocabulary(Path(load.tokenizer)), load.seed)
    while True:
        items = [next(single) for _ in range(load.list or 1)]
        value = [text for text, _ in items] if load.list else items[0][0]
        body = load.body.replace("%s", json.dumps(value))
        yield f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), sum(n for _, n in items)


def prepared(requests: Iterator[Request]) -> Iterator[Request]:
    """The same, the first ones made before the clock starts, so that it costs the service no time."""
    end = time.perf_counter() + PREPARING
    ready = [next(requests)]
    while time.perf_counter() < end and len(ready) < MOST_PREPARED:
        ready.append(next(requests))
    return chain(ready, requests)


class Generator:
    """One run; `outcomes` has a row for each request, those of the warm-up too."""

    def __init__(self, load: Load, requests: Iterator[Request]) -> None:
        requests = prepared(requests)
        self.outcomes: list[Outcome] = []
        self.begin = time.perf_counter() + load.warmup
        self._end = self.begin + load.seconds
        self._load, self._requests = load, requests
        self._idle: list[Connection] = []

    async def closed_loop(self) -> None:
        """Every connection one request after the other until the end."""
        await asyncio.gather(*(self._one_after_another() for _ in range(self._load.connections)))
        self._close()

    async def open_loop(self) -> None:
        """Requests at random moments of the given rate; they queue here when all connections are taken."""
        rng, free = random.Random(f"arrivals {self._load.seed}"), asyncio.Semaphore(self._load.connections)
        due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while (due := due + rng.expovariate(self._load.rate)) < self._end:
                request = next(self._requests)
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(self._queued(request, due, free))
        self._close()

    async def _one_after_another(self) -> None:
        while (now := time.perf_counter()) < self._end:
            await self._send(next(self._requests), now)
            if self.outcomes[-1].error:
                await asyncio.sleep(PAUSE)

    async def _queued(self, request: Request, due: float, free: asyncio.Semaphore) -> None:
        async with free:
            await self._send(request, due)

    async def _send(self, request: Request, due: float) -> None:
        """Send one request on an idle connection or a new one, and note what came of it."""
        data, n_tokens = request
        status, retry_after, error, sent = 0, "", "", time.perf_counter()
        connection = None
        try:
            async with asyncio.timeout(self._load.timeout):
                connection = self._take() or await self._connect()
                status, retry_after = await connection.exchange(data)
        except (OSError, TimeoutError) as failure:
            error = type(failure).__name__
        if connection:
            self._idle.append(connection) if not error else connection.close()
        self.outcomes.append(Outcome(due, sent, time.perf_counter(), n_tokens, status, retry_after, error))

    def _take(self) -> Connection | None:
        """The connection used last that the service has not closed meanwhile."""
        while self._idle:
            if (connection := self._idle.pop()).is_open:
                return connection
        return None

    async def _connect(self) -> Connection:
        target = urlsplit(self._load.url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, target.hostname or "", target.port or 80)
        return connection

    def _close(self) -> None:
        for connection in self._idle:
            connection.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("url", help="for example http://127.0.0.1:3000")
    for field in fields(Load)[1:]:
        choices = sorted(MIXES) if field.name == "mix" else None
        kind = type(field.default)
        parser.add_argument(f"--{field.name}", type=kind, default=field.default, choices=choices)
    load = Load(**vars(parser.parse_args()))
    try:
        print(json.dumps(asyncio.run(measure(load)), indent=1))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
