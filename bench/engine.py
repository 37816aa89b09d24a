"""What the model costs alone, by setting of the session and by shape: python -m bench.engine

Tokens per second of processor time on one thread, so that a busy neighbour does not matter; medians of rounds
that take all sides in turn, each in a process of its own, in huge pages as the service's workers are, and
again without them. Needs bench.full_size. Writes bench/results/engine.json.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from bench.compare_result import machine
from bench.full_size import DEFAULT_EXPORT, entry_folder
from bench.mixes import read_vocabulary, texts
from bench.road import HUGE_PAGES, console
from bentos.model_store import write_atomically
from bentos.onnx_model import SLOW

RESULT = Path(__file__).parent / "results" / "engine.json"
ROUNDS = 7
SIZES = [
    (1, 8),
    (1, 16),
    (1, 32),
    (1, 64),
    (1, 128),
    (1, 256),
    (8, 8),
    (32, 8),
    (8, 32),
    (4, 64),
    (2, 128),
    (2, 256),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "as served": {},
    "SkipLayerNormalization fused": {"disabled": []},
    "arena off": {"attributes": {"enable_cpu_mem_arena": False}},
    "memory pattern off": {"attributes": {"enable_mem_pattern": False}},
    "denormals as zero": {"entries": {"session.set_denormal_as_zero": "1"}},
    "approximated GELU": {"entries": {"optimization.enable_gelu_approximation": "1"}},
}
Rates = dict[str, float]


def main() -> None:
    """Measure and write."""
    if sys.argv[1:] == ["round"]:
        print(json.dumps(one_round()))
        return
    plain = {k: v for k, v in os.environ.items() if k not in HUGE_PAGES}
    rounds = [(a_round(plain | HUGE_PAGES), a_round(plain)) for _ in range(ROUNDS)]
    result: dict[str, Any] = {
        "machine": machine(),
        "unit": "tokens per second of processor time, one thread",
        "in huge pages": {name: round(median(r[name] for r, _ in rounds)) for name in rounds[0][0]},
        "in pages as they come": {name: round(median(r[name] for _, r in rounds)) for name in rounds[0][1]},
    }
    write_atomically(RESULT, json.dumps(result, indent=1) + "\n")
    console.print(result)


def a_round(environment: dict[str, str]) -> Rates:
    """One round in a new process."""
    command = [sys.executable, "-m", "bench.engine", "round"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    rates: Rates = json.loads(done.stdout)
    return rates


def one_round() -> Rates:
    """Every setting on the steam mix, every size, and batches of mixed lengths."""
    drawn = [n for _, n in islice(texts("steam", read_vocabulary(DEFAULT_EXPORT), seed=3), 96)]
    single, in_fours = [[n] for n in drawn], [drawn[i : i + 4] for i in range(0, len(drawn), 4)]
    ours, default = session(entry_folder()), session(DEFAULT_EXPORT, disabled=[])
    rates = {
        f"steam, one text a call, {name}": rate(session(entry_folder(), **setting), single)
        for name, setting in SETTINGS.items()
    }
    rates["steam, one text a call, optimum's default export"] = rate(default, single)
    rates["steam, four texts a call as they come, as served"] = rate(ours, in_fours)
    rates["steam, four texts a call as they come, optimum's default export"] = rate(default, in_fours)
    return rates | {f"{n} x {t} tokens": rate(ours, [[t] * n] * 4) for n, t in SIZES}


def session(
    folder: Path,
    disabled: Sequence[str] = SLOW,
    attributes: dict[str, bool] | None = None,
    entries: dict[str, str] | None = None,
) -> Any:
    """The folder's model as the service runs it, but for the settings given."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for name, value in (attributes or {}).items():
        setattr(options, name, value)
    for key, entry in (entries or {}).items():
        options.add_session_config_entry(key, entry)
    path = str(folder / "model_quantized.onnx")
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(
        path, options, providers=providers, disabled_optimizers=list(disabled)
    )


def rate(model: Any, calls: list[list[int]]) -> float:
    """Tokens per second of processor time over calls with texts of these lengths."""
    batches = [padded(lengths) for lengths in calls]
    model.run(["logits"], batches[0])
    began = time.process_time()
    for batch in batches:
        model.run(["logits"], batch)
    return sum(map(sum, calls)) / (time.process_time() - began)


def padded(lengths: list[int]) -> dict[str, Any]:
    """Texts of these lengths as the model takes them."""
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    return {"input_ids": 2000 * mask, "attention_mask": mask}


if __name__ == "__main__":
    main()
