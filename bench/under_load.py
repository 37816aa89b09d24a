"""Our service at its limit and beyond it: python -m bench.under_load [PART ...]

Serves the full-size model of bench.full_size and measures, in this order: `lone` requests, `saturated`,
`steady` (open loop at 70 % of that), `bulk` lists against the model alone, `burst` on a cold service,
`fairness` of single texts beside long lists, and `overload`: 1.5, 3 and 10 times of what it can carry.
Each part has a fresh service. Writes bench/results/under-load.json after each part.
"""

import argparse
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.compare_result import machine
from bench.full_size import DEFAULT_EXPORT, entry_folder
from bench.load import run_load
from bench.mixes import read_vocabulary, texts
from bench.road import HUGE_PAGES, console
from bench.sides import OURS, Running, running
from bentos.metrics import MIRROR_SECONDS
from bentos.model_store import write_atomically
from bentos.onnx_model import OnnxModel
from bentos.preprocess import Encoded, TextPreprocess
from bentos.runner import CPU_BATCH_TOKENS, available_cores
from bentos.task import load_task

RESULT = Path(__file__).parent / "results" / "under-load.json"
QUEUE_SECONDS = 2.0  # --arg timeout of the overload part: how long an accepted request may wait
MANY = 4096  # connections of an open loop, at most
Figures = dict[str, Any]


@contextmanager
def ours(arguments: str = "") -> Iterator[Running]:
    """A fresh service with its output in a folder that goes with it."""
    with TemporaryDirectory() as scratch:
        with running(replace(OURS, options=arguments), entry_folder(), Path(scratch)) as service:
            yield service
        if "Traceback" in (Path(scratch) / "output.txt").read_text():
            console.print("[red]The service wrote a traceback.")


def lone(result: Figures) -> Figures:
    """One request at a time, by length; what the model takes of it there, and for such a text alone.

    `added_ms` is the mean time of a request, the client's part included, less that of its model call.
    """
    found = {}
    with ours() as service:
        for seed, mix in enumerate(("fixed-8", "fixed-32", "fixed-128", "steam")):
            seconds, calls = compute_seconds(service)
            load = run_load(service.url, mix=mix, connections=1, seconds=10, warmup=0, seed=seed)
            later, more_calls = compute_seconds(service)
            compute_ms = 1000 * (later - seconds) / (more_calls - calls)
            found[mix] = {
                "latency_ms": load["latency_ms"],
                "compute_ms": round(compute_ms, 2),
                "added_ms": round(1000 / load["requests_per_second"] - compute_ms, 2),
                "model_ms": model_ms(mix),
            }
    return found


def compute_seconds(service: Running) -> tuple[float, int]:
    """Sum and count of the service's model calls so far."""
    time.sleep(2 * MIRROR_SECONDS)
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    name = "touchstone_compute_seconds"
    return float(lines[f"{name}_sum"]), int(float(lines[f"{name}_count"]))


def saturated(result: Figures) -> Figures:
    with ours() as service:
        load = run_load(service.url, mix="steam", connections=32, seconds=30, warmup=5)
        return {**chosen(load), "memory_mb": service.memory_mb(), "start_seconds": service.start_seconds}


def steady(result: Figures) -> Figures:
    rate = round(0.7 * result["saturated"]["requests_per_second"], 1)
    with ours() as service:
        run_load(service.url, mix="steam", connections=32, seconds=3, warmup=2, seed=2)
        return chosen(run_load(service.url, mix="steam", rate=rate, connections=MANY, seconds=40, seed=1))


def bulk(result: Figures) -> Figures:
    """Lists of 256 texts against the model alone on texts of the same mix, in turns; medians matter."""
    rounds = []
    with ours() as service:
        for i in range(5):
            load = run_load(service.url, mix="steam", list=256, connections=2, seconds=20, warmup=5, seed=i)
            rounds.append({"service": load["tokens_per_second"], "model": model_rate("steam", 20.0, i)})
    return {"tokens_per_second": rounds}


def burst(result: Figures) -> Figures:
    """256 requests at once to a service that has computed nothing but its self-check."""
    with ours() as service:
        return chosen(run_load(service.url, mix="steam", connections=256, seconds=0.5, warmup=0))


def fairness(result: Figures) -> Figures:
    """Single short texts, alone and beside one client that sends lists of 1,000 long ones."""
    single = {"mix": "fixed-32", "rate": 5.0, "connections": MANY, "warmup": 5}
    with ours("--arg timeout=120") as service:
        alone = chosen(run_load(service.url, **single, seconds=40, seed=1))
        lists = in_thread(
            lambda: run_load(
                service.url, mix="fixed-256", list=1000, connections=1, seconds=50, warmup=0, timeout=120
            )
        )
        beside = chosen(run_load(service.url, **single, seconds=40, seed=2))
        return {"alone": alone, "beside_lists": beside, "lists": chosen(lists())}


