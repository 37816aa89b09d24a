"""Which tokens stand in many of a set of texts, by token bucket: what `vocabulary.json` of an entry says."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bentos.request_log import token_buckets

FILE = "vocabulary.json"
WORDS = 3  # tokens of a bucket
MIN_TEXTS = 3  # that a token must stand in: what one person wrote stays that person's


def vocabulary(texts: Iterable[NDArray[np.int64]], tokenizer: Tokenizer) -> dict[str, Any]:
    """`{"n_texts", "buckets": {bucket: [[token, number of texts], ...]}}` of texts as token ids.

    The most frequent tokens first. Special ones, and those of fewer than MIN_TEXTS texts, are left out.
    """
    counts, n_texts = Counter[int](), 0
    for ids in texts:
        counts.update(set(ids.tolist()))
        n_texts += 1
    buckets: dict[str, list[tuple[str, int]]] = {}
    for token, count in common(counts, tokenizer):
        words = buckets.setdefault(str(token_buckets(np.array(token))), [])
        if len(words) < WORDS:
            words.append((tokenizer.id_to_token(token), count))
    return {"n_texts": n_texts, "buckets": buckets}


def common(counts: Counter[int], tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """The token ids that stand in enough texts, with the number of texts, the most frequent first."""
    enough = [(token, count) for token, count in counts.items() if count >= MIN_TEXTS]
    special = special_ids(tokenizer)
    return sorted(((t, n) for t, n in enough if t not in special), key=lambda one: (-one[1], one[0]))


def special_ids(tokenizer: Tokenizer) -> set[int]:
    """The ids that are no part of any text: padding, unknown, separators."""
    return {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
