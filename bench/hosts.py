"""Replicas on two hosts behind deploy/haproxy.cfg: what two carry, and what is lost with one of them.

python -m bench.hosts, after python -m bench.full_size FOLDER. The hosts are network namespaces of this
machine, each with a core of its own; the load generator and haproxy take what they need of the same cores.
Writes bench/results/hosts.json.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from tqdm import tqdm

from bench.compare_result import machine
from bench.full_size import HOME, TASK, entry_folder
from bench.instances import ROOT, Instance, both_up, haproxy, servers, until
from bench.load import run_load
from bench.namespaces import Host, hosts, reason_against
from bench.road import free_port
from bench.rolling_restart import Load
from bench.roof import measure_roof
from bentos.model_store import write_atomically

RESULT = ROOT / "bench" / "results" / "hosts.json"
SETTINGS = (f"task={TASK}", "answer_cache=0")  # every request is computed
TEXT = "The game is great, the music is not. " * 12  # some requests are under way at any moment
RATE = 20.0  # requests a second while a host is lost: one host alone carries it
Figures = dict[str, Any]


@dataclass(frozen=True)
class Fleet:
    """Both hosts with their replicas, and the proxy in front."""

    hosts: list[Host]
    replicas: list[Instance]
    url: str
    figures: httpx.AsyncClient
    proxy: psutil.Process

    async def up(self, names: list[str]) -> None:
        """Wait until haproxy takes exactly these for up."""

        async def so() -> bool:
            rows = await servers(self.figures)
            return [row["svname"] for row in rows if row["status"] == "UP"] == names

        await until(so)

    async def under_way(self, name: str) -> int:
        """Requests that haproxy has given to the server and not got back."""
        (row,) = [row for row in await servers(self.figures) if row["svname"] == name]
        return int(row["scur"])


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[Fleet]:
    """Replicas on two hosts, the first on core 0 and the second on core 1; up."""
    port, figures = free_port(), free_port()
    with ExitStack() as stack:
        both = stack.enter_context(hosts(2))
        replicas = [replica(host, core, folder / host.name) for core, host in enumerate(both)]
        for instance in replicas:
            stack.callback(instance.kill)
        await asyncio.gather(*(instance.start() for instance in replicas))
        process = stack.enter_context(haproxy(port, figures, replicas))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{figures}") as client:
            await until(lambda: both_up(client))
            yield Fleet(both, replicas, f"http://127.0.0.1:{port}", client, psutil.Process(process.pid))


def replica(host: Host, core: int, folder: Path) -> Instance:
    """One that computes on one core only."""
    under = (*host.inside, "taskset", "--cpu-list", str(core))
    return Instance(folder, SETTINGS, HOME / "models", host.address, 3000, under)


async def scaling(fleet: Fleet, rounds: int, seconds: float) -> Figures:
    """One replica and two, in turns, and what two cores give beside one; the cable makes it one."""
    runs: dict[str, list[Figures]] = {"one": [], "two": []}
    cores: list[Figures] = []
    for i in tqdm(range(rounds), "rounds", disable=None):
        cores.append(await asyncio.to_thread(measure_roof, 2, 2.0, 1))
        fleet.hosts[1].pull_cable()
        await fleet.up(["first"])
        runs["one"].append(await saturated(fleet, seconds, i))
        fleet.hosts[1].plug_cable()
        await fleet.up(["first", "second"])
        runs["two"].append(await saturated(fleet, seconds, i))
    pairs = zip(runs["one"], runs["two"], strict=True)
    over = [two["requests_per_second"] / one["requests_per_second"] for one, two in pairs]
    product = [roof["gops_all_lanes"] / roof["gops_one_lane"] for roof in cores]
    return {**runs, "two_over_one": spread(over), "int8_product_on_two_cores_over_one": spread(product)}


def spread(ratios: list[float]) -> Figures:
    return {"median": round(median(ratios), 2), "each": [round(ratio, 2) for ratio in ratios]}


async def saturated(fleet: Fleet, seconds: float, seed: int) -> Figures:
    """What they carry, and what of the machine's processor time the generator and the proxy take."""
    before = processor_seconds(fleet.proxy)
    load = await asyncio.to_thread(
        run_load, fleet.url, mix="steam", connections=16, seconds=seconds, warmup=3.0, seed=seed
    )
    proxy_ms = 1000 * (processor_seconds(fleet.proxy) - before) / (load["requests"] * (1 + 3.0 / seconds))
    per_second = load["requests_per_second"]
    of_cores = per_second * (load["cpu_ms_each"] + proxy_ms) / 1000 / len(os.sched_getaffinity(0))
    chosen = {name: load[name] for name in ("requests_per_second", "by_status", "transport_errors")}
    return {
        **chosen,
        "p99_ms": load["latency_ms"]["p99"],
        "generator_ms_each": load["cpu_ms_each"],
        "proxy_ms_each": round(proxy_ms, 3),
        "generator_and_proxy_of_the_cores": round(of_cores, 3),
    }


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def losing(fleet: Fleet, lose: Callable[[], None]) -> Figures:
    """What becomes of a steady load when the first host is lost; only haproxy asks twice."""
    load = Load(fleet.url, RATE, 1, text=TEXT)
    async with load.running():
        while not (under_way := await fleet.under_way("first")):
            await asyncio.sleep(0.001)
        begin = time.monotonic()
        lose()
        await fleet.up(["second"])
        noticed = time.monotonic() - begin
    return {
        **load.summary(),
        "under_way_there": under_way,
        "noticed_after_seconds": round(noticed, 1),
        "slowest_answer_seconds": round(load.slowest, 1),
    }


async def measure(folder: Path, rounds: int, seconds: float) -> Figures:
    """All of it on one fleet."""
    async with fleet(folder) as there:
        found = {"scaling": await scaling(there, rounds, seconds)}
        lost = {"cable pulled": await losing(there, there.hosts[0].pull_cable)}
        there.hosts[0].plug_cable()
        await there.up(["first", "second"])
        lost["SIGKILL of its processes"] = await losing(there, there.replicas[0].kill)
        return {**found, "a host lost": lost}


def main() -> int:
    """Measure and write; 0 when no more was lost than had been under way on the lost host."""
    parser = argparse.ArgumentParser(prog="python -m bench.hosts", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load")
    given = parser.parse_args()
    if reason := reason_against():
        sys.exit(reason)
    if (os.cpu_count() or 1) < 2:
        sys.exit("Two replicas want a core each, and there is one.")
    if not entry_folder().is_dir():
        sys.exit("There is no full-size model. Make it: python -m bench.full_size FOLDER")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), given.rounds, given.seconds))
    proxy = subprocess.check_output(["haproxy", "-v"], text=True).splitlines()[0]
    text = json.dumps({"machine": machine(), "proxy": proxy, **found}, indent=1)
    write_atomically(RESULT, text + "\n")
    print(text)
    return int(any(run["lost"] > run["under_way_there"] for run in found["a host lost"].values()))


if __name__ == "__main__":
    sys.exit(main())
