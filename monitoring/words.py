"""Which words came and which went: the token buckets that moved most, and the words that they stand for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bentos.vocabulary import MIN_TEXTS
from monitoring.binned import Counts
from monitoring.distances import MIN_COUNT
from monitoring.tokens import Tokens

LISTED = 10  # buckets that gained, and as many that lost
FAR = 4.0  # standard deviations: by chance alone hardly one of 1,024 buckets moves so far
LEAST = 0.01  # of the texts
NEW = 3.0  # in so many times as many texts as before, there may be words that the reference did not have
CANDIDATES = 5
BESIDE = 0.25  # of what its first word has, for another word of a bucket to be named

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """A token bucket that gained or lost."""

    bucket: int
    words: list[str]  # the likeliest first
    known_from: Literal["texts", "reference", "tokenizer"]  # the last: perhaps these, perhaps others
    reference: float  # share of the texts
    window: float
    move: float  # in standard deviations, beyond what longer or shorter texts explain

    @property
    def name(self) -> str:
        """Its first word, with a question mark where that is a guess."""
        return f"{self.words[0]}?" if self.known_from == "tokenizer" else self.words[0]


@dataclass(frozen=True)
class Words:
    """The furthest moved first."""

    gained: list[Move]
    lost: list[Move]


@dataclass(frozen=True)
class Seen:
    """The tokens of stored texts of the window."""

    n_texts: int
    counts: Counter[int]  # by token id, the texts that hold it


def words_of(
    before: Counts, after: Counts, tokens: Tokens, seen: Seen | None, languages: Sequence[Sequence[int]]
) -> Words:
    """The words behind the cells [1 + buckets] of reference and window.

    `seen` where texts are stored. `languages` has the small words of those that the window brought.
    """
    reference, window, moves = moved(before, after)
    far = (np.abs(moves) >= FAR) & (np.abs(window - reference) >= LEAST)
    order = np.argsort(-np.abs(moves), kind="stable")
    first = [token for words in languages for token in words]

    def told(buckets: NDArray[np.int64]) -> list[Move]:
        found = []
        for bucket in buckets[:LISTED].tolist():
            shares = float(reference[bucket]), float(window[bucket])
            ids, source = named(bucket, shares, tokens, seen, first)
            words = [tokens.shown(token) for token in ids]
            found.append(Move(bucket, words, source, *shares, float(moves[bucket])))
        return [one for one in found if one.words]

    return Words(*(told(order[(far & (moves * sign > 0))[order]]) for sign in (1, -1)))


def moved(before: Counts, after: Counts) -> tuple[Floats, Floats, Floats]:
    """The shares of texts that hold each bucket, before and after, and how far they moved.

    Longer texts hold more of all buckets: a move counts from what the mean lengths alone would make of it
    (were the buckets of a text drawn at random), and only if the share went the same way.
    """
    n, m = max(int(before[0]), 1), max(int(after[0]), 1)
    reference, window = before[1:] / n, after[1:] / m
    lengths = max(window.sum(), 1e-9) / max(reference.sum(), 1e-9)
    expected = 1 - (1 - np.minimum(reference, 1 - 1e-9)) ** lengths
    pooled = (n * expected + m * window) / (n + m)
    deviation = np.sqrt(np.maximum(pooled * (1 - pooled), 1 / (n + m)) * (1 / n + 1 / m))
    moves = (window - expected) / deviation
    told = (before[1:] + after[1:] >= MIN_COUNT) & (np.sign(window - reference) == np.sign(moves))
    return reference, window, np.where(told, moves, 0)


def named(
    bucket: int, shares: tuple[float, float], tokens: Tokens, seen: Seen | None, first: Sequence[int]
) -> tuple[list[int], Literal["texts", "reference", "tokenizer"]]:
    """The token ids that a bucket's move most likely comes from, and how that is known.

    Where few texts of the reference held the bucket and many do now, it may be any of its tokens; likewise
    where one of `first` is among them. Those are named first, then those of the reference, then whole words.
    """
    known, (reference, window) = tokens.in_reference(bucket), shares
    gained = window > reference
    if seen and (ids := exact(bucket, gained, tokens, seen)):
        return ids, "texts"
    likely = [token for token in first if tokens.buckets[token] == bucket] if gained else []
    if known and not likely and not (gained and window > NEW * reference):
        return [token for token, n in known.items() if n >= BESIDE * max(known.values())], "reference"
    return list(dict.fromkeys([*likely, *known, *tokens.in_bucket(bucket)]))[:CANDIDATES], "tokenizer"


def exact(bucket: int, gained: bool, tokens: Tokens, seen: Seen) -> list[int]:
    """The tokens whose own share changed most; none where the reference's are not known."""
    known = tokens.in_reference(bucket)
    if not gained and not known:
        return []
    changes = {}
    for token in {*tokens.in_bucket(bucket), *known}:
        enough = seen.counts[token] >= MIN_TEXTS or token in known
        change = seen.counts[token] / seen.n_texts - known.get(token, 0) / max(tokens.n_texts, 1)
        if enough and change != 0 and (change > 0) == gained:
            changes[token] = abs(change)
    order = sorted(changes, key=lambda token: (-changes[token], token))
    return [token for token in order if changes[token] >= BESIDE * changes[order[0]]]
