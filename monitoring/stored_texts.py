"""The texts of a window, where the service stores them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bentos.log_reader import Row, read_log
from bentos.preprocess import TextInput
from monitoring.tally import Key, Sample
from monitoring.windows import Window

STEP = timedelta(hours=6)  # read at once


def stored_texts(logs: Path, window: Window, sample: Sample) -> dict[Key, TextInput]:
    """Of the rows of a sample, by request and index in the sample's order."""
    keys = list(zip(sample.request_ids.tolist(), sample.indices.tolist(), strict=True))
    found, wanted = dict[Key, TextInput](), set(keys)
    for row in _rows(logs, window):
        key, text, pair = (
            (str(row.get("request_id")), row.get("index")),
            row.get("text"),
            row.get("text_pair"),
        )
        if isinstance(key[1], int) and isinstance(text, str) and key in wanted:
            found[key] = (text, pair) if isinstance(pair, str) else text
    return {key: found[key] for key in keys if key in found}


def _rows(logs: Path, window: Window) -> Iterator[Row]:
    start = window.start
    while start < window.end:
        end = min(start + STEP, window.end)
        yield from read_log(logs, "texts", start, end).rows
        start = end
