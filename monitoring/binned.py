"""Rows as counts, on the reference's own bins: whatever is judged is judged on these, and they add up."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from monitoring.columns import BUCKETS, Columns, finite

BINS = 256  # of a number, at most: fewer where values are tied

Counts = NDArray[np.int64]  # [cells]


@dataclass(frozen=True)
class Bins:
    """Which cell of a vector of counts stands for what.

    A number falls into the first bin whose edge it does not exceed, or into one more behind the last edge.
    The cell before the token buckets counts the rows that have any.
    """

    edges: dict[str, NDArray[np.float64]]  # by column, ascending
    n_labels: int

    @cached_property
    def spans(self) -> dict[str, slice]:
        """The cells of each column."""
        sizes = {name: len(edges) + 1 for name, edges in self.edges.items()}
        sizes |= {"label": self.n_labels, "tokens": 1 + BUCKETS}
        ends = np.cumsum(list(sizes.values())).tolist()
        return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}

    @property
    def n_cells(self) -> int:
        return int(max(span.stop for span in self.spans.values()))

    def cells(self, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each value that counts, its row and its cell."""
        rows, cells = [], []
        for name, edges in self.edges.items():
            usable = np.flatnonzero(~np.isnan(columns.numbers[name]))
            rows.append(usable)
            cells.append(self.spans[name].start + np.searchsorted(edges, columns.numbers[name][usable]))
        known = np.flatnonzero(columns.labels >= 0)
        rows.append(known)
        cells.append(self.spans["label"].start + columns.labels[known])
        lengths = np.diff(columns.bucket_ends, prepend=0)
        rows += [np.flatnonzero(lengths), np.repeat(np.arange(len(lengths)), lengths)]
        start = self.spans["tokens"].start
        cells += [np.full(np.count_nonzero(lengths), start), start + 1 + columns.buckets.astype(np.int64)]
        return np.concatenate(rows), np.concatenate(cells)

    def count(self, columns: Columns) -> Counts:
        """How many values fall into each cell."""
        counts = np.zeros(self.n_cells, np.int64)
        for name, edges in self.edges.items():
            values = np.sort(finite(columns.numbers[name]))  # ten times faster than to look each one up
            ends = np.searchsorted(values, edges, "right")
            counts[self.spans[name]] = np.diff(ends, prepend=0, append=len(values))
        known = columns.labels[columns.labels >= 0]
        counts[self.spans["label"]] = np.bincount(known, minlength=self.n_labels)
        holders = np.count_nonzero(np.diff(columns.bucket_ends, prepend=0))
        counts[self.spans["tokens"]] = [holders, *np.bincount(columns.buckets, minlength=BUCKETS)]
        return counts


def bins_of(reference: Columns, n_labels: int) -> Bins:
    """Bins that hold about equally many of the reference's values."""
    edges = {}
    for name, values in reference.numbers.items():
        usable = finite(values)
        ranks = np.linspace(0, 1, BINS)
        points = np.quantile(usable, ranks, method="inverted_cdf") if len(usable) else usable
        edges[name] = np.unique(points)
    return Bins(edges, n_labels)


def table_of(columns: Columns, bins: Bins) -> csr_array:
    """The rows by cells, 1 where a row has a value there."""
    rows, cells = bins.cells(columns)
    ones = np.ones(len(rows), np.float32)
    return csr_array((ones, (rows, cells)), shape=(len(columns), bins.n_cells))
