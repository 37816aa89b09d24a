"""An encoder that spends nothing on padding, nor on positions that the classifier does not read.

All but attention is done token by token, so the texts of a batch go through it as one row of tokens;
attention alone sees them as a padded batch. The last layer is computed for the first position, which is all
that the classifier reads: its keys and values need every position, the rest does not. Same answers.
"""

from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from bentos.onnx_model import PACKED

EncoderOutput = BaseModelOutputWithPastAndCrossAttentions  # what both architectures can read


class PackedEncoder(nn.Module):
    """The layers of `encoder`, over the tokens of a batch in one row."""

    def __init__(self, encoder: Any, heads: int) -> None:
        super().__init__()
        self.layers: Any = encoder.layer
        self.heads = heads

    def projections(self, layer: Any) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        """The layer's products for queries, keys and values."""
        raise NotImplementedError

    def after_attention(self, layer: Any, context: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """What the layer makes of its input and attention's contexts, both [1, tokens, width]."""
        raise NotImplementedError

    def encode(self, padded: torch.Tensor, is_token: torch.Tensor) -> EncoderOutput:
        """States [n, longest, width] of texts padded on the right, to [n, 1, width]: the first position's."""
        n, longest, width = padded.shape
        batch = Batch(is_token, self.heads)
        states = padded.reshape(1, n * longest, width)[:, batch.kept]
        for layer in self.layers[:-1]:
            query, key, value = (product(states) for product in self.projections(layer))
            context = batch.unpad(batch.attention(batch.pad(query), batch.pad(key), batch.pad(value)))
            states = self.after_attention(layer, context, states)
        query, key, value = self.projections(self.layers[-1])
        first = states[:, batch.first]
        context = batch.attention(
            query(first).transpose(0, 1), batch.pad(key(states)), batch.pad(value(states))
        )
        states = self.after_attention(self.layers[-1], context.transpose(0, 1), first)
        return EncoderOutput(last_hidden_state=states.transpose(0, 1))  # type: ignore[arg-type]


class Batch:
    """Where the tokens of a padded batch stand; `is_token` is [n, longest]."""

    def __init__(self, is_token: torch.Tensor, heads: int) -> None:
        self.shape, self.heads = is_token.shape, heads
        flat = is_token.flatten()
        self.kept = flat.nonzero().flatten()  # the place in the batch of each token
        self.place = (flat.long().cumsum(0) - 1).clamp(min=0)  # the token of each place; of padding, any
        self.first = self.place.view(self.shape)[:, 0]
        self.mask = torch.where(is_token, 0.0, torch.finfo(torch.float32).min)[:, None, None]

    def pad(self, tokens: torch.Tensor) -> torch.Tensor:
        """[1, tokens, width] to [n, longest, width]."""
        return tokens[0, self.place].view(*self.shape, -1)

    def unpad(self, padded: torch.Tensor) -> torch.Tensor:
        """[n, longest, width] to [1, tokens, width]."""
        return padded.reshape(1, -1, padded.shape[2])[:, self.kept]

    def attention(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Contexts, like the queries [n, queries, width]; keys and values are [n, longest, width]."""
        query, key, value = (self._by_head(x) for x in (query, key, value))
        scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5 + self.mask
        contexts: torch.Tensor = scores.softmax(-1) @ value
        return contexts.transpose(1, 2).flatten(2)

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)


class PackedDistilBert(PackedEncoder):
    """In the place of DistilBERT's `Transformer`."""

    def forward(self, x: torch.Tensor, attn_mask: torch.Tensor, **_: Any) -> EncoderOutput:
        return self.encode(x, attn_mask != 0)

    def projections(self, layer: Any) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        return layer.attention.q_lin, layer.attention.k_lin, layer.attention.v_lin

    def after_attention(self, layer: Any, context: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        attended = layer.sa_layer_norm(layer.attention.out_lin(context) + states)
        states = layer.output_layer_norm(layer.ffn(attended) + attended)
        return states


class PackedBert(PackedEncoder):
    """In the place of `BertEncoder`, whose mask is 0 at tokens and the lowest number elsewhere."""

    def forward(self, states: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> EncoderOutput:
        return self.encode(states, attention_mask[:, 0, 0] == 0)

    def projections(self, layer: Any) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        return layer.attention.self.query, layer.attention.self.key, layer.attention.self.value

    def after_attention(self, layer: Any, context: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        attended = layer.attention.output(context, states)
        states = layer.output(layer.intermediate(attended), attended)
        return states


ENCODERS: dict[str, tuple[str, type[PackedEncoder]]] = {
    "distilbert": ("distilbert.transformer", PackedDistilBert),
    "bert": ("bert.encoder", PackedBert),
}


def without_padding(model: PreTrainedModel) -> PreTrainedModel:
    """Put a PackedEncoder into the model, where `can_be_packed`; else leave it as it is.

    The model must be loaded with `attn_implementation="eager"`.
    """
    if can_be_packed(model):
        path, packed = ENCODERS[model.config.model_type]
        encoder = packed(model.get_submodule(path), model.config.num_attention_heads)
        model.set_submodule(path, encoder)
    return model


def can_be_packed(model: PreTrainedModel) -> bool:
    """Whether there is a PackedEncoder for the architecture; it knows no positions relative to each other."""
    positions = getattr(model.config, "position_embedding_type", "absolute")
    return model.config.model_type in ENCODERS and positions == "absolute"


def note_packed(path: Path) -> None:
    """Say in the ONNX file that padding costs little, which decides what the service batches."""
    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, {PACKED: "true"})
    onnx.save(graph, path)
