"""The texts of a window, where the service stores them."""

from pathlib import Path

from bentos.log_reader import read_texts
from bentos.preprocess import TextInput
from monitoring.tally import Key, Sample
from monitoring.windows import Window


def stored_texts(logs: Path, window: Window, sample: Sample) -> dict[Key, TextInput]:
    """Of the rows of a sample, by request and index in the sample's order."""
    rows = read_texts(logs, set(sample.items), window.start, window.end)
    found = dict[Key, TextInput]()
    for key in sample.items:
        text, pair = (rows.get(key, {}).get(name) for name in ("text", "text_pair"))
        if isinstance(text, str):
            found[key] = (text, pair) if isinstance(pair, str) else text
    return found
