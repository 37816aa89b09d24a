"""A classifier reads the first position only: the last layer is computed for it alone, with the same answer.

Keys and values of the last layer need every position; its query, output projection and feed-forward
do not. For six layers of DistilBERT that saves 14 % of all products.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel


class FirstOfDistilBert(nn.Module):
    """A `TransformerBlock` of DistilBERT: hidden states [n, t, d] to [n, 1, d]."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: torch.Tensor, mask: torch.Tensor, *_: Any) -> tuple[torch.Tensor]:
        first = states[:, :1]
        attended = self.layer.attention(query=first, key=states, value=states, mask=mask)[0]
        attended = self.layer.sa_layer_norm(attended + first)
        return (self.layer.output_layer_norm(self.layer.ffn(attended) + attended),)


class FirstOfBert(nn.Module):
    """A `BertLayer`: hidden states [n, t, d] to [n, 1, d]; its own cross-attention takes another query."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: torch.Tensor, mask: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor]:
        first = states[:, :1]
        attention = self.layer.attention
        context = attention.self(first, attention_mask=mask, encoder_hidden_states=states)[0]
        attended = attention.output(context, first)
        return (self.layer.output(self.layer.intermediate(attended), attended),)


LAST_LAYER = {  # model_type: where its layers are, what the last one becomes
    "distilbert": ("distilbert.transformer.layer", FirstOfDistilBert),
    "bert": ("bert.encoder.layer", FirstOfBert),
}


def only_first_position(model: PreTrainedModel) -> PreTrainedModel:
    """Change the model in place so that its last layer computes the first position alone.

    The model must be loaded with `attn_implementation="eager"`. An architecture that is not in LAST_LAYER
    is left as it is.
    """
    if model.config.model_type in LAST_LAYER:
        path, first_of = LAST_LAYER[model.config.model_type]
        layers = model.get_submodule(path)
        layers[-1] = first_of(layers[-1])  # type: ignore[index, operator]
    return model
