"""The language of a row, guessed from its token buckets alone: no text is needed."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.columns import BUCKETS, Columns
from monitoring.language_words import SENTENCES, WORDS
from monitoring.tokens import Tokens

SMALL_WORDS = 0.3  # of the tokens of a text, about so many are among the words of its language's list
ZIPF_SHIFT = 2.7  # Mandelbrot's: the word of rank r is met 1 / (r + 2.7) times as often
EVIDENCE = math.log(50)  # likelier than that the row's buckets are all chance: one word is not enough
LEAD = 1.0  # log; likelier than the next language
WELL_ENOUGH = 0.8  # a language that is not told so well with a tokenizer is never guessed
UNKNOWN = "unknown"


class Languages:
    """Guesses languages with one tokenizer: naive Bayes, where a token is a small word, or any by chance."""

    def __init__(self, tokens: Tokens) -> None:
        self.names = np.array([*WORDS, UNKNOWN], dtype=object)
        self._evidence = np.array([_evidence(tokens, words.split()) for words in WORDS.values()])
        self._evidence[:, tokens.buckets[sorted(tokens.special)]] = 0  # every row holds some of these
        self._told = np.append(self._check(tokens), False)

    @property
    def told(self) -> list[str]:
        """The languages that it tells well enough."""
        return [str(name) for name in self.names[self._told]]

    def guess(self, columns: Columns) -> NDArray[np.object_]:
        """The name of each row's language; UNKNOWN where none is clear."""
        lengths = np.diff(columns.bucket_ends, prepend=0)
        rows = np.repeat(np.arange(len(columns)), lengths)
        best = self._best(rows, columns.buckets, len(columns))
        return self.names[np.where(self._told[best], best, -1)]

    def _best(self, rows: NDArray[np.int64], buckets: NDArray[Any], n_rows: int) -> NDArray[np.int64]:
        """Of rows, given as pairs of row and bucket, the position of the name that is clear."""
        scores = np.array([np.bincount(rows, one[buckets], n_rows) for one in self._evidence])
        order = np.sort(scores, axis=0)
        best = scores.argmax(axis=0)
        clear = (order[-1] >= EVIDENCE) & (order[-1] - order[-2] >= LEAD)
        return np.where(clear, best, len(WORDS))

    def _check(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Which languages are told well enough: of their sentences, and of those called theirs."""
        truth = np.repeat(np.arange(len(WORDS)), [len(SENTENCES[name]) for name in WORDS])
        texts = tokens.of_texts([text for name in WORDS for text in SENTENCES[name]])
        held = [np.unique(tokens.buckets[ids]) for ids in texts]
        rows = np.repeat(np.arange(len(held)), [len(one) for one in held])
        guessed = self._best(rows, np.concatenate(held), len(held))
        right = np.bincount(truth[guessed == truth], minlength=len(WORDS))
        called = np.bincount(guessed, minlength=len(self.names))[: len(WORDS)]
        return np.asarray(right >= WELL_ENOUGH * np.maximum(np.bincount(truth), called))


def small_words(tokens: Tokens, language: str) -> list[int]:
    """The ids of the language's small words that are one token each, the most frequent first."""
    found = (tokens.of_word(word) for word in WORDS.get(language, "").split())
    return [ids[0] for ids in found if len(ids) == 1]


def _evidence(tokens: Tokens, words: list[str]) -> NDArray[np.float64]:
    """Of each bucket, how much likelier it is in a text of this language than by chance; a log."""
    weights = np.zeros(BUCKETS)
    for rank, word in enumerate(words, 1):
        ids = tokens.of_word(word)
        np.add.at(weights, tokens.buckets[ids], 1 / (rank + ZIPF_SHIFT) / max(len(ids), 1))
    expected = weights / max(weights.sum(), 1e-9)  # none, where the tokenizer knows none of the words
    return np.asarray(np.log(1 - SMALL_WORDS + SMALL_WORDS * BUCKETS * expected))
