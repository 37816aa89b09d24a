"""How fast one core reads a log, and what judging a window takes: python -m bench.log_reading [MILLIONS]

A million rows as the log writer leaves them behind when it closes a file, as lines that nobody has compressed
yet, and as Parquet; then the whole command over the closed files, and over MILLIONS of rows. Processor
seconds, since others use the machine too. Writes bench/results/log-reading.json.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq
from rich.progress import track

from bench.compare_result import machine
from bench.judging import START, TAG, judge, reference, store_entry
from bench.log_rows import json_lines, log_rows
from bench.road import console
from bentos.log_files import HOUR, compress
from bentos.model_store import write_atomically
from monitoring.reading import tally_files
from monitoring.windows import Window

RESULT = Path(__file__).parent / "results" / "log-reading.json"
FILE_ROWS = 100_000  # in each hour: what the writer puts into a file before it begins another
MILLION = 10  # files
REPEATS = 5
ENDINGS = {"closed": ".jsonl", "plain": ".jsonl", "parquet": ".parquet"}
Figures = dict[str, Any]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.log_reading", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("millions", nargs="?", type=int, default=20)
    millions = parser.parse_args().millions
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = {"machine": machine(), "reading": {form: reading(folder, form) for form in ENDINGS}}
        figures["judging"] = judging(folder, millions)
    write_atomically(RESULT, json.dumps(figures, indent=1) + "\n")
    console.print(figures)
    return 0


def reading(folder: Path, form: str) -> Figures:
    """Rows that one core counts in a second, the median of REPEATS, from a million."""
    paths = [write(folder / form, form, hour) for hour in range(MILLION)]
    window = Window(START, START + timedelta(hours=MILLION))
    scope, rates = reference().scope(window, ()), []
    for _ in range(REPEATS):
        began = time.process_time()
        rows = tally_files(paths, scope).n_rows
        rates.append(rows / (time.process_time() - began))
    size = sum(path.stat().st_size for path in (folder / form).iterdir())
    return {"rows_per_cpu_second": round(median(rates)), "bytes_a_row": round(size / rows, 1)}


def judging(folder: Path, millions: int) -> Figures:
    """The whole command over the closed million, the median run of REPEATS, and once over more."""
    task, logs = store_entry(folder / "store"), folder / "logs"
    logs.mkdir()
    (folder / "closed").rename(logs / "made-reviews")
    runs = [judge(task, logs, MILLION, folder / f"out-{i}") for i in range(REPEATS)]
    one = sorted(runs, key=lambda run: run["cpu_s"]["all"])[REPEATS // 2]
    for hour in track(range(MILLION, millions * MILLION), "writing", console=console, transient=True):
        write(logs / "made-reviews", "closed", hour)
    return {"1M": one, f"{millions}M": judge(task, logs, millions * MILLION, folder / "out-many")}


def write(folder: Path, form: str, hour: int) -> Path:
    """The log file of an hour; closed ones go by their uncompressed name."""
    folder.mkdir(exist_ok=True)
    start = START + timedelta(hours=hour)
    path = folder / f"requests-{start.strftime(HOUR)}-host-1-{hour:08x}{ENDINGS[form]}"
    rows = log_rows(FILE_ROWS, TAG, start, seed=hour)
    if form == "parquet":
        pq.write_table(rows, path, compression="zstd")
    else:
        path.write_bytes(json_lines(rows))
    if form == "closed":
        compress(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
