"""Raw inputs to model arrays by the tokenizer file alone, equal to what transformers makes of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from bentos.model_input import AnyEncoded, Arrays, Encoded, Input, ModelInput, Preprocess, TextInput
from bentos.picture_preprocess import PicturePreprocess
from bentos.task import Task

__all__ = ["PREPROCESS", "AnyEncoded", "Arrays", "Encoded", "Input", "ModelInput", "Preprocess", "TextInput"]
__all__ += ["TextPreprocess"]


class TextPreprocess:
    """Tokenizes texts or text pairs as `tokenizer.json` in `folder` says, cut at `task.max_seq_length`."""

    in_threads = False

    def __init__(self, folder: Path, task: Task) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(task.max_seq_length)
        self._tokenizer.no_padding()
        self._pad_id = self._token_id("[PAD]", "<pad>") or 0
        self._unknown_id = self._token_id("[UNK]", "<unk>")

    def __call__(self, inputs: Sequence[TextInput]) -> list[Encoded]:
        return [self._encoded(e) for e in self._tokenizer.encode_batch(list(inputs))]

    def pad(self, items: Sequence[ModelInput]) -> Arrays:
        """Arrays [n, longest] of one model call, `attention_mask` among them."""
        shape = (len(items), max(item.n_tokens for item in items))
        batch = {
            "input_ids": np.full(shape, self._pad_id, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
        }
        for row, item in enumerate(items):
            for name, values in item.arrays.items():
                batch[name][row, : item.n_tokens] = values
            batch["attention_mask"][row, : item.n_tokens] = 1
        return batch

    def from_json(self, value: Any) -> TextInput:
        """A text, or a list of two."""
        return value if isinstance(value, str) else (value[0], value[1])

    def _token_id(self, *names: str) -> int | None:
        return next((i for n in names if (i := self._tokenizer.token_to_id(n)) is not None), None)

    def _encoded(self, encoding: Encoding) -> Encoded:
        ids = encoding.ids
        return Encoded(
            arrays={
                "input_ids": np.asarray(ids, np.int64),
                "token_type_ids": np.asarray(encoding.type_ids, np.int64),
            },
            n_tokens=len(ids),
            n_special=sum(encoding.special_tokens_mask),
            n_words=_word_starts(encoding.word_ids),
            n_unknown=ids.count(self._unknown_id),
            truncated=bool(encoding.overflowing),
            read_chars=_read_chars(encoding) if encoding.overflowing else (),
        )


def _word_starts(word_ids: Sequence[int | None]) -> int:
    """How many tokens begin a word; word numbers start again in the second text of a pair."""
    before = [None, *word_ids]
    return sum(word is not None and word != last for last, word in zip(before, word_ids, strict=False))


def _read_chars(encoding: Encoding) -> tuple[int, ...]:
    """Where the last token of each text ends, in characters."""
    ends: dict[int, int] = {}
    for text, (_, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True):
        if text is not None:
            ends[text] = max(end, ends.get(text, 0))
    return tuple(ends[text] for text in sorted(ends))


PREPROCESS: dict[str, Callable[[Path, Task], Preprocess]] = {
    "text-classification": TextPreprocess,
    "image-classification": PicturePreprocess,
}
