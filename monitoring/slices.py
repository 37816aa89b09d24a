"""Where it happened: rows of one length, one language, or one tag of the callers, beside all others.

This describes and proves nothing: there are no p-values here, and small slices are left out.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.binned import Bins
from monitoring.columns import Columns, finite
from monitoring.cuts import Cut, Sides
from monitoring.drift import MIN_ROWS
from monitoring.tally import Objects, Sample

VALUES = 10  # of a tag; the others together are one slice
LISTED = 20
LENGTH = "n_tokens"
MOST = 0.5  # of the move, for a slice to be where most of it is
CLEARLY = 1.5  # times as much as its share of the rows

Mask = NDArray[np.bool_]  # [rows]


@dataclass(frozen=True)
class Slice:
    """Rows that have something in common. Distances by the columns that drifted, at their cuts."""

    by: str  # `length`, `language` or `tag <name>`
    name: str
    rows: int  # of the sample
    share: float  # of the rows
    reference_share: float | None  # None: the reference has no tags
    carried: float  # of the whole move; the slices of one kind add up to 1, and some may be negative
    distances: dict[str, float]  # from the reference's rows of the same slice, or from all of them
    elsewhere: dict[str, float]  # of all other rows of the window

    @property
    def column(self) -> str:
        """In which it is furthest away."""
        return max(self.distances, key=lambda column: self.distances[column])

    @property
    def has_most(self) -> bool:
        """Whether most of the move is here, more than its size and what few rows do by chance explain."""
        elsewhere = self.elsewhere.get(self.column)
        if elsewhere is None or self.carried < max(MOST, CLEARLY * self.share):
            return False
        return self.distances[self.column] - elsewhere > 2 / math.sqrt(self.rows)  # 4 sd of a share, at most


@dataclass(frozen=True)
class Group:
    """Which rows belong to a slice."""

    by: str
    name: str
    window: Mask
    reference: Mask | None  # None: unknown of the reference


def slices_of(
    cuts: list[Cut],
    bins: Bins,
    reference: Columns,
    sample: Sample,
    languages: tuple[Objects, Objects] | None,
) -> list[Slice]:
    """The slices with enough rows, those first that carry most of the move.

    `languages` are those of the rows of reference and window, where they can be guessed.
    """
    if not cuts:
        return []
    before, after = (
        filled(np.array([cut.sides(one, bins) for cut in cuts])) for one in (reference, sample.columns)
    )
    groups = [*by_length(reference, sample.columns), *by_tag(sample.tags)]
    groups += by_language(*languages) if languages else []
    found = [
        measured(group, cuts, before, after) for group in groups if np.count_nonzero(group.window) >= MIN_ROWS
    ]
    return sorted(found, key=lambda one: (-one.carried, one.by, one.name))[:LISTED]


def by_length(reference: Columns, window: Columns) -> Iterator[Group]:
    """By the quartiles of the reference's lengths."""
    lengths = [one.numbers.get(LENGTH, np.array([])) for one in (reference, window)]
    if not all(len(finite(one)) for one in lengths):
        return
    ends = np.unique(np.quantile(finite(lengths[0]), (0.25, 0.5, 0.75), method="inverted_cdf"))
    before, after = (np.where(np.isnan(one), -1, np.searchsorted(ends, one)) for one in lengths)
    for i in range(len(ends) + 1):
        first, last = int(ends[i - 1]) + 1 if i else 0, int(ends[i]) if i < len(ends) else 0
        name = f"{first} to {last}" if i and last else f"up to {last}" if last else f"{first} or more"
        yield Group("length", f"{name} tokens", after == i, before == i)


def by_language(reference: Objects, window: Objects) -> Iterator[Group]:
    """By the language guessed."""
    for name in sorted(set(window)):
        yield Group("language", name, window == name, reference == name)


def by_tag(tags: Objects) -> Iterator[Group]:
    """By each tag and its most frequent values."""
    given = [one or {} for one in tags]
    for tag in sorted({tag for one in given for tag in one}):
        values = np.array([one.get(tag) for one in given] + [None], object)[:-1]
        counts = Counter(value for value in values if value is not None)
        most = sorted(counts, key=lambda value: (-counts[value], value))[:VALUES]
        for value in most:
            yield Group(f"tag {tag}", f"{tag}={value}", values == value, None)
        none = np.array([value is None for value in values], np.bool_)
        other = ~none & ~np.isin(values.astype(str), most)
        yield Group(f"tag {tag}", f"other {tag}", other, None)
        yield Group(f"tag {tag}", f"no {tag}", none, None)


def filled(sides: Sides) -> Sides:
    """[cuts, rows] with the mean of the others where a row has no value: it says nothing."""
    known = ~np.isnan(sides)
    means = np.where(known, sides, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, sides, means[:, None])


def measured(group: Group, cuts: list[Cut], before: Sides, after: Sides) -> Slice:
    """The slice of a group; `before` and `after` are the sides [cuts, rows] of reference and window.

    What it carries is by how much it moves the shares at the cuts away from those of the whole reference:
    by holding other rows than it did, or by holding more of rows that were always apart.
    """
    usual, moved = before.mean(axis=1), after.mean(axis=1) - before.mean(axis=1)
    share = float(group.window.mean())
    carried = share * (after[:, group.window].mean(axis=1) - usual)
    if group.reference is not None and group.reference.any():
        carried -= group.reference.mean() * (before[:, group.reference].mean(axis=1) - usual)
    total = float(np.abs(moved).sum())
    return Slice(
        by=group.by,
        name=group.name,
        rows=int(np.count_nonzero(group.window)),
        share=share,
        reference_share=None if group.reference is None else float(group.reference.mean()),
        carried=float((carried * np.sign(moved)).sum()) / total if total else 0.0,
        distances=distances(cuts, after, group.window, before, group.reference),
        elsewhere=distances(
            cuts, after, ~group.window, before, None if group.reference is None else ~group.reference
        ),
    )


def distances(
    cuts: list[Cut], after: Sides, rows: Mask, before: Sides, like: Mask | None
) -> dict[str, float]:
    """How far these rows are from those like them in the reference, or from all where those are too few."""
    if not rows.any():
        return {}
    compared = before if like is None or np.count_nonzero(like) < MIN_ROWS else before[:, like]
    apart = np.abs(after[:, rows].mean(axis=1) - compared.mean(axis=1))
    return {cut.column: float(one) for cut, one in zip(cuts, apart, strict=True)}
