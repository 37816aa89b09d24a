"""The road as a user goes it: our commands in processes of their own, requests over HTTP."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track

START_DEADLINE = 90  # seconds
REQUEST_TIMEOUT = 30
ENVIRONMENT = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # as service.py sets it for its workers
console = Console()


@dataclass(frozen=True)
class Part:
    """A part of the traffic: when it was sent, how it was answered."""

    title: str
    since: str
    until: str
    accuracy: float
    latencies: list[float]  # milliseconds, one request at a time


def call(module: str, *arguments: str, timeout: float = 7200) -> None:
    """Run one of our commands; its failure ends the run after its own message."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=ENVIRONMENT, timeout=timeout, check=False
    )
    if done.returncode != 0:
        sys.exit(f"python -m {module} {' '.join(arguments)} ended with exit code {done.returncode}.")


@contextmanager
def served(task: str, variant: str, folder: Path) -> Iterator[str]:
    """The URL of a service on a free port; its request log and its output lie in `folder`."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "service:svc", "--port", str(port)]
    command += ["--host", "127.0.0.1", "--arg", f"task={task}", "--arg", f"variant={variant}"]
    environment = {**ENVIRONMENT, "TOUCHSTONE_LOGS": str(folder / "logs")}
    with (folder / "serve.log").open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, folder / "serve.log")
            yield url
        finally:
            _stop(process)


def send(url: str, title: str, texts: Sequence[Any], labels: Sequence[str], n_feedback: int) -> Part:
    """One request after the other, then the true labels of `n_feedback` random ones as audit feedback.

    A text that the service refuses as unreadable (400: nothing but invisible characters, say) is counted.
    """
    since, latencies = _now(), []
    answers: list[tuple[str, str, str]] = []  # request id, answer, true label
    with httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT) as client:
        rows = list(zip(texts, labels, strict=True))
        for text, label in track(
            rows, f"{title:9} traffic", console=console, disable=not console.is_terminal
        ):
            started = time.perf_counter()
            response = client.post("/predict", json={"inputs": text})
            if response.status_code == httpx.codes.BAD_REQUEST:
                continue
            latencies.append(1000 * (time.perf_counter() - started))
            response.raise_for_status()
            answers.append((response.headers["x-request-id"], response.json()[0]["label"], label))
        for request_id, _, label in random.Random(1).sample(answers, min(n_feedback, len(answers))):
            body = {"request_id": request_id, "index": 0, "label": label, "source": "audit"}
            client.post("/feedback", json=body).raise_for_status()
    time.sleep(1.5)  # the log is written within a second; a window ends before the next begins
    accuracy = sum(answer == label for _, answer, label in answers) / len(answers)
    part = Part(title, since, _now(), accuracy, latencies)
    refused = f", {len(rows) - len(answers)} refused" if len(answers) < len(rows) else ""
    console.print(f"{title:9} {len(rows):,} requests{refused}, accuracy {accuracy:.3f}")
    return part


def judge(task: str, part: Part, folder: Path) -> dict[str, Any]:
    """The verdict of the part's window as `result.json` has it, and the path of its `report`."""
    out = folder / "reports" / part.title
    shutil.rmtree(out, ignore_errors=True)  # of an earlier run
    window = ["--since", part.since, "--until", part.until, "--logs", str(folder / "logs"), "--out", str(out)]
    call("monitoring", task, *window, "--fail-on", "none")
    (path,) = out.rglob("result.json")
    return {**json.loads(path.read_text()), "report": str(path.with_name("report.html"))}


def last_run(runs: Path, task: str) -> dict[str, Any]:
    """Tags and metrics of the newest training run of a task."""
    summary: dict[str, Any] = json.loads((runs / task / "last_run.json").read_text())
    return summary


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_DEADLINE and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                console.print(f"Ready at {url} after {time.monotonic() - started:.1f} s")
                return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit(f"The service did not become ready. Its output:\n{output.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the service finish; end what is left of it after a while."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
