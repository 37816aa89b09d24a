"""The tokens of a store entry: which there are, the buckets they fall into, and how people read them."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders

from bentos import vocabulary
from bentos.request_log import token_buckets

CONTINUES = "##"  # WordPiece marks what continues a word
BEGINS = ("Ġ", "▁")  # byte-level BPE and SentencePiece mark what begins one
MARKING_BEGINS = (decoders.ByteLevel, decoders.Metaspace)


class Tokens:
    """What `tokenizer.json` and `vocabulary.json` in a folder say; the latter is absent in older entries."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.special = vocabulary.special_ids(self._tokenizer)
        self._ids = np.array(sorted(self._tokenizer.get_vocab().values()), np.int64)
        self.buckets = token_buckets(np.arange(self._ids[-1] + 1)).astype(np.int64)  # by token id
        path = folder / vocabulary.FILE
        text = path.read_text("utf-8") if path.is_file() else '{"n_texts": 0, "buckets": {}}'
        known = json.loads(text)
        self.n_texts: int = known["n_texts"]  # of the reference; 0 where it is not known what they hold
        self._known: dict[str, list[tuple[str, int]]] = known["buckets"]

    def in_reference(self, bucket: int) -> dict[int, int]:
        """The ids that stand in most texts of the reference, with the number of texts, most first."""
        found = {self._tokenizer.token_to_id(token): n for token, n in self._known.get(str(bucket), [])}
        return dict(sorted(found.items(), key=lambda one: (-one[1], not self.is_word(one[0]), one[0])))

    def in_bucket(self, bucket: int) -> list[int]:
        """All ids of a bucket but special ones, whole words first, of those low ids: mostly frequent ones."""
        ids = set(self._ids[self.buckets[self._ids] == bucket].tolist())
        return sorted(ids - self.special, key=lambda token: (not self.is_word(token), token))

    def is_word(self, token: int) -> bool:
        """Whether it stands for a word, rather than for a piece or a sign."""
        text = self.shown(token)
        return len(text) > 1 and text.isalpha()

    def shown(self, token: int) -> str:
        """`word`, or `-ing` for what continues one."""
        name = str(self._tokenizer.id_to_token(token))
        if name.startswith(CONTINUES) and name != CONTINUES:
            return f"-{name.removeprefix(CONTINUES)}"
        if not self._marks_beginnings:
            return name
        text = str(self._tokenizer.decode([token], skip_special_tokens=False)).strip()
        return text if name.startswith(BEGINS) else f"-{text}"

    @cached_property
    def _marks_beginnings(self) -> bool:
        return isinstance(self._tokenizer.decoder, MARKING_BEGINS)

    def of_word(self, word: str) -> list[int]:
        """The ids that a word becomes within a text; none where the tokenizer does not know all of it."""
        encoded = self._tokenizer.encode(f"x {word}", add_special_tokens=False)
        ids = [i for i, (_, end) in zip(encoded.ids, encoded.offsets, strict=True) if end > len("x ")]
        return ids if self.special.isdisjoint(ids) else []

    def of_texts(self, texts: list[str]) -> list[NDArray[np.int64]]:
        """The ids of each text."""
        return [np.array(one.ids, np.int64) for one in self._tokenizer.encode_batch(texts)]
