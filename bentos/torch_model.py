"""The same `run` on torch: half precision on a GPU, single on the CPU. Imported only when asked for."""

import inspect
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

from bentos.task import Task

AUTO_CLASS = {
    "text-classification": AutoModelForSequenceClassification,
    "image-classification": AutoModelForImageClassification,
}


class TorchModel:
    """The torch model of a store entry's folder, on the GPU where there is one."""

    free_padding = 256

    def __init__(self, folder: Path, task: Task) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        model = AUTO_CLASS[task.pipeline_tag].from_pretrained(folder, dtype=dtype, local_files_only=True)
        self._model = model.to(self._device).eval()
        self._names = set(inspect.signature(self._model.forward).parameters)

    @torch.inference_mode()
    def run(self, arrays: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Logits [n, labels] of arrays [n, longest]; arrays that the model does not read are left out."""
        tensors = {n: torch.from_numpy(a).to(self._device) for n, a in arrays.items() if n in self._names}
        return np.asarray(self._model(**tensors).logits.float().cpu().numpy(), np.float32)
