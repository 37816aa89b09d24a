"""Log rows whose token buckets come of texts, and a store entry's folder with the tokenizer for it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from bentos.request_log import BUCKET_NAMES, Row, token_buckets
from bentos.vocabulary import FILE, vocabulary
from monitoring.drift import AlarmRate
from monitoring.judge import Judgement
from monitoring.reference import Reference
from tests import monitoring_rows
from tests.monitoring_rows import make_reference, make_rows

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
ENGLISH = [
    "the",
    "game",
    "is",
    "good",
    "and",
    "it",
    "was",
    "fun",
    "but",
    "music",
    "story",
    "too",
    "short",
    "for",
]
GERMAN = [
    "das",
    "spiel",
    "ist",
    "gut",
    "und",
    "es",
    "die",
    "der",
    "nicht",
    "ich",
    "aber",
    "mit",
    "ein",
    "sehr",
]
FILMS = ["movie", "film", "director", "actor", "scene"]
PIECES = ["##ing", "##s", "play"]
ONCE = AlarmRate(1, 30, 1 / 30, scheduled=False)


def make_folder(folder: Path, texts: Sequence[str] = ()) -> Path:
    """What monitoring reads of an entry: a tokenizer of all these words, and what `texts` hold of them."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [*SPECIAL, *PIECES, *ENGLISH, *FILMS, *GERMAN]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    if texts:
        ids = (np.array(one.ids) for one in tokenizer.encode_batch(list(texts)))
        (folder / FILE).write_text(json.dumps(vocabulary(ids, tokenizer)))
    return folder


def make_texts(n: int, seed: int, words: Sequence[str] = ENGLISH, length: int = 8) -> list[str]:
    """Random ones of these words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, length)) for _ in range(n)]


def worded(texts: Sequence[str], folder: Path, seed: int, **columns: Any) -> list[Row]:
    """A row for each text with its token buckets, all else as ever."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    held = [np.unique(token_buckets(np.array(one.ids))) for one in tokenizer.encode_batch(list(texts))]
    rows = make_rows(len(texts), seed, **columns)
    return [
        row | {"buckets": "".join(BUCKET_NAMES[bucket] for bucket in buckets)}
        for row, buckets in zip(rows, held, strict=True)
    ]


def make_worded_reference(folder: Path, n: int = 1000) -> Reference:
    """English texts, as the vocabulary beside them says."""
    texts = make_texts(n, seed=0)
    make_folder(folder, texts)
    rows = [
        row | {"true_label": reference["true_label"]}
        for row, reference in zip(worded(texts, folder, seed=0), make_reference(n).rows, strict=True)
    ]
    return replace(make_reference(n), rows=rows, folder=folder)


def judged(rows: list[Row], reference: Reference) -> Judgement:
    return monitoring_rows.judged(rows, reference, ONCE)
