"""The same `run` on torch: half precision on a GPU, single on the CPU. Imported only when asked for."""

import inspect
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

from bentos.task import Task

AUTO_CLASS = {
    "text-classification": AutoModelForSequenceClassification,
    "image-classification": AutoModelForImageClassification,
}


def device() -> torch.device:
    """A GPU for each worker process, in turn; the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    worker = (bentoml.server_context.worker_index or 1) - 1
    return torch.device("cuda", worker % torch.cuda.device_count())


class TorchModel:
    """The torch model of a store entry's folder, on the GPU where there is one."""

    free_padding = 256

    def __init__(self, folder: Path, task: Task) -> None:
        self._device = device()
        dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        model = AUTO_CLASS[task.pipeline_tag].from_pretrained(folder, dtype=dtype, local_files_only=True)
        self._model = model.to(self._device).eval()
        self._names = set(inspect.signature(self._model.forward).parameters)

    def run(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Logits [n, labels] of arrays [n, ...]; arrays that the model does not read are left out.

        A batch that the GPU's memory does not hold is computed in halves.
        """
        n = len(next(iter(arrays.values())))
        try:
            return self._logits(arrays)
        except torch.OutOfMemoryError:
            if n == 1:
                raise
        torch.cuda.empty_cache()  # outside of `except`, where the traceback still holds the tensors
        halves = (slice(n // 2), slice(n // 2, n))
        return np.concatenate([self.run({k: a[half] for k, a in arrays.items()}) for half in halves])

    @torch.inference_mode()
    def _logits(self, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        tensors = {n: self._tensor(a) for n, a in arrays.items() if n in self._names}
        return np.asarray(self._model(**tensors).logits.float().cpu().numpy(), np.float32)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """On the model's device; floats in its precision."""
        tensor = torch.from_numpy(array).to(self._device)
        return tensor.to(self._model.dtype) if tensor.is_floating_point() else tensor
