"""What every peer computes with: the ONNX file and tokenizer of a folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAX_TOKENS = 256
Answer = list[dict[str, Any]]  # [{"label", "score"}], best first


class OrtClassifier:
    """A folder's model on `threads` threads a call; 0 leaves that to ONNX Runtime (all cores)."""

    def __init__(self, folder: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        if threads == 1:
            options.inter_op_num_threads = 1
        path = str(Path(folder, "model_quantized.onnx"))
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._names = [i.name for i in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        labels = json.loads(Path(folder, "config.json").read_text())["id2label"]
        self._labels = [labels[str(i)] for i in range(len(labels))]

    def __call__(self, texts: Sequence[str]) -> list[Answer]:
        """One answer a text, computed in one call padded to the longest."""
        encodings = self._tokenizer.encode_batch(list(texts))
        arrays = {
            "input_ids": np.array([e.ids for e in encodings], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encodings], np.int64),
        }
        (logits,) = self._session.run(["logits"], {name: arrays[name] for name in self._names})
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [self._ranked(row) for row in powers / powers.sum(axis=1, keepdims=True)]

    def _ranked(self, scores: Any) -> Answer:
        order = np.argsort(-scores)
        return [{"label": self._labels[i], "score": float(scores[i])} for i in order]
