"""What judging takes beyond one machine, measured on one: python -m bench.fleet [MILLIONS]

MILLIONS of rows as Parquet files, one for each host and hour, are counted by a local Ray cluster, a worker
for each core, and by one process; both must come to the same result. What a month of 1,000 requests a second
takes is reckoned from that. Writes bench/results/fleet.json.
"""

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.progress import track

from bench.compare_result import machine
from bench.judging import NAME, START, TAG, judge, store_entry
from bench.log_rows import json_lines, log_rows
from bench.road import console
from bentos.log_files import HOUR, compress
from bentos.model_store import write_atomically

RESULT = Path(__file__).parent / "results" / "fleet.json"
FILE_ROWS = 500_000
HOSTS = 4
MONTH_ROWS = 1_000 * 30 * 86_400
Figures = dict[str, Any]


def main() -> int:
    """The command; 1 when the cluster found something else than one process."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("millions", nargs="?", type=int, default=50)
    n_files = parser.parse_args().millions * 1_000_000 // FILE_ROWS
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        task, hours = store_entry(folder / "store"), -(-n_files // HOSTS)
        figures = {"machine": machine(), "files": n_files, "bytes_a_row": write(folder / "logs", n_files)}
        ways = {"ray": ("--ray", "local"), "one process": ()}
        for way, options in ways.items():
            figures[way] = judge(task, folder / "logs", hours, folder / way, *options)
        results = {next((folder / way).rglob("result.json")).read_bytes() for way in ways}
    figures |= {"same_result": len(results) == 1, **reckoned(figures)}
    write_atomically(RESULT, json.dumps(figures, indent=1) + "\n")
    console.print(figures)
    return 0 if figures["same_result"] else 1


def write(logs: Path, n_files: int) -> Figures:
    """The log, and how many bytes a row takes in each form."""
    folder = logs / NAME
    folder.mkdir(parents=True)
    for i in track(range(n_files), "writing", console=console, transient=True):
        start = START + i // HOSTS * timedelta(hours=1)
        name = f"requests-{start.strftime(HOUR)}-host{i % HOSTS}"
        pq.write_table(
            log_rows(FILE_ROWS, TAG, start, seed=i), folder / f"{name}.parquet", compression="zstd"
        )
    sizes = {"parquet": sum(path.stat().st_size for path in folder.iterdir()) / n_files}
    lines = logs / "lines.jsonl"
    lines.write_bytes(json_lines(log_rows(FILE_ROWS, TAG, START, seed=0)))
    sizes["lines"] = lines.stat().st_size
    compress(lines)
    sizes["lines, gzip"] = Path(f"{lines}.gz").stat().st_size
    return {form: round(size / FILE_ROWS, 1) for form, size in sizes.items()}


def reckoned(figures: Figures) -> Figures:
    """Rates, and what a month of 1,000 requests a second comes to."""
    ray, rows = figures["ray"], figures["ray"]["rows"]
    return {
        "rows_per_second": round(rows / ray["wall_s"]),
        "rows_per_cpu_second": {
            "workers": round(rows / ray["cpu_s"]["workers"]),
            "all processes": round(rows / ray["cpu_s"]["all"]),
            "one process": round(rows / figures["one process"]["cpu_s"]["all"]),
        },
        "a_month_of_1000_rows_per_second": {
            "rows": MONTH_ROWS,
            "gb": {form: round(MONTH_ROWS * size / 1e9) for form, size in figures["bytes_a_row"].items()},
            "core_hours": round(MONTH_ROWS * ray["cpu_s"]["all"] / rows / 3600, 2),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
