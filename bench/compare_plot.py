"""The picture of a comparison: tokens per second, and p99 at the same offered rate."""

import os
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bench.compare_result import DEFAULT, OURS

COLOURS = {"ours": "#b3562d", "same": "#4a6f8a", "default": "#b9c6cf"}
LABELS = {"ours": "Touchstone", "same": "the same ONNX file", "default": "optimum's default export"}


def draw(result: dict[str, Any], path: Path) -> None:
    """Write the PNG; bars are medians over rounds, lines reach from the lowest round to the highest."""
    figure = Figure(
        figsize=(11, 1.0 + 0.34 * max(4, len(result["summary"]["medians"]))), layout="constrained"
    )
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    known = result["summary"]["medians"]
    bars(left, result, "saturated", lambda part: part["tokens_per_second"], list(known))
    left.set_xlabel("useful tokens/s, saturating closed loop")
    open_loop = [key for key in known if "p99_at_rate_ms" in known[key]]
    bars(right, result, "at_rate", lambda part: part["latency_ms"]["p99"], open_loop)
    rate = known.get(OURS, {}).get("offered_per_second", 0)
    right.set_xlabel(f"p99 in ms at {rate:g} requests/s offered to each")
    right.set_xscale("log")
    patches = [Patch(color=COLOURS[group], label=LABELS[group]) for group in COLOURS]
    figure.legend(handles=patches, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    figure.savefig(temporary, dpi=120)
    os.replace(temporary, path)


def bars(axes: Axes, result: dict[str, Any], part: str, value: Any, keys: list[str]) -> None:
    """One bar a side, the best of `tokens_per_second` on top; nothing where no side took part."""
    rounds = {
        k: [value(r[part]) for r in result["sides"][k]["rounds"] if r.get(part, {}).get("ok")] for k in keys
    }
    order = sorted((key for key in keys if rounds[key]), key=lambda key: -median(rounds[key]))
    if part == "saturated":
        order.reverse()
    for place, key in enumerate(order):
        axes.barh(place, median(rounds[key]), color=COLOURS[kind(key)])
        axes.hlines(place, min(rounds[key]), max(rounds[key]), color="black", linewidth=1)
        axes.annotate(f" {median(rounds[key]):,.0f}", (max(rounds[key]), place), va="center", fontsize=8)
    axes.set_yticks(range(len(order)), [key.removesuffix(DEFAULT) for key in order], fontsize=8)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def kind(key: str) -> str:
    if key == OURS:
        return "ours"
    return "default" if key.endswith(DEFAULT) else "same"
