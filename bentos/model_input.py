"""What a model reads: an input as it was given, and as arrays with what the request log says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

TextInput = str | tuple[str, str]  # a text, or a pair of texts
Input = TextInput | bytes  # bytes: a picture file
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ModelInput:
    """One input as the model reads it; arrays are one-dimensional and unpadded."""

    arrays: Arrays
    n_tokens: int  # special tokens included; of a picture its patches

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it that the model reads."""
        return False


@dataclass(frozen=True)
class Encoded(ModelInput):
    """A text with what the request log says of it."""

    n_special: int
    n_words: int  # tokens that begin a word
    n_unknown: int
    truncated: bool
    read_chars: tuple[int, ...] = ()  # of a truncated input: how far the model reads each of its texts

    @property
    def is_empty(self) -> bool:
        """Whether the tokenizer kept nothing of it, as of a NUL character."""
        return self.n_tokens <= self.n_special


@dataclass(frozen=True)
class EncodedPicture(ModelInput):
    """A picture with what the request log says of it."""

    numbers: dict[str, float]  # PICTURE_NUMBERS by name
    truncated: bool = False


AnyEncoded = Encoded | EncodedPicture


class Preprocess(Protocol):
    """What makes the model's arrays of raw inputs."""

    in_threads: bool  # whether one input takes so long that other requests must not wait for it

    def __call__(self, inputs: Sequence[Any]) -> Sequence[AnyEncoded]:
        """The inputs in the same order."""

    def pad(self, items: Sequence[ModelInput]) -> Arrays:
        """The arrays of one model call."""

    def from_json(self, value: Any) -> Input:
        """An input as a store entry's `canonical.json` holds it."""
