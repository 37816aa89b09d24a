"""How far chance alone moves the statistics: the rows of both sides, dealt out anew again and again."""

import math
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

SEED = 0
DRAWS = 1000
BLOCK = 100  # draws at a time: their weights are a dense matrix
TAIL = 25  # of the draws; further out the survival function goes on exponentially

Floats = NDArray[np.float64]


class Null:
    """What chance does to a family of columns: the scores [draws] of each."""

    def __init__(self, scores: Mapping[str, Floats]) -> None:
        self.scores = scores

    def p_values(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Of each column, the probability that chance moves any of these columns so improbably far."""
        family = self._family(scores)
        return {
            name: float(np.exp(-surprise(family, surprise(self.scores[name], np.array(score)))))
            for name, score in scores.items()
        }

    def critical(self, column: str, alpha: float) -> float:
        """The score of a column at which that probability is alpha, of all columns together."""
        return value_at(self.scores[column], value_at(self._of_all, -math.log(alpha)))

    @cached_property
    def _of_all(self) -> Floats:
        return self._family(self.scores)

    def _family(self, columns: Iterable[str]) -> Floats:
        """The most surprising column of each draw (Westfall and Young 1993, step 1 of minP)."""
        logs = [surprise(self.scores[column], self.scores[column]) for column in columns]
        return np.asarray(np.max(logs, axis=0, initial=0.0))


def shuffled(table: csr_array, n_before: int) -> tuple[Floats, Floats]:
    """Counts [draws, cells] of the table's rows, dealt out anew to a sample of `n_before` and the rest.

    A permutation test: where nothing has changed, its p-values hold exactly.
    """
    generator, first = np.random.default_rng(SEED), np.arange(table.shape[0]) < n_before
    hands = (generator.permuted(np.tile(first, (BLOCK, 1)), axis=1) for _ in range(DRAWS // BLOCK))
    before = np.concatenate([hand.astype(np.float32) @ table for hand in hands])
    return before, table.sum(axis=0) - before


def drawn(table: csr_array, weights: Floats, sizes: tuple[int, int]) -> tuple[Floats, Floats]:
    """The same where the table is a sample: both sides are drawn from it by weight, with replacement."""
    generator, chances = np.random.default_rng(SEED), weights / weights.sum()
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    for _ in range(DRAWS // BLOCK):
        for side, size in zip(sides, sizes, strict=True):
            side.append(generator.multinomial(size, chances, BLOCK).astype(np.float32) @ table)
    return np.concatenate(sides[0]), np.concatenate(sides[1])


def surprise(draws: Floats, values: Floats) -> Floats:
    """-log of the probability that a draw is at least as large: by rank, far out by an exponential tail.

    Knijnenburg et al. 2009 fit tails to permutation tests so; the scores here have exponential ones.
    """
    ordered, n = np.sort(draws), len(draws)
    start, scale, at_start = tail(ordered)
    ranks = np.minimum((1 + n - np.searchsorted(ordered, values, side="left")) / (n + 1), 1)
    return np.asarray(np.where(values > start, at_start + (values - start) / scale, -np.log(ranks)))


def value_at(draws: Floats, surprising: float) -> float:
    """The inverse: the value that is so surprising."""
    ordered, n = np.sort(draws), len(draws)
    start, scale, at_start = tail(ordered)
    if surprising > at_start:
        return start + scale * (surprising - at_start)
    return float(ordered[min(n - 1, math.ceil(n + 1 - math.exp(-surprising) * (n + 1)))])


def tail(ordered: Floats) -> tuple[float, float, float]:
    """Where the tail of ascending draws begins, its mean excess, and how surprising its beginning is."""
    first = int(np.searchsorted(ordered, ordered[-TAIL]))
    start = float(ordered[first])
    scale = float(np.mean(ordered[first:] - start)) or 1.0  # where all are equal: of the asymptotic law
    return start, scale, -math.log((1 + len(ordered) - first) / (len(ordered) + 1))
