"""What scoring a file takes, beside the model alone: python -m bench.bulk_scoring FILE [PART ...]

FILE is a Parquet file with real texts in its column `text`. `full-size` scores synthetic texts of Steam's
lengths with the model of bench.full_size; `real` those of FILE with `steam-reviews-onnx-int8`; each in turns
with the lanes alone on the same texts. `service` compares the answers with those of the service, `memory` two
files of very different length, by `sample-reviews-onnx-int8`. Writes bench/results/bulk-scoring.json.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.compare_result import machine
from bench.full_size import DEFAULT_EXPORT, HOME, TASK, entry_folder
from bench.mixes import read_vocabulary, texts
from bench.road import ENVIRONMENT, HUGE_PAGES, console, served
from bench.under_load import lanes_rate
from bentos.model_store import load_entry, open_entry, write_atomically
from bentos.onnx_model import OnnxModel
from bentos.preprocess import TextPreprocess
from train.score import tag_of

RESULT = Path(__file__).parent / "results" / "bulk-scoring.json"
ROUNDS = 5
ALONE_ROWS, ALONE_SECONDS = 1_024, 15.0  # so few that every length gets its turn
FULL_SIZE_ROWS, REAL_ROWS, COMPARED = 6_144, 10_240, 2_000
SHORT, LONG = 50_000, 1_500_000  # rows of the two files
Figures = dict[str, Any]


def full_size(file: Path) -> Figures:
    drawn = islice(texts("steam", read_vocabulary(DEFAULT_EXPORT), seed=1), FULL_SIZE_ROWS)
    tag = f"{TASK}-onnx-int8:{entry_folder().name}"
    return in_turns([text for text, _ in drawn], entry_folder(), tag, {"BENTOML_HOME": str(HOME)})


def real(file: Path) -> Figures:
    tag = tag_of("steam-reviews")
    return in_turns(read_texts(file, REAL_ROWS), load_entry(tag).path, tag, {})


def in_turns(rows: Sequence[str], folder: Path, tag: str, variables: dict[str, str]) -> Figures:
    """Useful tokens of the lanes alone and of the command: a second, and a second of processor time.

    The latter, from which the command's start is taken away, suffers less from neighbours on the machine.
    """
    model, preprocess = OnnxModel(folder), TextPreprocess(folder, open_entry(folder, tag).task)
    items = preprocess(rows)
    some = items[:: len(items) // ALONE_ROWS][:ALONE_ROWS]
    n_tokens, rounds = sum(item.n_tokens for item in items), []
    with TemporaryDirectory() as scratch:
        start = score(write([], Path(scratch) / "in.parquet"), tag, variables)
        source = write(rows, Path(scratch) / "in.parquet")
        for _ in range(ROUNDS):
            alone = beside_cpu(lambda: lanes_rate(model, preprocess, some, ALONE_SECONDS))
            run = score(source, tag, variables)
            per_cpu = n_tokens / (run["cpu_s"] - start["cpu_s"])
            shares = {
                "share": run["tokens_per_second"] / alone["tokens_per_second"],
                "share_by_cpu": per_cpu / alone["tokens_per_cpu_second"],
            }
            rounds.append({"alone": alone, "command": run, **shares})
            console.print(rounds[-1])
    medians = {name: round(median(r[name] for r in rounds), 4) for name in ("share", "share_by_cpu")}
    return {"rows": len(rows), "tokens": n_tokens, "start": start, **medians, "rounds": rounds}


def beside_cpu(measure: Callable[[], float]) -> Figures:
    """A rate, and what it is in processor time."""
    began, cpu = time.perf_counter(), time.process_time()
    rate = measure()
    cores = (time.process_time() - cpu) / (time.perf_counter() - began)
    return {"tokens_per_second": rate, "tokens_per_cpu_second": round(rate / cores, 1)}


def score(source: Path, tag: str, variables: dict[str, str]) -> Figures:
    """One run of the command: its own figures, its seconds from outside, and the most memory that it had."""
    output = source.with_name("out.parquet")
    command = [sys.executable, "-m", "train.score", tag, str(source), str(output)]
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in HUGE_PAGES}
    began, before, peak = time.perf_counter(), os.times(), 0
    with subprocess.Popen(
        command, env={**environment, **variables}, stdout=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            with suppress(psutil.Error):  # it has ended meanwhile
                peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            time.sleep(0.1)
        printed = process.stdout.read() if process.stdout else ""
    seconds, after = time.perf_counter() - began, os.times()
    found = re.search(r"([\d,]+) rows/s, ([\d,]+) tokens/s", printed)
    if process.returncode or not found:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {printed}")
    return {
        "rows_per_second": int(found[1].replace(",", "")),
        "tokens_per_second": int(found[2].replace(",", "")),
        "wall_s": round(seconds, 2),
        "cpu_s": round(sum(after[2:4]) - sum(before[2:4]), 2),
        "peak_mb": peak // 2**20,
    }


def service(file: Path) -> Figures:
    """How far the scores are from those that the service gives to a text alone, and to lists of 100."""
    rows = [text for text in read_texts(file, 2 * COMPARED) if text.strip()][:COMPARED]
    with TemporaryDirectory() as scratch:
        source = write(rows, Path(scratch) / "in.parquet")
        score(source, tag_of("steam-reviews"), {})
        table = pq.read_table(source.with_name("out.parquet"))
        found = []
        for size in (1, 100):  # a service each: it remembers its answers
            with served("steam-reviews", "onnx-int8", Path(scratch)) as url:
                found.append(answered(url, rows, size))
    alone, listed = found
    ours = scores_of([{"label": r["label"], "score": r["score"]} for r in table.to_pylist()])
    pairs = {"file, alone": (ours, alone), "file, list": (ours, listed), "list, alone": (listed, alone)}
    return {"rows": len(rows), **{name: distance(*pair) for name, pair in pairs.items()}}


def answered(url: str, rows: Sequence[str], size: int) -> NDArray[np.float64]:
    """The service's scores to lists of so many texts."""
    best = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for start in range(0, len(rows), size):
            answer = client.post(
                "/predict", json={"inputs": rows[start : start + size], "parameters": {"top_k": 1}}
            )
            best += [item[0] for item in answer.raise_for_status().json()]
    return scores_of(best)


