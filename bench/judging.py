"""`python -m monitoring` over made-up logs, in a process of its own: what it says, and what it takes."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.log_rows import log_rows
from bentos.task import load_task
from monitoring.reference import Reference

NAME = "made-reviews"
TAG = f"{NAME}-onnx-int8:1"
START = datetime(2026, 11, 2, tzinfo=UTC)
EVERY = 0.1  # seconds between two looks at the processes
Figures = dict[str, Any]


@cache
def reference() -> Reference:
    """Rows of the same origin as the log."""
    rows = log_rows(5_000, TAG, START - timedelta(days=30), seed=2**32).to_pylist()
    task = replace(load_task("sample-reviews"), name=NAME)
    return Reference(TAG, task, [row | {"true_label": row["label"]} for row in rows])


def store_entry(home: Path) -> Path:
    """The reference as an entry of the model store `home`, which commands will use from now on: its task."""
    os.environ["BENTOML_HOME"] = str(home)
    from bentos.model_store import save_entry  # BentoML looks at BENTOML_HOME when it is imported

    folder, path = home / "entry", home / f"{NAME}.yaml"
    folder.mkdir(parents=True)
    for file in (path, folder / "task.yaml"):
        file.write_text(reference().task.to_yaml())
    for name, content in {"calibration": {"temperature": 1.0}, "metrics": {}, "canonical": []}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    lines = (f"{json.dumps(row)}\n" for row in reference().rows)
    (folder / "reference.jsonl").write_text("".join(lines))
    save_entry(folder, TAG)
    return path


def judge(task: Path, logs: Path, hours: int, out: Path, *options: str) -> Figures:
    """Judge the hours from START on as one window: the verdict, and what it took."""
    until = START + timedelta(hours=hours)
    command = [sys.executable, "-m", "monitoring", str(task), "--logs", str(logs), "--out", str(out)]
    command += ["--since", START.isoformat(), "--until", until.isoformat(), "--fail-on", "none", *options]
    figures = watch(command)
    result = json.loads(next(out.rglob("result.json")).read_text())
    return {"rows": result["rows"]["judged"], "verdict": result["verdict"], **figures}


def watch(command: list[str]) -> Figures:
    """Run a command: seconds in all, and seconds of the processors and peak memory of its processes by role.

    Pages that processes share are counted once (PSS); a peak is the largest sum that was seen.
    """
    began, seconds, peaks = (
        time.perf_counter(),
        dict[tuple[str, int], float](),
        defaultdict[str, float](float),
    )
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for role, mb in look(psutil.Process(process.pid), seconds).items():
                peaks[role] = max(peaks[role], mb)
            time.sleep(EVERY)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu = defaultdict[str, float](float)
    for (role, _), spent in seconds.items():
        cpu[role] += spent
        cpu["all"] += spent
    wall = time.perf_counter() - began
    return {"wall_s": round(wall, 1), "cpu_s": _rounded(cpu, 1), "peak_mb": _rounded(peaks, 0)}


def look(root: psutil.Process, seconds: dict[tuple[str, int], float]) -> dict[str, float]:
    """The memory of a process and those below it in MB, by role; their processor time goes into `seconds`."""
    memory = defaultdict[str, float](float)
    with suppress(psutil.Error):
        for one in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):  # it has ended
                role = "main" if one == root else _role(" ".join(one.cmdline()))
                seconds[role, one.pid] = sum(one.cpu_times()[:2])
                memory[role] += one.memory_full_info().pss / 1e6
    return {**memory, "all": sum(memory.values())}


def _role(command: str) -> str:
    """Ray names its workers after what they do."""
    return "workers" if command.startswith("ray::") and "Agent" not in command else "Ray itself"


def _rounded(figures: dict[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in figures.items()}