def overload(result: Figures) -> Figures:
    carried = result["saturated"]["requests_per_second"]
    found: Figures = {"timeout_seconds": QUEUE_SECONDS}
    with ours(f"--arg timeout={QUEUE_SECONDS}") as service:
        found["saturated"] = chosen(run_load(service.url, mix="steam", connections=32, seconds=20, warmup=5))
        for seed, factor in enumerate((1.5, 3, 10), start=1):  # no text twice, or the cache would answer
            load = run_load(
                service.url,
                mix="steam",
                rate=round(factor * carried, 1),
                connections=MANY,
                seconds=60,
                warmup=5,
                seed=seed,
            )
            found[f"{factor:g}x"] = chosen(load)
    return found


PARTS: dict[str, Callable[[Figures], Figures]] = {
    "lone": lone,
    "saturated": saturated,
    "steady": steady,
    "bulk": bulk,
    "burst": burst,
    "fairness": fairness,
    "overload": overload,
}


def chosen(load: Figures) -> Figures:
    """Of a load's result what a reader needs."""
    names: tuple[str, ...] = (
        "rate",
        "requests",
        "by_status",
        "transport_errors",
        "requests_per_second",
        "tokens_per_second",
    )
    names += ("latency_ms", "refusal_latency_ms", "retry_after", "sent_late_ms", "cpu_ms_each")
    return {name: load[name] for name in names}


def in_thread(work: Callable[[], Figures]) -> Callable[[], Figures]:
    """Begin the work beside this; the function given waits for it."""
    found: list[Figures] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()

    def wait() -> Figures:
        thread.join()
        return found[0]

    return wait


def model_ms(mix: str) -> dict[str, float]:
    """Milliseconds of the model alone for one text at a time: median and 99th percentile."""
    model, preprocess, items = loaded(mix, 200, seed=7)
    times = []
    for item in items:
        arrays = preprocess.pad([item])
        began = time.perf_counter()
        model.run(arrays)
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    return {"p50": round(times[len(times) // 2], 2), "p99": round(times[int(0.99 * len(times))], 2)}


def model_rate(mix: str, seconds: float, seed: int) -> float:
    """`lanes_rate` on texts of a mix."""
    return lanes_rate(*loaded(mix, 1024, seed), seconds)


def lanes_rate(
    model: OnnxModel, preprocess: TextPreprocess, items: Sequence[Encoded], seconds: float
) -> float:
    """Useful tokens/s of the lanes alone on texts sorted by length: no HTTP, no tokenizer, no queue."""
    batches = cut(sorted(items, key=lambda item: item.n_tokens))
    end, done, lock = time.perf_counter() + seconds, 0, threading.Lock()
    began = time.perf_counter()

    def lane(start: int) -> None:
        nonlocal done
        position = start
        while time.perf_counter() < end:
            batch = batches[position % len(batches)]
            model.run(preprocess.pad(batch))
            position += 7  # all lengths in turn, the lanes apart
            with lock:
                done += sum(item.n_tokens for item in batch)

    lanes = [threading.Thread(target=lane, args=(i * 3,)) for i in range(available_cores())]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    return round(done / (time.perf_counter() - began), 1)


def loaded(mix: str, n: int, seed: int) -> tuple[OnnxModel, TextPreprocess, list[Encoded]]:
    """The model, its tokenizer, and `n` texts of the mix in tokens."""
    folder = entry_folder()
    task = load_task(folder / "task.yaml")
    preprocess = TextPreprocess(folder, task)
    drawn = islice(texts(mix, read_vocabulary(DEFAULT_EXPORT), seed), n)
    return OnnxModel(folder), preprocess, preprocess([text for text, _ in drawn])


def cut(items: Sequence[Encoded]) -> list[list[Encoded]]:
    """Sorted items in batches of at most CPU_BATCH_TOKENS, padding included."""
    batches: list[list[Encoded]] = [[]]
    for item in items:
        if batches[-1] and (len(batches[-1]) + 1) * item.n_tokens > CPU_BATCH_TOKENS:
            batches.append([])
        batches[-1].append(item)
    return batches


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.under_load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when absent")
    parts = parser.parse_args().parts or list(PARTS)
    if wrong := set(parts) - PARTS.keys():
        sys.exit(f"No part {', '.join(wrong)}. Give some of: {', '.join(PARTS)}")
    if not entry_folder().is_dir():
        sys.exit("There is no full-size model. Make it: python -m bench.full_size FOLDER")
    if "GLIBC_TUNABLES" not in os.environ:  # the model alone is to have what the service has
        command = [sys.executable, "-m", "bench.under_load", *parts]
        os.execve(sys.executable, command, {**os.environ, **HUGE_PAGES})
    result: Figures = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for part in parts:
        result[part] = PARTS[part](result)
        result["machine"] = machine()
        write_atomically(RESULT, json.dumps(result, indent=1) + "\n")
        console.print(part, result[part])


if __name__ == "__main__":
    main()
