"""Half an hour at 80 % of what the service carries: python -m bench.soak [MINUTES]

Samples the memory and the open files of all its processes. Writes bench/results/soak.json after each minute.
Needs the `saturated` part of bench.under_load.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.compare_result import machine
from bench.load import run_load
from bench.road import console
from bench.sides import Running
from bench.under_load import RESULT as UNDER_LOAD
from bench.under_load import ours
from bentos.model_store import write_atomically

RESULT = Path(__file__).parent / "results" / "soak.json"
SHARE = 0.8
Minute = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("minutes", type=int, nargs="?", default=30)
    minutes = parser.parse_args().minutes
    rate = round(SHARE * json.loads(UNDER_LOAD.read_text())["saturated"]["requests_per_second"], 1)
    rows: list[Minute] = []
    with ours() as service:
        run_load(service.url, mix="steam", rate=rate, connections=1024, seconds=30, warmup=5, seed=-1)
        for i in range(minutes):
            rows.append(one_minute(service, rate, seed=i))
            write_atomically(RESULT, json.dumps(summary(rows, rate), indent=1) + "\n")
            console.print(i + 1, rows[-1])


def one_minute(service: Running, rate: float, seed: int) -> Minute:
    """A minute of load, and what the processes hold after it."""
    load = run_load(service.url, mix="steam", rate=rate, connections=1024, seconds=58, warmup=2, seed=seed)
    family = [service.process, *service.process.children(recursive=True)]
    return {
        "by_status": load["by_status"],
        "transport_errors": load["transport_errors"],
        "p50_ms": load["latency_ms"]["p50"],
        "p99_ms": load["latency_ms"]["p99"],
        "rss_mb": round(sum(process.memory_info().rss for process in family) / 2**20, 1),
        "open_files": sum(process.num_fds() for process in family),
    }


def summary(rows: list[Minute], rate: float) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    for row in rows:
        statuses.update(row["by_status"])
        statuses.update(row["transport_errors"])
    first, last = rows[0], rows[-1]
    return {
        "machine": machine(),
        "minutes": len(rows),
        "requests_per_second_offered": rate,
        "by_outcome": dict(statuses),
        "rss_growth": round(last["rss_mb"] / first["rss_mb"] - 1, 4),
        "open_files_growth": last["open_files"] - first["open_files"],
        "each_minute": rows,
    }


if __name__ == "__main__":
    main()
