"""Generated log rows, reference rows and labels in the form of the request log."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bentos.request_log import BUCKET_NAMES, Row
from bentos.task import load_task
from monitoring.drift import AlarmRate
from monitoring.history import Past
from monitoring.judge import Judgement, judge
from monitoring.performance import labelled_items
from monitoring.reading import tally_lines
from monitoring.reference import Reference
from monitoring.tally import Tally
from monitoring.windows import Window

TASK = load_task("sample-reviews")
TAG = "sample-reviews-onnx-int8:1"
START = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
DAY = Window(START, START + timedelta(days=1))


def make_rows(
    n: int, seed: int, *, mean_length: float = 4.0, share: float = 0.5, **columns: Any
) -> list[Row]:
    """Rows spread over DAY; `share` of them positive, lengths lognormal; `columns` replace values in each."""
    rng = np.random.default_rng(seed)
    positive = np.where(rng.random(n) < share, rng.beta(8, 2, n), rng.beta(2, 8, n))
    length = rng.lognormal(mean_length, 0.8, n).astype(int) + 1
    values = rng.beta(2, 20, (n, 4)).round(3)
    return [
        {
            "ts": (START + i * timedelta(days=1) / n)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "request_id": f"r{i}",
            "index": 0,
            "model_tag": TAG,
            "label": TASK.labels[int(positive[i] > 0.5)],
            "score": float(max(positive[i], 1 - positive[i])),
            "probs": [1 - float(positive[i]), float(positive[i])],
            "n_chars": int(length[i]),
            "n_tokens": int(length[i]) // 5 + 2,
            "subword_rate": float(values[i, 0]),
            "unk_rate": float(values[i, 1] > 0.2) / 10,
            "upper_share": float(values[i, 2]),
            "non_letter_share": float(values[i, 3]),
            **columns,
        }
        for i in range(n)
    ]


def make_reference(n: int = 2000, seed: int = 0, accuracy: float = 0.91) -> Reference:
    """Held-out rows of TAG that are right in `accuracy` of the cases."""
    return Reference(
        TAG,
        TASK,
        [row | {"true_label": true_label(row, i, n, accuracy)} for i, row in enumerate(make_rows(n, seed))],
    )


def make_labels(rows: list[Row], accuracy: float, source: str = "audit") -> list[Row]:
    """Feedback for every row, of which `accuracy` agrees with the prediction."""
    n = len(rows)
    return [
        {"ts": row["ts"], "request_id": row["request_id"], "index": 0, "source": source}
        | {"label": true_label(row, i, n, accuracy)}
        for i, row in enumerate(rows)
    ]


def true_label(row: Row, i: int, n: int, accuracy: float) -> str:
    """The predicted label for the first rows of `n`, the other one for the rest."""
    right = i < round(n * accuracy)
    return str(row["label"]) if right else TASK.labels[1 - TASK.labels.index(row["label"])]


def tallied(rows: list[Row], reference: Reference, feedback: Sequence[Row] = (), **changes: Any) -> Tally:
    """The rows as the log of DAY."""
    found = tally_lines(lines(rows), reference.scope(DAY, labelled_items(feedback)))
    return replace(found, **changes)


def judged(
    rows: list[Row],
    reference: Reference,
    rate: AlarmRate,
    feedback: Sequence[Row] = (),
    past: Sequence[Past] = (),
    **changes: Any,
) -> Judgement:
    """The judgement of DAY with these rows as its log."""
    return judge(DAY, tallied(rows, reference, feedback, **changes), feedback, reference, rate, past)


def lines(rows: Sequence[Row]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def write_log(folder: Path, kind: str, rows: Sequence[Row]) -> None:
    """The rows as log files, one for each hour."""
    folder.mkdir(parents=True, exist_ok=True)
    for hour in {row["ts"][:13] for row in rows}:
        name = f"{kind}-{hour.replace('-', '')}-host-1-{len(rows)}.jsonl"
        write_lines(folder / name, [row for row in rows if row["ts"].startswith(hour)])


def write_lines(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes(lines(rows))


def with_buckets(rows: list[Row], seed: int = 0) -> list[Row]:
    """Rows that hold some token buckets each, one of them none."""
    rng = np.random.default_rng(seed)
    found = [np.unique(rng.integers(0, 1024, rng.integers(1, 9))) for _ in rows[1:]]
    texts = ["", *("".join(BUCKET_NAMES[one] for one in row) for row in found)]
    return [row | {"buckets": text} for row, text in zip(rows, texts, strict=True)]


def same(one: Tally, other: Tally) -> bool:
    """Equal in every field, to the last bit."""
    return all(
        _plain(getattr(one, name)) == _plain(getattr(other, name)) for name in Tally.__dataclass_fields__
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (str(value.dtype), repr(value.tolist()))  # NaN is NaN
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value
