"""The last layer for the first position alone gives the same logits."""

import copy

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

from train.first_position import only_first_position

SMALL = {"vocab_size": 50, "max_position_embeddings": 40, "initializer_range": 0.3}
BERT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
CONFIGS = [
    DistilBertConfig(dim=16, hidden_dim=32, n_layers=2, n_heads=2, **SMALL),
    BertConfig(**BERT, **SMALL),
    RobertaConfig(**BERT, **SMALL),  # not in the table: left as it is
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
        logits = only_first_position(copy.deepcopy(model))(ids, attention_mask=mask).logits
    assert expected.std() > 0.01
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


def test_the_last_layer_computes_one_position() -> None:
    model = only_first_position(model_of(CONFIGS[0]))
    with torch.no_grad():
        states = model.distilbert(torch.randint(5, 50, (3, 12))).last_hidden_state
    assert states.shape == (3, 1, 16)
