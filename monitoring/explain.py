"""What moved in a flagged window, in words that a person can act on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bentos.preprocess import PREPROCESS, TextInput
from monitoring.columns import Columns
from monitoring.cuts import cuts_of
from monitoring.distributions import Distribution, distributions_of
from monitoring.examples import Example, examples_of
from monitoring.judge import Judgement
from monitoring.language import UNKNOWN, Languages, small_words
from monitoring.reference import Reference
from monitoring.slices import Slice, slices_of
from monitoring.stored_texts import stored_texts
from monitoring.tally import Objects
from monitoring.tokens import Tokens
from monitoring.words import Seen, Words, words_of

TEXTS = 1_000  # of the stored ones, read for their words
ARRIVED = 0.02  # more of the rows than in the reference: a language whose own words are looked for


@dataclass(frozen=True)
class Explanation:
    """Of a window that was flagged."""

    distributions: list[Distribution]  # of the columns that drifted, but the words
    words: Words | None  # None where the model has no tokens
    slices: list[Slice]  # those first that carry most of the move
    examples: list[Example]  # the most typical rows first

    @property
    def places(self) -> list[Slice]:
        """The slices that most of the move is in; the smallest that carry most, and so say most, first."""
        return sorted((one for one in self.slices if one.has_most), key=lambda one: one.share - one.carried)

    def to_json(self) -> dict[str, Any]:
        """In plain types, without any text."""
        return {
            "columns": [asdict(one) for one in self.distributions],
            "words": asdict(self.words) if self.words else None,
            "most_in": [one.name for one in self.places],
            "slices": [asdict(one) for one in self.slices],
            "examples": [{"request_id": one.request_id, "index": one.index} for one in self.examples],
        }


def explain(judgement: Judgement, reference: Reference, logs: Path) -> Explanation | None:
    """What moved; None for a window that was not flagged. `logs` is the log folder of the task."""
    if not judgement.flagged:
        return None
    baseline, counts, sample = reference.baseline, judgement.tally.counts, judgement.tally.sample
    sides = (reference.columns, sample.columns)
    texts = stored_texts(logs, judgement.window, sample)
    tokens = _tokens(reference.folder)
    languages = _languages(tokens, *sides) if tokens else None
    words = None
    if tokens and languages:
        first = [small_words(tokens, name) for name in _arrived(*languages)]
        cells = baseline.bins.spans["tokens"]
        seen = _seen(list(texts.values())[:TEXTS], reference)
        words = words_of(baseline.counts[cells], counts[cells], tokens, seen, first)
    cuts = cuts_of(judgement.statistics, baseline, counts)
    return Explanation(
        distributions_of(judgement.statistics, baseline, counts, *sides),
        words,
        slices_of(cuts, baseline.bins, reference.columns, sample, languages),
        examples_of(cuts, words, sample, baseline.bins, texts),
    )


def _tokens(folder: Path | None) -> Tokens | None:
    """None where the model has none, as one of pictures."""
    return Tokens(folder) if folder and (folder / "tokenizer.json").is_file() else None


def _languages(tokens: Tokens, reference: Columns, window: Columns) -> tuple[Objects, Objects]:
    """Those of the rows of each side."""
    languages = Languages(tokens)
    return languages.guess(reference), languages.guess(window)


def _arrived(reference: Objects, window: Objects) -> list[str]:
    """The languages that more rows have than had, the furthest first."""
    more = {name: np.mean(window == name) - np.mean(reference == name) for name in set(window)}
    return sorted((n for n in more if n != UNKNOWN and more[n] >= ARRIVED), key=lambda n: (-more[n], n))


def _seen(texts: Sequence[TextInput], reference: Reference) -> Seen | None:
    """The tokens that the model read of each text; None without any text."""
    if not texts or not reference.folder:
        return None
    encoded = PREPROCESS[reference.task.pipeline_tag](reference.folder, reference.task)(texts)
    counts = Counter(token for one in encoded for token in set(one.arrays["input_ids"].tolist()))
    return Seen(len(texts), counts)
