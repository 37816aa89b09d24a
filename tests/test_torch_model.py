"""The torch model where the GPU's memory does not hold a batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bentos.model_store import load_entry, preprocess_of
from bentos.torch_model import TorchModel

TEXTS = ["good", "The game is great.", "I found the music rather dull!", "bad", "broken story"]


def limited_to(n: int) -> tuple[TorchModel, Any]:
    """A model whose batches of more than `n` texts do not fit, and all texts for it."""
    entry = load_entry("sample-reviews-torch:tiny")
    model, preprocess = TorchModel(entry.path, entry.task), preprocess_of(entry)

    def check(module: torch.nn.Module, args: Any, kwargs: dict[str, torch.Tensor]) -> None:
        if len(kwargs["input_ids"]) > n:
            raise torch.OutOfMemoryError

    model._model.register_forward_pre_hook(check, with_kwargs=True)
    return model, preprocess.pad(preprocess(TEXTS))


def test_a_batch_too_large_is_computed_in_halves(store: Path) -> None:
    (whole, arrays), (halved, _) = limited_to(5), limited_to(1)
    np.testing.assert_allclose(halved.run(arrays), whole.run(arrays), atol=1e-5)


def test_a_text_too_large_fails(store: Path) -> None:
    model, arrays = limited_to(0)
    with pytest.raises(torch.OutOfMemoryError):
        model.run(arrays)
