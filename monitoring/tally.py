"""What is known of a window without its rows: counts that add up, and a sample. The verdict needs no more."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitoring.binned import Bins, Counts
from monitoring.columns import Columns, joined, no_columns

SAMPLE = 10_000  # rows that stand for a larger window where single rows are needed
LATENCIES = np.geomspace(0.1, 1e5, 121)  # ms; neighbours are 12 % apart
QUANTILES = (0.5, 0.9, 0.99)

Key = tuple[str, int]  # request_id and index
Objects = NDArray[np.object_]
Faults = dict[str, Counter[str]]  # by column, how many rows have which fault


@dataclass(frozen=True)
class Part:
    """Rows of one model in one window as arrays, each [rows]."""

    columns: Columns
    moments: NDArray[np.int64]  # microseconds since 1970, UTC; 0 where a row has no time
    request_ids: Objects
    indices: NDArray[np.int64]
    labels: Objects  # as they stand in the log
    latencies: NDArray[np.float64]  # ms; NaN where there is none
    truncated: NDArray[np.bool_]
    tags: Objects  # the caller's own, a dict or None


@dataclass(frozen=True)
class Sample:
    """The rows with the smallest keys, by key: the sample of a whole is that of its parts' samples."""

    columns: Columns
    keys: NDArray[np.uint64]
    request_ids: Objects
    indices: NDArray[np.int64]
    tags: Objects

    def __add__(self, other: "Sample") -> "Sample":
        columns = joined([self.columns, other.columns])
        names = ("keys", "request_ids", "indices", "tags")
        return smallest(
            columns, *(np.concatenate([getattr(one, name) for one in (self, other)]) for name in names)
        )


@dataclass(frozen=True)
class Tally:
    """The rows that one model wrote in a window. Tallies of its parts add up to that of the window."""

    tag: str  # of the model
    counts: Counts  # on the bins of the model's reference
    sample: Sample
    n_rows: int = 0
    logged: Counter[str] = field(default_factory=Counter)  # rows by model tag, those of other models too
    labels: Counter[str] = field(default_factory=Counter)  # rows by the label given
    faults: Faults = field(default_factory=dict)
    latencies: Counts = field(default_factory=lambda: np.zeros(len(LATENCIES) + 1, np.int64))
    truncated: int = 0
    answered: dict[Key, str] = field(default_factory=dict)  # labels given to items that were labelled later
    future_rows: int = 0  # dated later than the clock of the judge
    unreadable_lines: int = 0  # in the files around the window: no JSON, or no row of ours
    damaged_files: tuple[str, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        columns = self.faults.keys() | other.faults.keys()
        return Tally(
            tag=self.tag,
            counts=self.counts + other.counts,
            sample=self.sample + other.sample,
            n_rows=self.n_rows + other.n_rows,
            logged=self.logged + other.logged,
            labels=self.labels + other.labels,
            faults={c: self.faults.get(c, Counter()) + other.faults.get(c, Counter()) for c in columns},
            latencies=self.latencies + other.latencies,
            truncated=self.truncated + other.truncated,
            answered=self.answered | other.answered,
            future_rows=self.future_rows + other.future_rows,
            unreadable_lines=self.unreadable_lines + other.unreadable_lines,
            damaged_files=tuple(sorted({*self.damaged_files, *other.damaged_files})),
        )

    def latency_ms(self) -> dict[str, float] | None:
        """Quantiles by name (`p50` ...), up to the width of a bin; None without any latency."""
        total = int(self.latencies.sum())
        if not total:
            return None
        cells = np.searchsorted(np.cumsum(self.latencies), [q * total for q in QUANTILES])
        return {
            f"p{q * 100:g}": float(f"{LATENCIES[min(cell, len(LATENCIES) - 1)]:.3g}")
            for q, cell in zip(QUANTILES, cells, strict=True)
        }


def empty_tally(tag: str, bins: Bins) -> Tally:
    """That of no rows."""
    nobody = np.array([], np.object_)
    none = np.array([], np.int64)
    sample = Sample(no_columns(bins.edges), none.astype(np.uint64), nobody, none, nobody)
    return Tally(tag, np.zeros(bins.n_cells, np.int64), sample)


def tally_part(part: Part, tag: str, bins: Bins, labelled: Container[Key]) -> Tally:
    """The tally of rows; `labelled` holds the items that labels have come for."""
    n_rows = len(part.columns)
    latencies = np.searchsorted(LATENCIES, part.latencies[~np.isnan(part.latencies)])
    return Tally(
        tag=tag,
        counts=bins.count(part.columns),
        sample=smallest(part.columns, keys_of(part), part.request_ids, part.indices, part.tags),
        n_rows=n_rows,
        labels=Counter(label for label in part.labels if isinstance(label, str)),
        latencies=np.bincount(latencies, minlength=len(LATENCIES) + 1),
        truncated=int(part.truncated.sum()),
        answered=answered(part, labelled),
    )


def smallest(
    columns: Columns,
    keys: NDArray[np.uint64],
    request_ids: Objects,
    indices: NDArray[np.int64],
    tags: Objects,
) -> Sample:
    """The SAMPLE rows with the smallest keys, by key; equal keys by request and index."""
    rows = np.arange(len(keys))
    if len(keys) > SAMPLE:
        rows = np.flatnonzero(keys <= np.partition(keys, SAMPLE - 1)[SAMPLE - 1])
    order = np.lexsort((indices[rows], request_ids[rows].astype(str), keys[rows]))
    rows = rows[order][:SAMPLE]
    return Sample(columns.take(rows), keys[rows], request_ids[rows], indices[rows], tags[rows])


def keys_of(part: Part) -> NDArray[np.uint64]:
    """A number for each row, as good as random: splitmix64 (Steele and others, 2014) of moment and index."""
    with np.errstate(over="ignore"):
        z = part.moments.astype(np.uint64) * np.uint64(1024) + part.indices.astype(np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def known(tags: Mapping[str, object]) -> dict[str, str]:
    """Those that were given: of rows in a table each has the names of all."""
    return {name: value for name, value in tags.items() if isinstance(value, str)}


def answered(part: Part, labelled: Container[Key]) -> dict[Key, str]:
    """The labels that the model gave to items that were labelled later."""
    keys = zip(part.request_ids, part.indices.tolist(), strict=True)
    return {key: label for key, label in zip(keys, part.labels, strict=True) if key in labelled}
