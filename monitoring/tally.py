"""What is known of a window without its rows: counts that add up, and a sample. The verdict needs no more."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.binned import Bins, Counts
from monitoring.columns import Columns, finite, joined, no_columns

SAMPLE = 10_000  # rows that stand for a larger window where single rows are needed
LARGEST_KEY = 2**64 - 1
LATENCIES = np.geomspace(0.1, 1e5, 121)  # ms; neighbours are 12 % apart
QUANTILES = (0.5, 0.9, 0.99)

Key = tuple[str, int]  # request_id and index


class Given(NamedTuple):
    """What the model answered to an item."""

    label: str | None
    scores: tuple[float, ...]  # of the columns `probs[...]`


Objects = NDArray[np.object_]
Faults = dict[str, Counter[str]]  # by column, how many rows have which fault


@dataclass(frozen=True)
class Part:
    """Rows of one model in one window as arrays, each [rows]."""

    columns: Columns
    moments: NDArray[np.int64]  # microseconds since 1970, UTC; 0 where a row has no time
    request_ids: pa.StringArray  # empty where a row has none
    indices: NDArray[np.int64]
    labels: pa.StringArray  # as they stand in the log; null where a row has none
    latencies: NDArray[np.float64]  # ms; NaN where there is none
    truncated: NDArray[np.bool_]
    tags: Objects  # the caller's own, a dict or None


@dataclass(frozen=True)
class Sample:
    """The rows with the smallest keys, by key: the sample of a whole is that of its parts' samples."""

    columns: Columns
    keys: NDArray[np.uint64]
    request_ids: pa.StringArray
    indices: NDArray[np.int64]
    tags: Objects

    def __add__(self, other: "Sample") -> "Sample":
        if not len(other.keys):
            return self
        return Sample(
            joined([self.columns, other.columns]),
            np.concatenate([self.keys, other.keys]),
            pa.concat_arrays([self.request_ids, other.request_ids]),
            np.concatenate([self.indices, other.indices]),
            np.concatenate([self.tags, other.tags]),
        ).smallest()

    def smallest(self) -> "Sample":
        """The SAMPLE rows with the smallest keys, by key; equal keys by request and index."""
        by = ["key", "request_id", "index"]
        table = pa.record_batch([self.keys, self.request_ids, self.indices], by)
        order = pc.sort_indices(table, [(name, "ascending") for name in by])
        rows = order.to_numpy().astype(np.int64)[:SAMPLE]
        return Sample(
            self.columns.take(rows),
            self.keys[rows],
            self.request_ids.take(pa.array(rows)),
            self.indices[rows],
            self.tags[rows],
        )

    @property
    def items(self) -> list[Key]:
        """What each row is about."""
        return list(zip(self.request_ids.to_pylist(), self.indices.tolist(), strict=True))

    @property
    def largest_key(self) -> int:
        """Rows with larger keys cannot enter."""
        return int(self.keys[-1]) if len(self.keys) == SAMPLE else LARGEST_KEY


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
    answered: dict[Key, Given] = field(default_factory=dict)  # of the items that were labelled later
    future_rows: int = 0  # dated later than the clock of the judge
    early_rows: int = 0  # dated long before the file was begun that they are in
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
            early_rows=self.early_rows + other.early_rows,
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
    none = np.array([], np.int64)
    nothing = none.astype(np.object_)
    sample = Sample(no_columns(bins.edges), none.astype(np.uint64), pa.array([], pa.string()), none, nothing)
    return Tally(tag, np.zeros(bins.n_cells, np.int64), sample)


def tally_part(
    part: Part, tag: str, bins: Bins, labelled: frozenset[Key] = frozenset(), largest_key: int = LARGEST_KEY
) -> Tally:
    """The tally of rows; `labelled` holds the items that labels have come for.

    Rows with keys beyond `largest_key` are not sampled.
    """
    latencies = np.searchsorted(LATENCIES, finite(part.latencies))
    return Tally(
        tag=tag,
        counts=bins.count(part.columns),
        sample=sampled(part, largest_key),
        n_rows=len(part.columns),
        labels=counted(part.labels.drop_null()),
        latencies=np.bincount(latencies, minlength=len(LATENCIES) + 1),
        truncated=int(part.truncated.sum()),
        answered=answered(part, labelled),
    )


def sampled(part: Part, largest_key: int) -> Sample:
    """The sample of the part's rows with keys up to the largest."""
    keys = keys_of(part)
    if len(keys) > SAMPLE:
        largest_key = min(largest_key, int(np.partition(keys, SAMPLE - 1)[SAMPLE - 1]))
    rows = np.flatnonzero(keys <= np.uint64(largest_key))
    return Sample(
        part.columns.take(rows),
        keys[rows],
        part.request_ids.take(pa.array(rows)),
        part.indices[rows],
        part.tags[rows],
    ).smallest()


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


def counted(texts: pa.StringArray) -> Counter[str]:
    """How often each text is there."""
    return Counter({str(one["values"]): one["counts"] for one in pc.value_counts(texts).to_pylist()})


def answered(part: Part, labelled: frozenset[Key]) -> dict[Key, Given]:
    """What the model answered to items that were labelled later."""
    rows = np.flatnonzero(pc.is_in(part.request_ids, request_ids(labelled)))
    requests, labels = (texts.take(pa.array(rows)).to_pylist() for texts in (part.request_ids, part.labels))
    scores = [values[rows] for name, values in part.columns.numbers.items() if name.startswith("probs[")]
    keys = zip(requests, part.indices[rows].tolist(), strict=True)
    given = map(Given, labels, map(tuple, np.column_stack(scores).tolist()))
    return {key: one for key, one in zip(keys, given, strict=True) if key in labelled}


@lru_cache(maxsize=1)
def request_ids(labelled: frozenset[Key]) -> pa.StringArray:
    return texts({request for request, _ in labelled})


def texts(values: Iterable[str | None]) -> pa.StringArray:
    """As Arrow has them: half a surrogate pair, which JSON can write, becomes a question mark."""
    return pa.array([one and one.encode("utf-8", "replace") for one in values], pa.string())
