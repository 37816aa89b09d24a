"""20,000 requests at full speed against the sample task: is each one in the request log once?

python -m bench.log_exactly_once, after `make demo`. Writes bench/results/log-exactly-once.json.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import httpx
from rich.progress import Progress

from bench.road import console, served
from bentos.request_log import read_log
from train.sample_corpus import generate

TASK = "sample-reviews"
REQUESTS = 20_000
CONNECTIONS = 32
RESULT = Path(__file__).parent / "results" / "log-exactly-once.json"


def main() -> int:
    """Send, wait for the last row, count; 0 when every request is there once."""
    texts = [row["text"] for row in generate(REQUESTS, seed=9)]
    with tempfile.TemporaryDirectory() as scratch:
        with served(TASK, "onnx-int8", Path(scratch)) as url:
            started = time.perf_counter()
            latencies = asyncio.run(send_all(url, texts))
            seconds = time.perf_counter() - started
        log = read_log(Path(scratch, "logs", TASK))
    times = Counter(Counter(row["request_id"] for row in log.rows).values())
    cuts = quantiles(latencies, n=100)
    result = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "requests": REQUESTS,
        "connections": CONNECTIONS,
        "requests_per_second": round(REQUESTS / seconds, 1),
        "latency_ms": {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)},
        "requests_logged_once": times[1],
        "requests_logged_more_than_once": times.total() - times[1],
        "torn_lines": log.torn_lines,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    console.print(result)
    return 0 if times == {1: REQUESTS} else 1


async def send_all(url: str, texts: list[str]) -> list[float]:
    """Milliseconds of each request, `CONNECTIONS` of them under way at any time."""
    waiting, latencies = iter(enumerate(texts)), []
    limits = httpx.Limits(max_connections=CONNECTIONS)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("requests", total=len(texts))
        async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:

            async def one_after_another() -> None:
                for i, text in waiting:
                    began = time.perf_counter()
                    headers = {"X-Request-ID": f"load-{i}"}
                    response = await client.post("/predict", json={"inputs": text}, headers=headers)
                    response.raise_for_status()
                    latencies.append(1000 * (time.perf_counter() - began))
                    progress.advance(bar)

            await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))
    return latencies


if __name__ == "__main__":
    sys.exit(main())
