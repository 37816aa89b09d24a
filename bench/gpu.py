"""What the torch variant reaches alone: python -m bench.gpu FOLDER (a DistilBERT's config and tokenizer)

Texts per second at 16, 128 and 512 tokens in full batches, from arrays to logits, and which share of the
device's own rate of matrix products that is; beside it, in turns, a transformers pipeline with batching, at
the best of its batch sizes. In half precision on a GPU, in single on the CPU. Writes bench/results/gpu.json.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import pipeline

from bench.compare_result import machine
from bench.full_size import full_size_task, make_model
from bench.mixes import read_vocabulary
from bench.road import console
from bench.roof import MOP_PER_TOKEN
from bentos.model_store import write_atomically
from bentos.torch_model import TorchModel

RESULT = Path(__file__).parent / "results" / "gpu.json"
LENGTHS = (16, 128, 512)
PIPELINE_BATCHES = (1, 8, 64, 256)
LAYERS, WIDTH = 6, 768
ROUNDS = 5
Figures = dict[str, Any]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("weights", type=Path, help="a folder with config.json and tokenizer.json")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement")
    parser.add_argument("--batch-tokens", type=int, default=full_size_task().serving.max_batch_tokens)
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        make_model(given.weights, Path(scratch))
        result = measure(Path(scratch) / "torch", given.seconds, given.batch_tokens)
    write_atomically(RESULT, json.dumps(result, indent=1) + "\n")
    console.print(result)


def measure(folder: Path, seconds: float, batch_tokens: int) -> Figures:
    """All lengths, ours and the pipeline in turns."""
    on_gpu = torch.cuda.is_available()
    matrix_rate = matrix_tflops(seconds)
    model = TorchModel(folder, full_size_task())
    words = read_vocabulary(folder).words
    found: Figures = {
        "machine": machine(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "torch": torch.__version__,
        "precision": "half" if on_gpu else "single",
        "matrix_tflops": round(matrix_rate, 2),
        "batch_tokens": batch_tokens,
    }
    for n_tokens in LENGTHS:
        ours = ours_turn(model, n_tokens, max(1, batch_tokens // n_tokens))
        theirs = pipeline_turn(folder, words, n_tokens, seconds)
        rounds = [(texts_per_second(ours, seconds), texts_per_second(theirs, seconds)) for _ in range(ROUNDS)]
        rate = median(a for a, _ in rounds)
        found[f"{n_tokens} tokens"] = {
            "texts_per_second": round(rate, 1),
            "share_of_matrix_rate": round(rate * tera_operations(n_tokens) / matrix_rate, 3),
            "pipeline_texts_per_second": round(median(b for _, b in rounds), 1),
            "over_pipeline": round(median(a / b for a, b in rounds), 2),
        }
    return found


def matrix_tflops(seconds: float) -> float:
    """What the device reaches in one large product of random matrices, in the precision that serves."""
    on_gpu = torch.cuda.is_available()
    n, dtype = (8192, torch.bfloat16) if on_gpu else (2048, torch.float32)
    left, right = (torch.randn(n, n, dtype=dtype, device="cuda" if on_gpu else "cpu") for _ in range(2))

    def product() -> int:
        torch.matmul(left, right)
        if on_gpu:
            torch.cuda.synchronize()
        return 1

    return max(texts_per_second(product, seconds) for _ in range(3)) * 2 * n**3 / 1e12


def tera_operations(n_tokens: int) -> float:
    """Of one text: the products with weights, and attention's own."""
    return n_tokens * (MOP_PER_TOKEN * 1e6 + LAYERS * 4 * n_tokens * WIDTH) / 1e12


def ours_turn(model: TorchModel, n_tokens: int, n_texts: int) -> Callable[[], int]:
    """One call of full batches, arrays in, logits out."""
    ids = np.random.default_rng(0).integers(2000, 20000, (n_texts, n_tokens))
    arrays = {"input_ids": ids, "attention_mask": np.ones_like(ids)}

    def call() -> int:
        model.run(arrays)
        return n_texts

    return call


def pipeline_turn(folder: Path, words: Sequence[str], n_tokens: int, seconds: float) -> Callable[[], int]:
    """One call of a pipeline with the batch size that is fastest here."""
    on_gpu = torch.cuda.is_available()
    classify = pipeline(
        "text-classification",
        model=str(folder),
        device=0 if on_gpu else -1,
        dtype=torch.float16 if on_gpu else torch.float32,
    )
    text = " ".join(words[i % len(words)] for i in range(n_tokens - 2))

    def turn(batch: int) -> Callable[[], int]:
        def call() -> int:
            classify([text] * batch, batch_size=batch, truncation=True, max_length=n_tokens)
            return batch

        return call

    return max((turn(batch) for batch in PIPELINE_BATCHES), key=lambda t: texts_per_second(t, seconds / 4))


def texts_per_second(call: Callable[[], int], seconds: float) -> float:
    """The rate of a call that says how many it did; the first one is not counted."""
    call()
    began, done = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        done += call()
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
