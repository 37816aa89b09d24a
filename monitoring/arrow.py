"""Log lines as Arrow tables, and those as parts of a tally. What is odd in any way is left to slower eyes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import json as arrow_json

from bentos.request_log import BUCKET_NAMES
from bentos.task import Task
from monitoring.columns import LARGEST, NUMBERS, Columns, compared_scores, probs_are_sound
from monitoring.tally import Part, known

WIDTH = len("2026-11-21T09:14:00.123456Z")
PAIRS = np.full(2**16, -1, np.int16)  # the two digits of a bucket, as one number, to the bucket
PAIRS[np.frombuffer("".join(BUCKET_NAMES).encode(), "<u2")] = np.arange(len(BUCKET_NAMES))


def schema(task: Task) -> pa.Schema:
    """The columns of a log row that a tally needs."""
    texts = ("ts", "request_id", "model_tag", "label", "buckets")
    fields = [(name, pa.string()) for name in texts]
    fields += [(name, pa.float64()) for name in ("score", "latency_ms", *NUMBERS.get(task.pipeline_tag, ()))]
    fields += [("index", pa.int64()), ("probs", pa.list_(pa.float64())), ("truncated", pa.bool_())]
    return pa.schema(fields)


def to_table(lines: bytes, task: Task) -> pa.Table | None:
    """The lines as a table; None where one of them is no row of the schema."""
    try:
        return arrow_json.read_json(
            pa.BufferReader(lines),
            arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            arrow_json.ParseOptions(
                explicit_schema=schema(task),
                unexpected_field_behavior="infer" if b'"tags":' in lines else "ignore",
            ),
        )
    except pa.ArrowInvalid:
        return None


def moments_of(table: pa.Table) -> NDArray[np.int64] | None:
    """Microseconds since 1970; None where a time has another form than the log's."""
    texts = array(table, "ts")
    if texts.null_count or (pc.binary_length(texts).to_numpy() != WIDTH).any():
        return None
    letters = letters_of(texts).reshape(-1, WIDTH)
    if (letters[:, -1] != ord("Z")).any():
        return None
    try:
        stamps = np.ascontiguousarray(letters[:, :-1]).view(f"S{WIDTH - 1}").ravel().astype("M8[us]")
    except ValueError:
        return None
    return np.asarray(stamps.astype(np.int64))


def part_of(table: pa.Table, moments: NDArray[np.int64], task: Task) -> Part | None:
    """The rows of the table; None where one of them breaks the contract in any column."""
    names = ("request_id", "index", "label", "score", *NUMBERS.get(task.pipeline_tag, ()))
    if any(array(table, name).null_count for name in names):
        return None
    numbers = {name: floats(table, name) for name in NUMBERS.get(task.pipeline_tag, ())}
    probs, buckets = matrix(array(table, "probs"), task), buckets_of(array(table, "buckets"))
    usable = [floats(table, "score"), *numbers.values()]
    tags = tags_of(table)
    if (
        probs is None
        or buckets is None
        or tags is None
        or not all((np.abs(one) <= LARGEST).all() for one in usable)
    ):
        return None
    labels = array(table, "label")
    return Part(
        Columns(
            pc.fill_null(pc.index_in(labels, pa.array(task.labels)), -1).to_numpy().astype(np.int64),
            compared_scores(probs, task) | numbers,
            *buckets,
        ),
        moments,
        array(table, "request_id"),
        array(table, "index").to_numpy(),
        labels,
        floats(table, "latency_ms"),
        pc.fill_null(array(table, "truncated"), False).to_numpy(zero_copy_only=False),
        tags,
    )


def matrix(lists: pa.ListArray, task: Task) -> NDArray[np.float64] | None:
    """[rows, labels]; None where one is no list of one probability for each label."""
    values, size = lists.flatten(), len(task.labels)
    if lists.null_count or values.null_count or (pc.list_value_length(lists).to_numpy() != size).any():
        return None
    probs = values.to_numpy().reshape(-1, size)
    return probs if probs_are_sound(probs, task) else None


def buckets_of(texts: pa.StringArray) -> tuple[NDArray[np.int16], NDArray[np.int64]] | None:
    """The buckets of one row after the other, and where those of each row end; a row without has none.

    None where a text is not what the log writes: two digits a bucket, each bucket once, rising.
    """
    texts = pc.fill_null(texts, "")
    lengths = pc.binary_length(texts).to_numpy()
    if (lengths % 2).any():
        return None
    buckets, ends = PAIRS[letters_of(texts).view("<u2")], np.cumsum(lengths // 2, dtype=np.int64)
    rises = np.diff(buckets) > 0
    rises[ends[(ends > 0) & (ends < len(buckets))] - 1] = True  # the next row begins anew
    return (buckets, ends) if (buckets >= 0).all() and rises.all() else None


def letters_of(texts: pa.StringArray) -> NDArray[np.uint8]:
    """The bytes of one text after the other."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset :][: len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]]


def array(table: pa.Table, name: str) -> pa.Array:
    return table.column(name).combine_chunks()


def floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """The numbers of a column, NaN where there is none."""
    return np.asarray(array(table, name).to_numpy(zero_copy_only=False), np.float64)


def tags_of(table: pa.Table) -> NDArray[np.object_] | None:
    """What the callers said of each row, as a dict or None; None altogether where one said something else."""
    if "tags" not in table.column_names or pa.types.is_null(table.field("tags").type):
        return np.full(len(table), None, np.object_)
    if not pa.types.is_struct(table.field("tags").type):
        return None
    return np.array([tags and known(tags) for tags in array(table, "tags").to_pylist()] + [None], object)[:-1]
