"""How far chance alone moves the statistics: the rows of both sides, dealt out anew again and again."""

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

SEED = 0
DRAWS = 1000
BLOCK = 100  # draws at a time: their weights are a dense matrix
TAIL = 25  # of the draws; further out the survival function goes on exponentially

Floats = NDArray[np.float64]
Key = TypeVar("Key")


class Null(Generic[Key]):
    """What chance does to a family of tests: the scores [draws] of each."""

    def __init__(self, scores: Mapping[Key, Floats]) -> None:
        self.scores = scores

    def p_values(self, scores: Mapping[Key, float]) -> dict[Key, float]:
        """Of each test, the probability that chance alone takes any of these so improbably far."""
        family = self._family(scores)
        return {
            name: float(np.exp(-surprise(family, surprise(self.scores[name], np.array(score)))))
            for name, score in scores.items()
        }

    def critical(self, test: Key, alpha: float) -> float:
        """The score of a test at which that probability is alpha, of all tests together."""
        return value_at(self.scores[test], value_at(self._of_all, -math.log(alpha)))

    @cached_property
    def _of_all(self) -> Floats:
        return self._family(self.scores)

    def _family(self, tests: Iterable[Key]) -> Floats:
        """The most surprising test of each draw (Westfall and Young 1993, step 1 of minP)."""
        logs = [surprise(self.scores[test], self.scores[test]) for test in tests]
        return np.asarray(np.max(logs, axis=0, initial=0.0))


def shuffled(table: csr_array, n_before: int) -> tuple[Floats, Floats]:
    """Counts [draws, cells] of the table's rows, dealt out anew to a sample of `n_before` and the rest.

    A permutation test: where nothing has changed, its p-values hold exactly.
    """
    generator, first = np.random.default_rng(SEED), np.arange(table.shape[0]) < n_before
    hands = (generator.permuted(np.tile(first, (BLOCK, 1)), axis=1) for _ in range(DRAWS // BLOCK))
    before = np.concatenate([hand.astype(np.float32) @ table for hand in hands]).astype(np.float64)
    return before, table.sum(axis=0) - before


def drawn(table: csr_array, weights: Floats, sizes: tuple[int, int]) -> tuple[Floats, Floats]:
    """The same where the table is a sample: both sides are drawn from it by weight, with replacement."""
    generator, chances = np.random.default_rng(SEED), weights / weights.sum()
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    for _ in range(DRAWS // BLOCK):
        for side, size in zip(sides, sizes, strict=True):
            side.append(generator.multinomial(size, chances, BLOCK).astype(np.float64) @ table)
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
