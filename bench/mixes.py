"""Texts of exact token counts, made of a tokenizer's own whole words: the length mixes of the benchmark."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

SHORTEST, LONGEST = 6, 256  # tokens, special ones included; fewer words than four would repeat
Draw = Callable[[random.Random], float]

# What reaches the model, after the cut, has the mean of the name: steam 56 (p95 157), imdb 230.
MIXES: dict[str, Draw] = {
    "steam": lambda rng: rng.lognormvariate(3.712, 0.817),
    "imdb": lambda rng: rng.lognormvariate(5.657, 0.45),
    "fixed-8": lambda rng: 8,
    "fixed-32": lambda rng: 32,
    "fixed-128": lambda rng: 128,
    "fixed-256": lambda rng: 256,
}


@dataclass(frozen=True)
class Vocabulary:
    """Words that are one token each, wherever they stand, and the special tokens around a text."""

    words: Sequence[str]
    n_special: int


def read_vocabulary(path: Path) -> Vocabulary:
    """The words of a `tokenizer.json` (or of the folder it lies in).

    Raises FileNotFoundError, and ValueError for a tokenizer that has no whole words.
    """
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"No tokenizer {file}. Give one, or make one: python -m bench.full_size FOLDER"
        )
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    n_special = tokenizer.num_special_tokens_to_add(is_pair=False)
    candidates = sorted(w for w in tokenizer.get_vocab() if w.isascii() and w.isalpha() and w.islower())
    encodings = tokenizer.encode_batch([f"{w} {w}" for w in candidates])
    words = [w for w, e in zip(candidates, encodings, strict=True) if len(e.ids) == 2 + n_special]
    if len(words) < 100:
        raise ValueError(f"{file} has {len(words)} words that are one token each; at least 100 are needed")
    return Vocabulary(words, n_special)


def texts(mix: str, vocabulary: Vocabulary, seed: int) -> Iterator[tuple[str, int]]:
    """Without end: a text and its tokens, special ones included. No two alike, the same for the same seed."""
    draw, rng = MIXES[mix], random.Random(f"{mix} {seed}")
    while True:
        n_tokens = min(LONGEST, max(SHORTEST, round(draw(rng))))
        yield " ".join(rng.choices(vocabulary.words, k=n_tokens - vocabulary.n_special)), n_tokens
