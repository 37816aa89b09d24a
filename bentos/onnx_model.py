"""An ONNX Runtime session that several threads may run at once: the CPU's lanes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

FILE_NAMES = ("model_quantized.onnx", "model.onnx")
PACKED = "packed"  # property of a file whose graph drops padding everywhere but in attention
# In onnxruntime 1.31.1 SkipLayerNormalization takes 670 us for 192 tokens of width 768, the two nodes that it
# stands for 110. Without it there are 11 % more tokens per second.
SLOW = ["SkipLayerNormFusion"]


class OnnxModel:
    """The ONNX model of a store entry's folder on the CPU; one thread to a call, `run` from any thread."""

    def __init__(self, folder: Path) -> None:
        path = next(folder / name for name in FILE_NAMES if (folder / name).is_file())
        onnxruntime.disable_telemetry_events()  # a service tells nobody that it is there
        options = onnxruntime.SessionOptions()
        # lanes beat a shared pool: 6,200 against 4,000 tokens/s on two cores
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW
        )
        is_packed = PACKED in self._session.get_modelmeta().custom_metadata_map
        # a call costs 2.3 ms, as much as ten tokens; in packed files 5, 20, 64 and 120 measured alike
        self.free_padding = 64 if is_packed else 5
        self._names = [i.name for i in self._session.get_inputs()]

    def run(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Logits [n, labels] of arrays [n, ...]; arrays that the model does not read are left out."""
        (logits,) = self._session.run(["logits"], {name: arrays[name] for name in self._names})
        return np.asarray(logits, np.float32)
