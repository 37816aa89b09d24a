"""What the model costs alone, by shape and by setting of the session: python -m bench.engine

Tokens per second of processor time on one thread, so that a busy neighbour does not matter; medians, all
sides in turns. Needs bench.full_size. Writes bench/results/engine.json.
"""

import json
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from bench.compare_result import machine
from bench.full_size import DEFAULT_EXPORT, entry_folder
from bench.mixes import read_vocabulary, texts
from bench.road import console
from bentos.model_store import write_atomically

RESULT = Path(__file__).parent / "results" / "engine.json"
ROUNDS = 7
SHAPES = [(1, 8), (1, 16), (1, 32), (1, 64), (1, 128), (1, 256), (8, 8), (32, 8), (8, 32), (4, 64)]
SHAPES += [(2, 128), (16, 32), (8, 64), (4, 128), (2, 256)]
ATTRIBUTES: dict[str, dict[str, bool]] = {
    "as served": {},
    "arena off": {"enable_cpu_mem_arena": False},
    "memory pattern off": {"enable_mem_pattern": False},
    "both off": {"enable_cpu_mem_arena": False, "enable_mem_pattern": False},
}
CONFIG = {
    "denormals as zero": ("session.set_denormal_as_zero", "1"),
    "approximated GELU": ("optimization.enable_gelu_approximation", "1"),
}


def main() -> None:
    """Measure and write."""
    sessions = {name: session(entry_folder(), values) for name, values in ATTRIBUTES.items()}
    sessions |= {name: session(entry_folder(), {}, entry) for name, entry in CONFIG.items()}
    sessions["optimum's default export"] = session(DEFAULT_EXPORT, {})
    drawn = islice(texts("steam", read_vocabulary(DEFAULT_EXPORT), seed=3), 100)
    mix = [(1, n) for _, n in drawn]
    by_setting: defaultdict[str, list[float]] = defaultdict(list)
    by_shape: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, one in sessions.items():
            by_setting[name].append(rate(one, mix))
        for shape in SHAPES:
            by_shape[f"{shape[0]} x {shape[1]}"].append(rate(sessions["as served"], [shape] * 3))
    result: dict[str, Any] = {
        "machine": machine(),
        "unit": "tokens per second of processor time, one thread",
        "steam mix, one text a call, by setting": {k: round(median(v)) for k, v in by_setting.items()},
        "texts x tokens": {k: round(median(v)) for k, v in by_shape.items()},
    }
    write_atomically(RESULT, json.dumps(result, indent=1) + "\n")
    console.print(result)


def session(folder: Path, attributes: dict[str, bool], config: tuple[str, str] | None = None) -> Any:
    """The folder's model as the service runs it, but for the setting given."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for name, value in attributes.items():
        setattr(options, name, value)
    if config:
        options.add_session_config_entry(*config)
    path = str(folder / "model_quantized.onnx")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def rate(model: Any, shapes: list[tuple[int, int]]) -> float:
    """Tokens per second of processor time over calls of these shapes."""
    began = time.process_time()
    for shape in shapes:
        ids = np.full(shape, 2000, np.int64)
        model.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    return sum(n * t for n, t in shapes) / (time.process_time() - began)


if __name__ == "__main__":
    main()
