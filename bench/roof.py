"""The machine's int8 roof: python -m bench.roof prints what ONNX Runtime's own int8 product reaches here.

One `MatMulInteger` of 768 x 3072, the largest product of DistilBERT, again and again and nothing else.
DistilBERT-base needs 85 MOP of such products for a token (6 layers of 4 x 768 x 768 + 2 x 768 x 3072
weights, two operations each), so the roof says how many tokens per second can be had at most. What our
export saves in the last layer counts as done: it is the same answer.
"""

import argparse
import json
import os
import threading
import time
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

ROWS, INNER, OUTER = 256, 768, 3072  # rows: tokens in one product
MOP_PER_TOKEN = 6 * (4 * 768 * 768 + 2 * 768 * 3072) * 2 / 1e6  # 84.9


def measure_roof(lanes: int, seconds: float = 3.0, repeats: int = 3) -> dict[str, Any]:
    """GOP/s on one lane and on all, the best of `repeats`; a lane is a thread with its own session."""
    products = [_product() for _ in range(lanes)]
    one = max(_gops(products[:1], seconds) for _ in range(repeats))
    every = max(_gops(products, seconds) for _ in range(repeats))
    tokens = every * 1e3 / MOP_PER_TOKEN
    return {
        "lanes": lanes,
        "gops_one_lane": round(one, 1),
        "gops_all_lanes": round(every, 1),
        "mop_per_token": round(MOP_PER_TOKEN, 1),
        "tokens_per_second": round(tokens),
    }


def share_of_roof(tokens_per_second: float, roof: dict[str, Any]) -> float:
    """Useful tokens per second as a share of what the products alone would allow."""
    gops: float = roof["gops_all_lanes"]
    return round(tokens_per_second * MOP_PER_TOKEN / 1e3 / gops, 3)


def _gops(products: list["_Product"], seconds: float) -> float:
    """Operations per second, in units of 1e9, of all products side by side."""
    end = time.perf_counter() + seconds
    threads = [threading.Thread(target=product.run_until, args=(end,)) for product in products]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gop: float = 2e-9 * ROWS * INNER * OUTER
    return sum(gop * product.runs / product.seconds for product in products)


class _Product:
    """One single-threaded session and how often it ran in the last `run_until`."""

    def __init__(self, model: bytes, left: "np.ndarray[Any, Any]") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = {"left": left}
        self.runs, self.seconds = 0, 1.0
        self._session.run(None, self._inputs)

    def run_until(self, end: float) -> None:
        began, self.runs = time.perf_counter(), 0
        while (now := time.perf_counter()) < end:
            self._session.run(None, self._inputs)
            self.runs += 1
        self.seconds = now - began


def _product() -> _Product:
    """Random weights with a zero point for both sides, as dynamic quantization has them."""
    rng = np.random.default_rng(0)
    right = rng.integers(-127, 128, (INNER, OUTER), np.int8)
    constants = [
        helper.make_tensor("right", TensorProto.INT8, right.shape, right.tobytes(), raw=True),
        helper.make_tensor("left_zero", TensorProto.UINT8, (), [128]),
        helper.make_tensor("right_zero", TensorProto.INT8, (), [0]),
    ]
    node = helper.make_node("MatMulInteger", ["left", "right", "left_zero", "right_zero"], ["out"])
    left = helper.make_tensor_value_info("left", TensorProto.UINT8, [ROWS, INNER])
    out = helper.make_tensor_value_info("out", TensorProto.INT32, [ROWS, OUTER])
    graph = helper.make_graph([node], "product", [left], [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return _Product(model.SerializeToString(), rng.integers(0, 256, (ROWS, INNER), np.uint8))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.roof", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=3.0)
    print(json.dumps(measure_roof(**vars(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
