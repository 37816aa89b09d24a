"""McNemar's exact test: which of two versions is right more often on the same rows, beyond chance?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

ALPHA = 0.05  # a two-sided p up to here is beyond chance


@dataclass(frozen=True)
class Comparison:
    """Two versions on the same labelled rows. Only the rows that one of them alone gets right can tell."""

    rows: int
    served_accuracy: float
    candidate_accuracy: float
    only_served_right: int
    only_candidate_right: int
    p: float  # two-sided, of "both are right equally often"

    @property
    def better(self) -> bool:
        """The candidate is right more often, beyond chance."""
        return self.p <= ALPHA and self.only_candidate_right > self.only_served_right

    @property
    def worse(self) -> bool:
        """The candidate is right less often, beyond chance."""
        return self.p <= ALPHA and self.only_candidate_right < self.only_served_right


def compare(served: Sequence[int], candidate: Sequence[int], truth: Sequence[int]) -> Comparison:
    """Compare the label positions that two versions give to each row; at least one row.

    McNemar, Q. (1947): Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12, 153-157; exact, by the binomial law of the rows on which they differ.
    """
    served_right, candidate_right = np.equal(served, truth), np.equal(candidate, truth)
    only_served = int((served_right & ~candidate_right).sum())
    only_candidate = int((candidate_right & ~served_right).sum())
    differ = only_served + only_candidate
    return Comparison(
        rows=len(truth),
        served_accuracy=float(served_right.mean()),
        candidate_accuracy=float(candidate_right.mean()),
        only_served_right=only_served,
        only_candidate_right=only_candidate,
        p=float(binomtest(only_candidate, differ).pvalue) if differ else 1.0,
    )
