"""What a comparison says: the machine, the versions, medians over rounds and the ratios that count."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.environments import PINS, VENVS
from bench.roof import share_of_roof

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
OURS, PLAIN, DEFAULT = "touchstone", "bentoml-plain", "@optimum"
Row = dict[str, Any]
Value = Callable[[Row], float | None]


def machine() -> dict[str, Any]:
    """The processor and the date; nothing that names the host."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    known = re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)
    flags = known.group(1).split() if known else []
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count() or 1,
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
    }


def versions(peers: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of each peer's environment (""  is ours) the packages that serve."""
    return {peer or OURS: _installed(peer) for peer in peers}


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """Medians of each side, and ratios: of each round first, then their median."""
    sides = {
        key: [row for row in side["rounds"] if "saturated" in row] for key, side in result["sides"].items()
    }
    sides = {key: rows for key, rows in sides.items() if rows}
    told: dict[str, Any] = {"medians": {key: medians(rows) for key, rows in sides.items()}}
    if OURS not in sides:
        return told
    roof = max(result["roof"], key=lambda roof: float(roof["gops_all_lanes"]))  # a neighbour only lowers it
    told["roof_gops"] = roof["gops_all_lanes"]
    told["share_of_roof"] = share_of_roof(told["medians"][OURS]["tokens_per_second"], roof)
    same = {key: rows for key, rows in sides.items() if key != OURS and not key.endswith(DEFAULT)}
    default = {key: rows for key, rows in sides.items() if key.endswith(DEFAULT)}
    told["tokens_per_second_over"] = {
        key: ratio(sides[OURS], sides[key], tokens) for key in {**same, **default}
    }
    told["best_peer"] = best(same, told["medians"])
    told["best_peer_on_optimum_default"] = best(default, told["medians"])
    told["p99_of_lone_requests_times"] = ratio(sides[OURS], sides[OURS], p99, lone_p99)
    told["p99_at_rate_of"] = {key: ratio(rows, sides[OURS], p99) for key, rows in same.items()}
    return told


def medians(rows: list[Row]) -> dict[str, float]:
    """Of one side's rounds."""
    values: dict[str, Value] = {
        "tokens_per_second": tokens,
        "requests_per_second": lambda row: row["saturated"]["requests_per_second"],
        "saturated_p99_ms": lambda row: latency(row, "saturated"),
        "offered_per_second": lambda row: row.get("at_rate", {}).get("rate"),
        "answered_per_second": lambda row: row.get("at_rate", {}).get("requests_per_second"),
        "p50_at_rate_ms": lambda row: latency(row, "at_rate", "p50"),
        "p99_at_rate_ms": p99,
        "lone_p99_ms": lone_p99,
        "start_seconds": lambda row: row["start_seconds"],
        "memory_mb": lambda row: row["memory_mb"],
    }
    found = {name: [v for row in rows if (v := value(row)) is not None] for name, value in values.items()}
    return {name: round(median(numbers), 2) for name, numbers in found.items() if numbers}


def ratio(above: list[Row], below: list[Row], value: Value, value_below: Value | None = None) -> float | None:
    """Median over the rounds that both have; None without such."""
    others = {row["round"]: (value_below or value)(row) for row in below}
    pairs = [(value(row), others.get(row["round"])) for row in above]
    ratios = [a / b for a, b in pairs if a and b]
    return round(median(ratios), 3) if ratios else None


def tokens(row: Row) -> float:
    return float(row["saturated"]["tokens_per_second"])


def p99(row: Row) -> float | None:
    return latency(row, "at_rate")


def lone_p99(row: Row) -> float | None:
    return latency(row, "lone")


def latency(row: Row, part: str, cut: str = "p99") -> float | None:
    """In ms; None where the side did not take part or answered nothing."""
    value: float | None = row.get(part, {}).get("latency_ms", {}).get(cut)
    return value


def best(sides: dict[str, list[Row]], known: dict[str, dict[str, float]]) -> str | None:
    return max(sides, key=lambda key: known[key]["tokens_per_second"], default=None)


def _installed(peer: str) -> dict[str, str]:
    """Versions of the packages named in the peer's requirements; of ours, those of its serving path."""
    file = PINS / f"{peer or 'bentoml_batchable'}.txt"
    names = [re.split(r"[\[<=>]", line)[0] for line in file.read_text().split()]
    python = VENVS / peer / "bin" / "python" if peer else Path(sys.executable)
    command = [str(python), "-c", _ASK, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


_ASK = "import sys, importlib.metadata as m\nfor name in sys.argv[1:]: print(name, m.version(name))"
