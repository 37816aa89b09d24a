"""Our tokenization without transformers equals transformers' own."""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bentos.preprocess import TextPreprocess
from bentos.task import Task
from train.trainer import train_tokenizer

REAL_TOKENIZER = Path(__file__).parents[2] / "shared/weights/distilbert-base-uncased-tokenizer"
TEXTS = [
    "A plain sentence.",
    "UPPER, lower, MiXeD!! and 12,345 numbers",
    "naïve café — ‘quotes’ “double” …",
    "emoji 🎮🔥 and 日本語 and العربية",
    "\ttabs\nand\r\nnewlines   and    spaces ",
    "zero\u200bwidth \u0000 nul \ufffd",
    "unsplittablewordwithoutanyspaces" * 8,
    "long " * 200,
]
PAIRS = [("liked this", "a book"), ("long " * 80, "short"), ("a", "long " * 80)]


def task(max_seq_length: int = 64) -> Task:
    return Task(name="t", labels=("a", "b"), model_type="distilbert", max_seq_length=max_seq_length)


@pytest.fixture(scope="module", params=["trained", "distilbert-base-uncased"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "trained":
        path = tmp_path_factory.mktemp("tokenizer")
        train_tokenizer(TEXTS, 300, 64).save_pretrained(path)
        return path
    if not REAL_TOKENIZER.is_dir():
        pytest.skip("the tokenizer of distilbert-base-uncased is not on this machine")
    return REAL_TOKENIZER


@pytest.fixture(scope="module")
def theirs(folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("text", [*TEXTS, *PAIRS])
def test_equals_transformers(
    text: str | tuple[str, str], folder: Path, theirs: PreTrainedTokenizerBase
) -> None:
    (ours,) = TextPreprocess(folder, task())([text])
    first, second = (text, None) if isinstance(text, str) else text
    expected = theirs(first, second, truncation=True, max_length=64, return_token_type_ids=True)
    assert ours.arrays["input_ids"].tolist() == expected["input_ids"]
    assert ours.arrays["token_type_ids"].tolist() == expected["token_type_ids"]


def test_padded_batch_equals_transformers(folder: Path, theirs: PreTrainedTokenizerBase) -> None:
    preprocess = TextPreprocess(folder, task())
    ours = preprocess.pad(preprocess(TEXTS))
    expected = theirs(TEXTS, truncation=True, max_length=64, padding=True, return_tensors="np")
    np.testing.assert_array_equal(ours["input_ids"], expected["input_ids"])
    np.testing.assert_array_equal(ours["attention_mask"], expected["attention_mask"])


def test_says_what_was_truncated(folder: Path) -> None:
    short, long = TextPreprocess(folder, task())(["short", "long " * 200])
    assert (short.truncated, long.truncated) == (False, True)
    assert long.n_tokens == 64


def test_counts_words_and_unknown_tokens(tmp_path: Path) -> None:
    train_tokenizer(["good game bad game"], 60, 64).save_pretrained(tmp_path)
    (encoded,) = TextPreprocess(tmp_path, task())(["good game 世"])
    assert (encoded.n_words, encoded.n_unknown, encoded.n_special) == (3, 1, 2)
