"""The packed encoder gives the same logits."""

import copy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    PretrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from bentos.model_store import load_entry, load_model, preprocess_of
from train.packed import without_padding

SMALL = {"vocab_size": 50, "max_position_embeddings": 40, "initializer_range": 0.3}
BERT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
CONFIGS = [
    DistilBertConfig(dim=16, hidden_dim=32, n_layers=2, n_heads=2, **SMALL),
    BertConfig(**BERT, **SMALL),
    RobertaConfig(**BERT, **SMALL),  # not in the table: left as it is
    BertConfig(**BERT, **SMALL, position_embedding_type="relative_key"),  # so is this
]


def model_of(config: PretrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.model_type)
def test_the_logits_stay_the_same(config: PretrainedConfig) -> None:
    model = model_of(config)
    ids = torch.randint(5, 50, (3, 12))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    with torch.no_grad():
        expected = model(ids, attention_mask=mask).logits
        logits = without_padding(copy.deepcopy(model))(ids, attention_mask=mask).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


def test_the_last_layer_computes_one_position() -> None:
    model = without_padding(model_of(CONFIGS[0]))
    with torch.no_grad():
        states = model.distilbert(torch.randint(5, 50, (3, 12))).last_hidden_state
    assert states.shape == (3, 1, 16)


def logits_of(tag: str, texts: list[str]) -> np.ndarray:
    entry = load_entry(tag)
    preprocess = preprocess_of(entry)
    model = load_model(entry.variant, entry.path, entry.task)
    return model.run(preprocess.pad(preprocess(texts)))


def test_the_exported_file_answers_a_batch_like_torch(store: Path) -> None:
    texts = ["good", "The music is bad and the story is good, and I would say so again.", "dull story"]
    torch_logits = logits_of("sample-reviews-torch:tiny", texts)
    np.testing.assert_allclose(logits_of("sample-reviews-onnx:tiny", texts), torch_logits, atol=1e-4)


def test_a_batch_costs_the_products_of_its_tokens(store: Path) -> None:
    """The first feed-forward product of the graph sees one row of all tokens."""
    entry = load_entry("sample-reviews-onnx:tiny")
    graph = onnx.load(entry.path / "model.onnx")
    product = next(node for node in graph.graph.node if node.op_type == "MatMul" and "lin1" in node.name)
    graph.graph.output.append(onnx.ValueInfoProto(name=product.output[0]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]])
    (product_rows,) = session.run([product.output[0]], {"input_ids": mask * 7, "attention_mask": mask})
    assert product_rows.shape[:2] == (1, 8)


@pytest.mark.parametrize("variant", ["onnx", "onnx-int8"])
def test_a_packed_file_says_so(store: Path, variant: str) -> None:
    entry = load_entry(f"sample-reviews-{variant}:tiny")
    assert load_model(entry.variant, entry.path, entry.task).free_padding == 64
