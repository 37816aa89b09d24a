"""The rows that are most typical of what moved."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bentos.preprocess import TextInput
from monitoring.binned import Bins
from monitoring.columns import BUCKETS, Columns
from monitoring.cuts import Cut
from monitoring.tally import Key, Sample
from monitoring.words import Words

LISTED = 5
FEW = 8  # token buckets: of very short texts a single word would decide


@dataclass(frozen=True)
class Example:
    """One row of the log."""

    request_id: str
    index: int
    text: TextInput | None  # where it is stored; it goes into the page and nowhere else


def examples_of(
    cuts: list[Cut], words: Words | None, sample: Sample, bins: Bins, texts: dict[Key, TextInput]
) -> list[Example]:
    """The rows that most look like the window and least like the reference; of equal texts one."""
    scores = typical(cuts, sample.columns, bins) + wordy(words, sample.columns)
    items = sample.items
    order = sorted(np.flatnonzero(scores > 0).tolist(), key=lambda i: (-scores[i], items[i]))
    numbers = np.array(list(sample.columns.numbers.values())).T
    first: dict[bytes, Key] = {}  # by all numbers of the row, which those of equal texts share
    for i in order:
        first.setdefault(numbers[i].tobytes(), items[i])
        if len(first) == LISTED:
            break
    return [Example(*key, texts.get(key)) for key in first.values()]


def typical(cuts: list[Cut], columns: Columns, bins: Bins) -> NDArray[np.float64]:
    """How much likelier each row's sides of the cuts are in the window than in the reference; a log."""
    scores = np.zeros(len(columns))
    for cut in cuts:
        sides, weight = cut.sides(columns, bins), likelier(cut.reference, cut.window)
        scores += np.where(np.isnan(sides), 0, np.where(sides == 1, *weight))
    return scores


def wordy(words: Words | None, columns: Columns) -> NDArray[np.float64]:
    """The same of the token buckets that moved, by the length of the row: long ones hold something of all."""
    weights = np.zeros(BUCKETS)
    for one in [*words.gained, *words.lost] if words else []:
        weights[one.bucket] = likelier(one.reference, one.window)[0]
    lengths = np.diff(columns.bucket_ends, prepend=0)
    rows = np.repeat(np.arange(len(columns)), lengths)
    found = np.bincount(rows, weights[columns.buckets], len(columns))
    return np.asarray(found / np.sqrt(np.maximum(lengths, FEW)))


def likelier(reference: float, window: float) -> tuple[float, float]:
    """Log of the ratio of the shares, and of those of the other side."""
    before, after = np.clip([reference, window], 1e-3, 1 - 1e-3)
    return math.log(after / before), math.log((1 - after) / (1 - before))
