"""An encoder that spends nothing on padding, nor on positions that the classifier does not read.

All but attention is done token by token, so the texts of a batch go through it as one row of tokens;
attention alone sees them as a padded batch. The last layer is computed for the first position, which is all
that the classifier reads. Same answers.
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
        for layer in self.layers:
            scale_queries(self.projections(layer)[0], heads)

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
            query, key, value = (batch.by_head(product(states)) for product in self.projections(layer))
            states = self.after_attention(layer, batch.in_row(batch.attention(query, key, value)), states)
        first = states[:, batch.first]
        context = self.first_context(self.layers[-1], batch, first, states)
        states = self.after_attention(self.layers[-1], context, first)
        return EncoderOutput(last_hidden_state=states.transpose(0, 1))  # type: ignore[arg-type]

    def first_context(
        self, layer: Any, batch: "Batch", first: torch.Tensor, states: torch.Tensor
    ) -> torch.Tensor:
        """Attention's contexts [1, n, width] of the first positions, without any token's key or value.

        query . (K state) is (query K) . state, and the mean of the values is the value of the mean state:
        two products for each text in the place of two for each token. The bias of the keys adds the same to
        all scores of a text, which softmax does not see.
        """
        query, key, value = self.projections(layer)
        keys, values = (x.weight.view(self.heads, -1, first.shape[2]) for x in (key, value))
        queries = query(first).view(first.shape[1], self.heads, -1).transpose(0, 1)  # [heads, n, size]
        asked = (queries @ keys).transpose(0, 1)  # [n, heads, width]
        tokens = batch.pad(states)
        scores = asked @ tokens.transpose(1, 2) + batch.mask[:, 0]
        means = (scores.softmax(-1) @ tokens).transpose(0, 1)  # [heads, n, width]
        contexts: torch.Tensor = (means @ values.transpose(1, 2)).transpose(0, 1).flatten(1) + value.bias
        return contexts[None]


@torch.no_grad()
def scale_queries(query: nn.Linear, heads: int) -> None:
    """Divide by the root of a head's width once, in the weights, instead of all scores each time."""
    for parameter in (query.weight, query.bias):
        parameter /= (query.out_features / heads) ** 0.5


class Batch:
    """Where the tokens of a padded batch stand; `is_token` is [n, longest]."""

    def __init__(self, is_token: torch.Tensor, heads: int) -> None:
        longest = is_token.shape[1]
        self.heads, head = heads, torch.arange(heads)
        flat = is_token.flatten()
        self.kept = flat.nonzero().flatten()  # the place in the batch of each token
        self.place = (flat.long().cumsum(0) - 1).clamp(min=0).view(is_token.shape)  # back; of padding, any
        self.first = self.place[:, 0]
        # Where a head of a token stands in [tokens x heads, size], for each place [n, heads, longest],
        # and in [n x heads x longest, size], for each token [tokens, heads]: one gather pads and transposes.
        self.split = self.place[:, None] * heads + head[:, None]
        text, position = self.kept // longest, self.kept % longest
        self.join = (text[:, None] * heads + head) * longest + position[:, None]
        self.mask = torch.where(is_token, 0.0, torch.finfo(torch.float32).min)[:, None, None]

    def pad(self, tokens: torch.Tensor) -> torch.Tensor:
        """[1, tokens, width] to [n, longest, width]."""
        return tokens[0][self.place]

    def by_head(self, tokens: torch.Tensor) -> torch.Tensor:
        """[1, tokens, width] to [n, heads, longest, size]."""
        return tokens.view(-1, tokens.shape[2] // self.heads)[self.split]

    def in_row(self, contexts: torch.Tensor) -> torch.Tensor:
        """[n, heads, longest, size] to [1, tokens, width]."""
        return contexts.reshape(-1, contexts.shape[3])[self.join].flatten(1)[None]

    def attention(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Contexts; like all three [n, heads, longest, size]."""
        scores = query @ key.transpose(2, 3) + self.mask
        contexts: torch.Tensor = scores.softmax(-1) @ value
        return contexts


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
