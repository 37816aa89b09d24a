"""Our service beside its peers, in turns: python -m bench.compare FOLDER

FOLDER has config.json and tokenizer.json of a DistilBERT. Each round gives every side one turn, in an order
that moves on by one: start, right answers?, saturating closed loop, then an open loop at 70 % of what ours
carried so far, the same rate for all sides of a round. Only one service is up at a time: idle ones poll (Ray,
LitServe) and hold memory. All sides get the ONNX file and the tokenizer of our store entry; those named
`...@optimum` get optimum's default export of the same weights. `--tried` measures every setting of the peers
instead. bench/results/peers.json (or peers-tried.json) and its picture are written anew after every turn.
"""

import argparse
import json
import math
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import Progress

from bench.compare_plot import draw
from bench.compare_result import machine, summary, versions
from bench.environments import make_environment
from bench.full_size import DEFAULT_EXPORT, entry_folder
from bench.load import run_load
from bench.mixes import read_vocabulary, texts
from bench.peers.model import OrtClassifier
from bench.road import console
from bench.roof import measure_roof
from bench.sides import OURS, SIDES, TRIED, Answer, Running, Side, running
from bentos.model_store import write_atomically

RESULTS = Path(__file__).parent / "results"
CHECKS = 8  # texts whose answers are compared with the file's own
TOLERANCE = 0.05  # of the difference of two logits
TRIES = 2  # a side that fails so often gets no further turn
SHARE = 0.7  # of our saturated throughput, in the open loop
OPEN_CONNECTIONS = 1024
KEPT = (
    "requests",
    "ok",
    "by_status",
    "transport_errors",
    "requests_per_second",
    "tokens_per_second",
    "latency_ms",
    "sent_late_ms",
    "rate",
    "cpu_ms_each",
)


@dataclass(frozen=True)
class Settings:
    """The options of the command."""

    rounds: int = 5
    seconds: float = 20.0
    warmup: float = 8.0  # before the first part; BentoML's dispatcher learns from its first dozen batches
    connections: int = 32
    mix: str = "steam"


@dataclass(frozen=True)
class Turn:
    """What one side does in each round."""

    key: str
    side: Side
    folder: Path
    parts: tuple[str, ...]


PARTS: dict[str, dict[str, Any]] = {  # settings of the load; None: by the run
    "saturated": {},
    "at_rate": {"rate": None, "connections": OPEN_CONNECTIONS, "warmup": 2.0},
    "lone": {"connections": 1, "warmup": 2.0},
}


