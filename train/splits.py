"""Who goes into which split: by time, by group or by text, and never on both sides."""

import re
import unicodedata
from collections.abc import Callable, Hashable
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

from bentos.task import Task
from train.pictures import Picture

Text = str | tuple[str, str] | Picture
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
NO_WORD = re.compile(r"[\W_]+")


class Row(NamedTuple):
    """One usable row of the data."""

    text: Text
    label: int | float | tuple[float, ...]  # position in the task's labels; a regression's value; 0 or 1 each
    timestamp: datetime | None
    group: str | None
    key: int  # 64 bits, the same for texts that differ in case, marks or spacing only
    user: str | None = None
    item: str | None = None


Parts = dict[str, list[Row]]  # by the name of the split


def text_key(text: Text) -> int:
    """64 bits of the normalised text: NFKC, case folded, `<br />`, punctuation and spacing as one space.

    A text of nothing but punctuation or emoji stands for itself; of a picture the bytes of its file count.
    """
    if isinstance(text, Picture):
        return hash64(text.sha256)
    texts = (text,) if isinstance(text, str) else text
    return hash64("\0".join(map(_normalised, texts)))


def hash64(text: str, salt: str = "") -> int:
    """The same 64 bits on every machine and in every run."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=salt.encode()).digest()
    return int.from_bytes(digest, "big")


def fill_missing(parts: Parts, task: Task) -> tuple[Parts, str]:
    """Cut the validation and test splits that are not given from the train split; also how it was done.

    By time the newest rows are the test split and those right before them the validation split. By group
    and by text a hash decides, so that a row stays on its side when other rows come or go.
    """
    wanted = {"test": task.test_split_percentage, "validation": task.validation_split_percentage}
    shares = {name: share / 100 for name, share in wanted.items() if name not in parts}
    given = f"given: {', '.join(sorted(parts, reverse=True))}"
    if not shares:
        return parts, given
    by = "timestamp" if task.timestamp_column_name else "group" if task.group_column_name else "text"
    cut = CUTS[by](parts["train"], shares)
    percent = ", ".join(f"{name} {100 * share:g} %" for name, share in shares.items())
    return parts | cut, f"{given}; cut from train by {by}: {percent}"


def remove_leaks(parts: Parts, trait: Callable[[Row], Hashable]) -> tuple[Parts, int]:
    """Drop train rows that share the trait with a validation or test row, validation rows with a test row.

    The evaluation stays as it is; what is on both sides leaves the side that learns from it. Rows whose
    trait is None are kept. Also the number of rows dropped.
    """
    seen: set[Hashable] = set()
    kept: Parts = {}
    for name in ("test", "validation", "train"):
        kept[name] = [row for row in parts[name] if trait(row) is None or trait(row) not in seen]
        seen |= {trait(row) for row in kept[name]}
    return kept, sum(map(len, parts.values())) - sum(map(len, kept.values()))


def sample(rows: list[Row], limit: int | None, seed: int) -> list[Row]:
    """At most `limit` rows in their order, chosen by a hash of text and seed: spread over all of them."""
    if limit is None or len(rows) <= limit:
        return rows
    chosen = sorted(range(len(rows)), key=lambda i: (hash64(str(rows[i].key), f"sample {seed}"), i))[:limit]
    return [rows[i] for i in sorted(chosen)]


def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFKC", LINE_BREAK.sub(" ", text)).casefold()
    return NO_WORD.sub(" ", folded).strip() or folded.strip()


def _cut_by_time(rows: list[Row], shares: dict[str, float]) -> Parts:
    left = sorted(rows, key=lambda row: (row.timestamp, row.key))
    cut: Parts = {}
    for name, share in shares.items():
        at = len(left) - round(share * len(rows))
        cut[name], left = left[at:], left[:at]
    return cut | {"train": left}


def _cut_by_hash(rows: list[Row], shares: dict[str, float], place: Callable[[Row], int]) -> Parts:
    edges = list(zip(accumulate(shares.values()), shares, strict=True))
    cut: Parts = {name: [] for name in (*shares, "train")}
    for row in rows:
        at = place(row) / 2**64
        cut[next((name for edge, name in edges if at < edge), "train")].append(row)
    return cut


def _by_group(row: Row) -> int:
    return row.key if row.group is None else hash64(row.group)


CUTS: dict[str, Callable[[list[Row], dict[str, float]], Parts]] = {
    "timestamp": _cut_by_time,
    "group": lambda rows, shares: _cut_by_hash(rows, shares, _by_group),
    "text": lambda rows, shares: _cut_by_hash(rows, shares, lambda row: row.key),
}
