"""What a change of version and a shadow cost the answers: python -m bench.live [PART ...]

Serves the full-size model of bench.full_size at 70 % of its saturated rate, with and without, in short turns
whose order changes from round to round: `promotions`, a promotion or a rollback in each turn, and `shadow`,
a tenth of the requests computed by another version too; `crowded` is the shadow beside a saturating load.
The median of the rounds' ratios matters, and the interval that 95 % of its bootstrap samples lie in.
Needs the `saturated` part of bench.under_load. Writes bench/results/live.json after each part.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from bench.compare_result import machine
from bench.full_size import HOME, TASK, entry_folder
from bench.load import run_load
from bench.road import console
from bench.sides import ROOT, Running
from bench.under_load import MANY, ours
from bench.under_load import RESULT as UNDER_LOAD
from bentos.model_store import write_atomically, write_manifest
from bentos.production import FILE

RESULT = Path(__file__).parent / "results" / "live.json"
NAME = f"{TASK}-onnx-int8"
SECOND = "second"
ROUNDS, CROWDED_ROUNDS = 20, 6
SECONDS = 15.0  # of a turn
MOVE_AFTER = 5.0  # seconds of it
Figures = dict[str, Any]


def promotions(rate: float) -> Figures:
    """One service; in half of the turns its production pointer moves, to and fro."""
    with pointer_removed_afterwards(), ours("--arg answer_cache=0") as service:
        move(f"{NAME}:{entry_folder().name}")

        def moved(seed: int) -> Figures:
            with moving(back=seed % 2 == 1):
                return turn(service, rate, seed)

        rounds = in_turns(ROUNDS, calm=lambda seed: turn(service, rate, seed), moving=moved)
        followed = metric(service, 'touchstone_promotions_total{outcome="followed"}')
        memory = service.memory_mb()
    return {**ratios(rounds, "calm", "moving"), "followed": followed, "memory_mb": memory}


def shadow(rate: float, n_rounds: int = ROUNDS) -> Figures:
    """A service with a shadow and one without; nobody asks the other one meanwhile."""
    with ours() as plain, ours(f"--arg shadow={SECOND}") as shadowed:
        rounds = in_turns(
            n_rounds,
            plain=lambda seed: turn(plain, rate, seed),
            shadowed=lambda seed: turn(shadowed, rate, seed),
        )
        return {**ratios(rounds, "plain", "shadowed"), **compared(shadowed)}


def crowded(rate: float) -> Figures:
    """The same beside a saturating load, when no core is ever idle."""
    return shadow(0, CROWDED_ROUNDS)


def in_turns(n_rounds: int, **turns: Callable[[int], Figures]) -> list[Figures]:
    """Rounds of one turn each, the order changing, the load of a round the same."""
    rounds = []
    for seed in range(n_rounds):
        names = list(turns) if seed % 2 == 0 else list(reversed(turns))
        rounds.append({name: turns[name](seed) for name in names})
    return rounds


def turn(service: Running, rate: float, seed: int) -> Figures:
    """One turn of load: open at the rate, closed where that is 0."""
    connections = MANY if rate else 32
    load = run_load(service.url, mix="steam", rate=rate, connections=connections, seconds=SECONDS, seed=seed)
    names = ("by_status", "transport_errors", "requests_per_second", "tokens_per_second", "latency_ms")
    return {name: load[name] for name in names}


def ratios(rounds: Sequence[Figures], base: str, other: str) -> Figures:
    """The rounds and the medians of what `other` has over `base`."""
    found: Figures = {}
    for cut in ("p50", "p90", "p99"):
        values = [r[other]["latency_ms"][cut] / r[base]["latency_ms"][cut] for r in rounds]
        found[f"{cut}_ratio"] = [round(value, 3) for value in with_interval(values)]
    tokens = [r[other]["tokens_per_second"] / r[base]["tokens_per_second"] for r in rounds]
    found["tokens_ratio"] = round(median(tokens), 3)
    console.print(found)
    return {**found, "rounds": rounds}


def with_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and its 95 % interval by the bootstrap."""
    interval = bootstrap((values,), np.median, rng=1).confidence_interval
    return median(values), float(interval.low), float(interval.high)


def compared(service: Running) -> Figures:
    """Inputs that the shadow answered, and those that it was drawn for in vain."""
    names = {"compared": "touchstone_shadow_items_total", "left_out": "touchstone_shadow_lost_items_total"}
    return {name: metric(service, series) for name, series in names.items()}


def metric(service: Running, name: str) -> float:
    """The sum of a metric over its labels."""
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@contextmanager
def moving(back: bool) -> Iterator[None]:
    """Meanwhile the pointer moves to the other version, or back."""

    def run() -> None:
        time.sleep(MOVE_AFTER)
        move(*([NAME, "--rollback"] if back else [f"{NAME}:{SECOND}"]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def move(*arguments: str) -> None:
    """As a user moves it."""
    command = [sys.executable, "-m", "train.promote", *arguments]
    environment = {**os.environ, "BENTOML_HOME": str(HOME)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()}")


@contextmanager
def pointer_removed_afterwards() -> Iterator[None]:
    """The other benches mean the latest version."""
    try:
        yield
    finally:
        (entry_folder().parent / FILE).unlink(missing_ok=True)


def make_second() -> None:
    """A second version beside the full-size entry: a copy that says another temperature."""
    first, folder = entry_folder(), entry_folder().with_name(SECOND)
    if not folder.exists():
        shutil.copytree(first, folder)
        description = folder / "model.yaml"
        description.write_text(
            description.read_text().replace(f"version: {first.name}", f"version: {SECOND}")
        )
        (folder / "calibration.json").write_text(json.dumps({"temperature": 2.0}))
        write_manifest(folder)


PARTS: dict[str, Callable[[float], Figures]] = {f.__name__: f for f in (promotions, shadow, crowded)}


def main() -> None:
    """Measure the parts asked for and write each at once."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when absent")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"No part {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    rate = round(0.7 * json.loads(UNDER_LOAD.read_text())["saturated"]["requests_per_second"], 1)
    make_second()
    result = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for part in parts:
        figures = PARTS[part](rate)
        result |= {"machine": machine(), "requests_per_second_offered": rate, part: figures}
        write_atomically(RESULT, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
