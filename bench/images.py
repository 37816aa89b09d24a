"""What images cost: python -m bench.images NAME=IMAGE ... --over BASE

Size, size over the base, layers; and of five starts, after one that warms the page cache, the medians:
seconds from `run` to ready and to the first answer, memory when idle (each page once, shared ones by their
share). For root, with Docker or Podman. Writes bench/results/images.json; images of other runs stay in it.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

from bench.compare_result import machine
from bench.road import console, free_port
from bentos.model_store import write_atomically
from deploy.containerize import find_engine

RESULT = Path(__file__).parent / "results" / "images.json"
STARTS = 5
IDLE = 5.0  # seconds after the first answer
BODY = {"inputs": "Great art, shame about the netcode."}
Row = dict[str, Any]


def main() -> None:
    """Measure each image and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.images", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("images", nargs="+", metavar="NAME=IMAGE")
    parser.add_argument("--over", default="python:3.11-slim", metavar="BASE", help="default: %(default)s")
    given = parser.parse_args()
    engine = find_engine()
    base = inspect(engine, given.over)["Size"]
    measured = {}
    for name, _, image in (one.partition("=") for one in given.images):
        measured[name] = looks(inspect(engine, image), base) | starts(engine, image)
        console.print(name, measured[name])
    known = json.loads(RESULT.read_text())["images"] if RESULT.is_file() else {}
    result = {
        "machine": machine(),
        "engine": version(engine),
        "base_mb": mb(base),
        "images": known | measured,
    }
    write_atomically(RESULT, json.dumps(result, indent=1) + "\n")


def run(engine: str, *arguments: str) -> str:
    done = subprocess.run([engine, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


def inspect(engine: str, name: str) -> Row:
    found: Row = json.loads(run(engine, "inspect", name))[0]
    return found


def version(engine: str) -> str:
    return run(engine, "--version")


def mb(size: float) -> float:
    return round(size / 1e6, 1)


def looks(image: Row, base: int) -> Row:
    """Its size, all layers unpacked, in MB."""
    layers = len(image["RootFS"]["Layers"])
    return {"size_mb": mb(image["Size"]), "over_base_mb": mb(image["Size"] - base), "layers": layers}


def starts(engine: str, image: str) -> Row:
    """Medians over the starts, and the seconds to ready of each."""
    start(engine, image)
    rows = [start(engine, image) for _ in range(STARTS)]
    told: Row = {name: round(median(row[name] for row in rows), 2) for name in rows[0]}
    return told | {"seconds_to_ready_of_each": [round(row["seconds_to_ready"], 2) for row in rows]}


def start(engine: str, image: str) -> dict[str, float]:
    """One container from `run` to the end."""
    port = free_port()
    began = time.monotonic()
    name = run(
        engine, "run", "--detach", "--cpus", "2", "--memory", "2g", "-p", f"127.0.0.1:{port}:3000", image
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until(lambda: client.get("/readyz"))
            ready = time.monotonic() - began
            until(lambda: client.post("/predict", json=BODY))
            answered = time.monotonic() - began
        time.sleep(IDLE)
        memory = resident(int(inspect(engine, name)["State"]["Pid"]))
        return {"seconds_to_ready": ready, "seconds_to_first_answer": answered, "idle_memory_mb": mb(memory)}
    finally:
        run(engine, "rm", "--force", "--volumes", name)


def until(ask: Callable[[], httpx.Response]) -> None:
    """Ask until the answer is good; raises TimeoutError after two minutes."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if ask().is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise TimeoutError("the container does not answer")


def resident(pid: int) -> int:
    """Bytes of the process and of all below it."""
    first = psutil.Process(pid)
    return sum(one.memory_full_info().pss for one in [first, *first.children(recursive=True)])


if __name__ == "__main__":
    main()