class Comparison:
    """The rounds and what came of them."""

    def __init__(self, settings: Settings, turns: list[Turn], missing: dict[str, str], path: Path) -> None:
        self._settings, self._turns, self._path = settings, turns, path
        self._rate, self._own_rates = 0.0, list[float]()
        self._failed: Counter[str] = Counter()
        self._checks = check_texts(settings.mix)
        self._expected = {folder: own_margins(folder, self._checks) for folder in {t.folder for t in turns}}
        self.result: dict[str, Any] = {
            "machine": machine(),
            "settings": {**asdict(settings), "share_of_own_throughput": SHARE},
            "versions": versions(sorted({turn.side.peer for turn in turns})),
            "left_out": missing,
            "roof": [],
            "sides": {t.key: {"title": t.side.title, "options": t.side.options, "rounds": []} for t in turns},
        }

    def run(self) -> None:
        """All rounds, each written when it is there."""
        with Progress(console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("turns", total=self._settings.rounds * len(self._turns))
            for i in range(self._settings.rounds):
                self.result["roof"].append(measure_roof(self.result["machine"]["cores"], seconds=1.0))
                self._rate = SHARE * median(self._own_rates or [0.0])
                for turn in self._turns[i % len(self._turns) :] + self._turns[: i % len(self._turns)]:
                    if self._failed[turn.key] < TRIES:
                        self._take(turn, i)
                    progress.advance(bar)

    def _take(self, turn: Turn, i: int) -> None:
        try:
            row = {"round": i, **self._measure(turn, i)}
        except (RuntimeError, OSError, ValueError) as error:
            self._failed[turn.key] += 1
            row = {"round": i, "error": str(error)[-1500:]}
        self.result["sides"][turn.key]["rounds"].append(row)
        self.result["summary"] = summary(self.result)
        write_atomically(self._path, json.dumps(self.result, indent=1) + "\n")
        draw(self.result, self._path.with_suffix(".png"))
        told = "; ".join(f"{part} {figures(row[part])}" for part in turn.parts if part in row)
        console.print(f"{i + 1}  {turn.key}: {row.get('error') or told}", markup=False, soft_wrap=True)

    def _measure(self, turn: Turn, i: int) -> dict[str, Any]:
        """One turn; raises RuntimeError when the side does not start or answers wrongly."""
        with (
            TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
            running(turn.side, turn.folder, Path(scratch)) as service,
        ):
            row: dict[str, Any] = {
                "start_seconds": service.start_seconds,
                "check": self._check(turn, service),
            }
            for n, part in enumerate(turn.parts):
                if part == "at_rate" and not self._rate:
                    continue  # ours is not among the sides
                row[part] = self._load(turn.side, service.url, part, seed=100 * i + n)
                if turn.side is OURS and part == "saturated":
                    self._own_rates.append(row[part]["requests_per_second"])
                    self._rate = self._rate or SHARE * self._own_rates[0]
            row["memory_mb"] = service.memory_mb()
        return row

    def _load(self, side: Side, url: str, part: str, seed: int) -> dict[str, Any]:
        chosen = {"connections": self._settings.connections, **PARTS[part]}
        if "rate" in chosen:
            chosen["rate"] = round(self._rate, 1)
        own = {name: value for name, value in asdict(self._settings).items() if name != "rounds"}
        found = run_load(url, **{**own, **chosen}, seed=seed, path=side.path, body=side.body)
        return {name: found[name] for name in KEPT}

    def _check(self, turn: Turn, service: Running) -> dict[str, Any]:
        """Compare answers with what the ONNX file itself says; raises RuntimeError where they differ."""
        warmth = temperature(turn.folder) if turn.side is OURS else 1.0
        found = [warmth * margin(service.ask(text)) for text in self._checks]
        pairs = list(zip(found, self._expected[turn.folder], strict=True))
        difference = max(abs(a - b) for a, b in pairs)
        same = sum((a > 0) == (b > 0) for a, b in pairs)
        if same < len(pairs) or difference > TOLERANCE:
            raise RuntimeError(f"{turn.key} answers wrongly: {pairs} should be pairs of equal numbers")
        return {"same_labels": f"{same} of {len(pairs)}", "largest_logit_difference": round(difference, 6)}


def figures(load: dict[str, Any]) -> str:
    p99, rate = load["latency_ms"].get("p99", math.nan), load["requests_per_second"]
    return f"{load['tokens_per_second']:,.0f} tokens/s, {rate:.1f}/s, p99 {p99:.0f} ms"


def check_texts(mix: str) -> list[str]:
    return [text for text, _ in islice(texts(mix, read_vocabulary(DEFAULT_EXPORT), seed=-1), CHECKS)]


def own_margins(folder: Path, checks: list[str]) -> list[float]:
    """What the folder's file says of the texts, without any service."""
    model = OrtClassifier(str(folder), 1)
    return [margin(model([text])[0]) for text in checks]


def margin(answer: Answer) -> float:
    """Logit of `positive` less that of `negative`, from the two scores."""
    scores = {row["label"]: row["score"] for row in answer}
    return math.log(scores["positive"] / scores["negative"])


def temperature(folder: Path) -> float:
    return float(json.loads((folder / "calibration.json").read_text())["temperature"])


def planned(only: list[str]) -> list[Turn]:
    """Ours, the peers on our file, the peers on optimum's default export."""
    open_loop = ("saturated", "at_rate")
    turns = [Turn("touchstone", OURS, entry_folder(), (*open_loop, "lone"))]
    peers = {key: side for key, side in SIDES.items() if side is not OURS}
    turns += [Turn(key, side, entry_folder(), open_loop) for key, side in peers.items()]
    turns += [Turn(f"{key}@optimum", side, DEFAULT_EXPORT, ("saturated",)) for key, side in peers.items()]
    if wrong := set(only) - {turn.key for turn in turns}:
        sys.exit(f"No side {', '.join(wrong)}. Give some of: {','.join(turn.key for turn in turns)}")
    return [turn for turn in turns if not only or turn.key in only]


def every_setting(only: list[str]) -> list[Turn]:
    sides = [(name, side) for name, tried in TRIED.items() for side in tried if not only or name in only]
    return [Turn(f"{name}: {side.title}", side, entry_folder(), ("saturated",)) for name, side in sides]


def environments(turns: list[Turn]) -> dict[str, str]:
    """Make what the turns need; peers that cannot be installed, with the reason."""
    missing = {}
    for peer in sorted({turn.side.peer for turn in turns} - {""}):
        try:
            make_environment(peer)
        except (subprocess.TimeoutExpired, OSError) as error:
            console.print(f"No environment for {peer}, so it is left out: {error}")
            missing[peer] = str(error)
    return missing


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("weights", help="a folder with config.json and tokenizer.json of a DistilBERT")
    parser.add_argument("--rounds", type=int, default=Settings.rounds)
    parser.add_argument("--seconds", type=float, default=Settings.seconds)
    parser.add_argument("--only", default="", help="sides, with commas between")
    parser.add_argument("--tried", action="store_true", help="every setting of the peers")
    parser.add_argument("--out", type=Path, help="the result file, where it is not to be the project's own")
    given = parser.parse_args()
    made = subprocess.run([sys.executable, "-m", "bench.full_size", given.weights], timeout=900, check=False)
    if made.returncode != 0:
        sys.exit(made.returncode)
    only = [name for name in given.only.split(",") if name]
    turns = every_setting(only) if given.tried else planned(only)
    missing = environments(turns)
    turns = [turn for turn in turns if turn.side.peer not in missing]
    path = given.out or RESULTS / ("peers-tried.json" if given.tried else "peers.json")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no service is left running
    try:
        Comparison(Settings(given.rounds, given.seconds), turns, missing, path).run()
    except KeyboardInterrupt:
        sys.exit(f"Stopped; what was measured is in {path}.")


if __name__ == "__main__":
    main()
