"""Request log rows by the million: made-up, with the columns, widths and rarities of real ones.

Texts of Steam's lengths hold 45 token buckets in the mean. The bucket texts are drawn once and come again in
another order with each call; everything else is fresh.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bentos.request_log import BUCKET_NAMES

LABELS = ("negative", "positive")
BLOCK = 100_000  # bucket texts to choose from
HOUR = timedelta(hours=1)
VOCABULARY = 30_000
PAIRS = np.frombuffer("".join(BUCKET_NAMES).encode(), "<u2")
HEX = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), "<u2")


def log_rows(n: int, tag: str, start: datetime, seed: int, length: timedelta = HOUR) -> pa.Table:
    """`n` rows of a model, in order of time, spread over `length` from `start` on (UTC)."""
    rng = np.random.default_rng(seed)
    lengths, buckets = _bucket_texts()
    chosen = rng.permutation(BLOCK)[np.arange(n) % BLOCK]
    positive = np.where(rng.random(n) < 0.8, rng.beta(8, 2, n), rng.beta(2, 8, n))
    probs = np.stack([_short(1 - positive), _short(positive)], axis=1)
    best = probs.argmax(axis=1)
    n_tokens = lengths[chosen]
    at = np.sort(rng.integers(0, length // timedelta(microseconds=1), n))
    ts = np.datetime64(start.replace(tzinfo=None), "us") + at.astype("m8[us]")
    columns = {
        "ts": pc.binary_join_element_wise(pa.array(np.datetime_as_string(ts)), "Z", ""),
        "request_id": _hex(rng, n),
        "index": pa.array(np.zeros(n, np.int64)),
        "model_tag": pa.repeat(tag, n),
        "label": pa.array(np.array(LABELS)[best]),
        "score": pa.array(probs.max(axis=1)),
        "probs": pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), 2).cast(pa.list_(pa.float64())),
        "entropy": pa.array(_short(-(probs * np.log(np.maximum(probs, 1e-12))).sum(axis=1))),
        "latency_ms": pa.array(rng.gamma(4, 3, n).round(3)),
        "status": pa.array(np.full(n, 200)),
        "truncated": pa.array(n_tokens >= 256),
        "n_chars": pa.array(np.maximum(1, n_tokens * rng.normal(4.6, 0.5, n)).astype(np.int64)),
        "n_tokens": pa.array(n_tokens),
        "subword_rate": pa.array(_short(rng.binomial(n_tokens, 0.12) / n_tokens)),
        "unk_rate": pa.array(_short(rng.binomial(n_tokens, 0.0005) / n_tokens)),
        "upper_share": pa.array(_short(rng.beta(1.5, 30, n))),
        "non_letter_share": pa.array(_short(rng.beta(2, 40, n))),
        "text_hash": _hex(rng, n),
        "buckets": buckets.take(pa.array(chosen)),
    }
    return pa.table(columns)


def json_lines(table: pa.Table) -> bytes:
    """The rows as the log writer writes them, but for the last digits of some numbers."""
    pieces: list[Any] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        pieces += [f'{"," if pieces else "{"}"{name}":', _as_json(column.combine_chunks())]
    lines = pc.binary_join_element_wise(*pieces, "}\n", "")
    return b"".join(chunk.buffers()[2].to_pybytes() for chunk in _chunks(lines))


def _chunks(lines: Any) -> list[Any]:
    return list(lines.chunks) if isinstance(lines, pa.ChunkedArray) else [lines]


def _as_json(column: Any) -> Any:
    if pa.types.is_string(column.type):
        return pc.binary_join_element_wise('"', column, '"', "")
    if pa.types.is_list(column.type):
        numbers = column.flatten().cast(pa.string())
        return pc.binary_join_element_wise(
            "[", numbers.take(_every(0, numbers)), ",", numbers.take(_every(1, numbers)), "]", ""
        )
    return column.cast(pa.string())


def _every(first: int, numbers: Any) -> Any:
    return pa.array(np.arange(first, len(numbers), len(LABELS)))


@lru_cache
def _bucket_texts() -> tuple[NDArray[np.int64], Any]:
    """BLOCK texts' lengths in tokens, and their buckets as the log has them."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(3.65, 0.95, BLOCK), 4, 256).astype(np.int64)
    rows = np.repeat(np.arange(BLOCK), lengths)
    words = (VOCABULARY ** rng.random(len(rows))).astype(np.uint64)  # after Zipf
    buckets = (words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(54)
    held = np.unique(rows.astype(np.int64) * len(PAIRS) + buckets.astype(np.int64))
    ends = np.searchsorted(held, np.arange(BLOCK + 1) * len(PAIRS)).astype(np.int32)
    texts = _texts(PAIRS[held % len(PAIRS)].tobytes(), 2 * ends)
    return lengths, texts


def _hex(rng: np.random.Generator, n: int) -> Any:
    """Random numbers of 32 hexadecimal digits."""
    digits = HEX[rng.integers(0, 256, 16 * n, np.uint8)].tobytes()
    return _texts(digits, np.arange(0, 32 * n + 1, 32, dtype=np.int32))


def _texts(letters: bytes, bounds: NDArray[np.int32]) -> Any:
    return pa.StringArray.from_buffers(
        len(bounds) - 1, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(letters)
    )


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seven decimals, where the log has seven digits."""
    return values.round(7)
