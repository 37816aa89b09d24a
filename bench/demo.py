"""`make demo`: the whole road on the bundled sample, from training to two drift reports, offline."""

import shutil
import sys
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.table import Table

from bench.road import Part, call, console, judge, last_run, send, served
from train.figures_table import figures_table
from train.sample_corpus import DRIFTS, generate

TASK = "sample-reviews"
FOLDER = Path("demo-run")
ROWS = 1500  # requests in each part
LABELLED = 300  # of them, drawn at random, get their true label as feedback


def main() -> int:
    """Train, store, serve, predict, log, report; then say how it went."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    step(1, f"Train {TASK} and store both variants")
    call("train", TASK, "--baseline", "--runs", str(FOLDER / "runs"))
    step(2, "Serve the int8 variant and send labelled traffic")
    with served(TASK, "onnx-int8", FOLDER) as url:
        parts = [
            traffic(url, "ordinary", seed=7, drift=()),
            traffic(url, "drifted", seed=8, drift=tuple(DRIFTS)),
        ]
    step(3, "Judge each part against the reference and draw its report")
    results = [judge(TASK, part, FOLDER) for part in parts]
    console.rule("[bold]Summary", align="left")
    console.print(variants_table(last_run(FOLDER / "runs", TASK)))
    console.print(traffic_table(parts, results))
    for part, result in zip(parts, results, strict=True):
        print(f"{part.title:9} {result['report']}")
    return 0


def step(number: int, title: str) -> None:
    console.rule(f"[bold]{number}. {title}", align="left")


def traffic(url: str, title: str, seed: int, drift: tuple[str, ...]) -> Part:
    """Reviews that training has never seen, with or without drift."""
    rows = generate(ROWS, seed=seed, drift=drift)
    return send(url, title, [r["text"] for r in rows], [r["label"] for r in rows], LABELLED)


def variants_table(run: dict[str, Any]) -> Table:
    table = figures_table("variant", "accuracy", "macro F1", "weights")
    for name, metrics in run["metrics"].items():
        size = f"{metrics['model_bytes'] / 1e6:.1f} MB"
        table.add_row(name, f"{metrics['accuracy']:.3f}", f"{metrics['macro_f1']:.3f}", size)
    baseline = run["baseline"]
    table.add_row("TF-IDF", f"{baseline['accuracy']:.3f}", f"{baseline['macro_f1']:.3f}", "")
    return table


def traffic_table(parts: list[Part], results: list[dict[str, Any]]) -> Table:
    table = figures_table("traffic", "requests", "accuracy", "latency p50", "p99")
    table.add_column("verdict")
    for part, result in zip(parts, results, strict=True):
        cuts = quantiles(part.latencies, n=100)
        latency = [f"{cuts[49]:.1f} ms", f"{cuts[98]:.1f} ms"]
        table.add_row(part.title, f"{ROWS:,}", f"{part.accuracy:.3f}", *latency, result["verdict"])
    return table


if __name__ == "__main__":
    sys.exit(main())