def scores_of(best: Iterable[Figures]) -> NDArray[np.float64]:
    """The scores of one and the same of two labels."""
    rows = list(best)
    first = min(row["label"] for row in rows)
    return np.array([row["score"] if row["label"] == first else 1 - row["score"] for row in rows])


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> Figures:
    far = np.abs(one - other)
    return {
        "median": float(np.median(far)),
        "p99": float(np.quantile(far, 0.99)),
        "max": float(far.max()),
        "other_label": int(((one > 0.5) != (other > 0.5)).sum()),
    }


def memory(file: Path) -> Figures:
    """The most memory that the command had for a file and for one thirty times as long."""
    words = ("good", "bad", "dull", "great", "broken", "splendid")
    found = {}
    with TemporaryDirectory() as scratch:
        for n_rows in (SHORT, LONG):
            rows = [f"{i} {words[i % 6]} {words[i % 5]} game" for i in range(n_rows)]
            found[str(n_rows)] = score(
                write(rows, Path(scratch) / "in.parquet"), tag_of("sample-reviews"), {}
            )
    return found


def read_texts(file: Path, n: int) -> list[str]:
    """So many texts of the file, from all over it."""
    column: list[str] = pq.read_table(file, columns=["text"])["text"].to_pylist()
    return column[:: max(1, len(column) // n)][:n]


def write(rows: Sequence[str], path: Path) -> Path:
    pq.write_table(pa.table({"text": pa.array(rows, pa.string())}), path)
    return path


PARTS: dict[str, Callable[[Path], Figures]] = {
    "full-size": full_size,
    "real": real,
    "service": service,
    "memory": memory,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk_scoring", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when absent")
    arguments = parser.parse_args()
    parts = arguments.parts or list(PARTS)
    if wrong := set(parts) - PARTS.keys():
        sys.exit(f"No part {', '.join(wrong)}. Give some of: {', '.join(PARTS)}")
    if "GLIBC_TUNABLES" not in os.environ:  # the model alone is to have what the command has
        command = [sys.executable, "-m", "bench.bulk_scoring", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **HUGE_PAGES})
    result: Figures = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for part in parts:
        result[part] = PARTS[part](arguments.file)
        result["machine"] = machine()
        write_atomically(RESULT, json.dumps(result, indent=1) + "\n")
        console.print(part, result[part])


if __name__ == "__main__":
    main()
