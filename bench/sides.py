"""The sides of the comparison: what each is started with, and a running one."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.environments import VENVS
from bench.full_size import HOME, TASK, WORK
from bench.road import free_port

ROOT = Path(__file__).parents[1]
START_DEADLINE = 60.0  # seconds
ASK_DEADLINE = 30.0
LIST_BODY = '{"inputs": [%s]}'
INFINITY_BODY = '{"model": "m", "input": [%s]}'
V2_BODY = '{"inputs": [{"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": [%s]}]}'
QUIET = {"BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1", "RAY_USAGE_STATS_ENABLED": "0"}
QUIET |= {"HF_HUB_OFFLINE": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
RAY_FAST = (("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1"),)
Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Side:
    """One way to serve. `peer` names the file in bench/peers and its environment; "" is our own service."""

    title: str
    peer: str = ""
    options: str = ""
    path: str = "/predict"
    body: str = '{"inputs": %s}'
    read: Callable[[Any], Answer] = lambda value: list(value)
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Running:
    """A service that has answered once."""

    side: Side
    url: str
    start_seconds: float  # from the start of the process to the first right answer
    process: psutil.Process

    def ask(self, text: str) -> Answer:
        """Labels with scores of one text; raises OSError without an answer of status 200."""
        return ask(self.side, self.url, text)

    def memory_mb(self) -> int:
        """Proportional set size of the service and its children: what they share counts once."""
        family = [self.process, *self.process.children(recursive=True)]
        sizes = []
        for process in family:
            with suppress(psutil.NoSuchProcess):  # ended meanwhile
                sizes.append(process.memory_full_info().pss)
        return int(sum(sizes) / 2**20)


def first(value: Any) -> Answer:
    return list(value[0])


def v2(value: Any) -> Answer:
    return list(json.loads(value["outputs"][0]["data"][0]))


def infinity(value: Any) -> Answer:
    return list(value["data"][0])


def batchable(title: str, options: str) -> Side:
    return Side(f"BentoML batchable=True, {title}", "bentoml_batchable", options, body=LIST_BODY, read=first)


def mlserver_v2(title: str, options: str) -> Side:
    path = "/v2/models/m/infer"
    return Side(f"MLServer, V2 protocol, {title}", "mlserver_ort", options, path, V2_BODY, v2)


def infinity_classify(options: str) -> Side:
    title = f"infinity-emb, /classify, optimum engine, {options.strip('-')}"
    return Side(title, "infinity", options, "/classify", INFINITY_BODY, infinity)


# Every setting tried for two cores, the figures in results/peers-tried.json. SIDES takes the best of each.
TRIED = {
    "bentoml": [
        batchable("as it comes: batches up to 100, ONNX Runtime's threads", ""),
        batchable("batches up to 8, ONNX Runtime's threads", "--batch 8"),
        batchable("2 workers of 1 thread, batches up to 8", "--workers 2 --threads 1 --batch 8"),
        batchable("2 workers of 1 thread, batches up to 2", "--workers 2 --threads 1 --batch 2"),
    ],
    "fastapi": [
        Side("FastAPI, pool of 2 over a session of 1 thread", "fastapi_ort", "--lanes 2 --threads 1"),
        Side("FastAPI, 2 workers of 1 thread", "fastapi_ort", "--workers 2 --lanes 1 --threads 1"),
        Side("FastAPI, ONNX Runtime's threads, one call at a time", "fastapi_ort", "--lanes 1 --threads 0"),
        Side("FastAPI, ONNX Runtime's threads, pool of 2", "fastapi_ort", "--lanes 2 --threads 0"),
    ],
    "litserve": [
        Side("LitServe, 2 workers of 1 thread", "litserve_ort", "--workers 2 --threads 1"),
        Side("LitServe, 2 workers of 1 thread, fast queue", "litserve_ort", "--workers 2 --fast-queue"),
        Side("LitServe, 2 workers of 1 thread, batches up to 16", "litserve_ort", "--workers 2 --batch 16"),
        Side("LitServe, 1 worker, ONNX Runtime's threads", "litserve_ort", "--workers 1 --threads 0"),
    ],
    "mlserver": [
        mlserver_v2("2 workers of 1 thread", "--workers 2 --threads 1"),
        mlserver_v2("2 workers of 1 thread, batches up to 16", "--workers 2 --threads 1 --batch 16"),
        mlserver_v2("no workers, ONNX Runtime's threads", "--workers 0 --threads 0"),
        Side("MLServer, custom handler, 2 workers of 1 thread", "mlserver_ort", "--workers 2 --threads 1"),
    ],
    "ray-serve": [
        Side("Ray Serve, 2 replicas of 1 thread", "ray_serve", "--workers 2 --threads 1"),
        Side("Ray Serve, 2 replicas of 1 thread, throughput-optimized", "ray_serve", environment=RAY_FAST),
        Side("Ray Serve, 2 replicas of 1 thread, 2 ongoing", "ray_serve", "--workers 2 --ongoing 2"),
        Side("Ray Serve, 2 replicas of 1 thread, batches up to 16", "ray_serve", "--batch --ongoing 32"),
        Side("Ray Serve, 1 replica, ONNX Runtime's threads", "ray_serve", "--workers 1 --threads 0"),
    ],
    "infinity": [infinity_classify("--batch 32"), infinity_classify("--batch 1")],
}
OURS = Side("Touchstone")
SIDES = {
    "touchstone": OURS,
    "bentoml-plain": TRIED["bentoml"][0],
    "bentoml-tuned": TRIED["bentoml"][2],
    "fastapi": TRIED["fastapi"][0],
    "litserve": TRIED["litserve"][1],
    "mlserver": TRIED["mlserver"][0],
    "ray-serve": TRIED["ray-serve"][3],
    "infinity": TRIED["infinity"][1],
}


@contextmanager
def running(side: Side, folder: Path, scratch: Path) -> Iterator[Running]:
    """The side serving the model in `folder`, its output in `scratch`.

    Raises RuntimeError when it does not come to answer.
    """
    port = free_port()
    command, variables = (
        own_command(side, port, scratch) if not side.peer else peer_command(side, folder, port)
    )
    variables = {**os.environ, **QUIET, **variables, **dict(side.environment), "TMPDIR": str(scratch)}
    output = scratch / "output.txt"
    with output.open("wb") as stream:
        began = time.perf_counter()
        process = psutil.Popen(
            command, cwd=ROOT, env=variables, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_answer(side, url, process, output)
        yield Running(side, url, round(time.perf_counter() - began, 2), process)
    finally:
        stop(process)


def own_command(side: Side, port: int, scratch: Path) -> tuple[list[str], dict[str, str]]:
    """As a user starts ours, from the store that bench.full_size made."""
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "service:svc", "--port", str(port)]
    command += [
        "--host",
        "127.0.0.1",
        "--arg",
        f"task={TASK}",
        "--arg",
        "drain_seconds=0",
        *side.options.split(),
    ]
    return command, {"BENTOML_HOME": str(HOME), "TOUCHSTONE_LOGS": str(scratch / "logs")}


def peer_command(side: Side, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """The peer's file by the Python of its own environment."""
    bin_folder = VENVS / side.peer / "bin"
    command = [str(bin_folder / "python"), "-m", f"bench.peers.{side.peer}", str(folder), "--port", str(port)]
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "PYTHONPATH": str(ROOT), "BENTOML_HOME": str(WORK / "peer-home")}
    return [*command, *side.options.split()], variables


def wait_for_answer(side: Side, url: str, process: psutil.Popen, output: Path) -> None:
    """Ask until there is an answer; raises RuntimeError with what the service wrote."""
    end = time.monotonic() + START_DEADLINE
    last = ""
    while time.monotonic() < end and process.poll() is None:
        try:
            ask(side, url, "a first text")
            return
        except (OSError, ValueError) as error:
            last = str(error)
            time.sleep(0.05)
    said = output.read_text()[-1500:]
    raise RuntimeError(f"{side.title} did not answer ({last}). Its output ends with: {said}")


def ask(side: Side, url: str, text: str) -> Answer:
    body = side.body.replace("%s", json.dumps(text)).encode()
    request = urllib.request.Request(url + side.path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=ASK_DEADLINE) as answer:
        return side.read(json.load(answer))


def stop(process: psutil.Popen) -> None:
    """SIGTERM; after a while SIGKILL to what is left of it and of the processes that it started."""
    family: list[psutil.Process] = [process]
    with suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
        process.terminate()
    _, alive = psutil.wait_procs(family, timeout=20)
    for left in alive:
        left.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # children that were orphaned before
    psutil.wait_procs(alive, timeout=10)
