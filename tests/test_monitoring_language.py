"""The language of a row from its token buckets, with a tokenizer that knows one language well."""

from pathlib import Path

import numpy as np
import pytest

from bench.languages import measured
from monitoring.columns import to_columns
from monitoring.language import Languages, small_words
from monitoring.language_words import SENTENCES, WORDS
from monitoring.tokens import Tokens
from tests.monitoring_rows import TASK
from tests.worded import ENGLISH, GERMAN, make_folder, make_texts, worded
from train.data import load_splits
from train.trainer import train_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the tokenizer of the sample task: 4,000 tokens learnt from English reviews."""
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(load_splits(TASK).train.texts, 4_000, 128).save_pretrained(folder)
    return folder


def test_most_sentences_are_told_right_and_hardly_one_wrong(folder: Path) -> None:
    found = measured(Tokens(folder))
    assert found.pop("Russian") == (0, 0)  # it knows no Cyrillic letter
    right, wrong = np.mean(list(found.values()), axis=0)
    assert right >= 0.8
    assert wrong <= 0.05


def test_a_language_that_the_tokenizer_cannot_write_is_never_guessed(folder: Path) -> None:
    assert set(Languages(Tokens(folder)).told) == set(WORDS) - {"Russian"}


def test_rows_without_buckets_are_unknown(folder: Path) -> None:
    columns = to_columns([{"buckets": None}, {}, {"buckets": []}], TASK)
    assert set(Languages(Tokens(folder)).guess(columns)) == {"unknown"}


def test_one_small_word_is_no_evidence(folder: Path) -> None:
    tokens = Tokens(folder)
    rows = [{"buckets": [int(tokens.buckets[tokens.of_word("the")[0]])]}]
    assert list(Languages(tokens).guess(to_columns(rows, TASK))) == ["unknown"]


def test_with_a_tokenizer_of_few_words_it_guesses_few_languages(tmp_path: Path) -> None:
    tokens = Tokens(make_folder(tmp_path))
    languages = Languages(tokens)
    columns = to_columns(worded(make_texts(50, 1, GERMAN), tmp_path, 1), TASK)
    assert set(languages.guess(columns)) <= {*languages.told, "unknown"}
    assert "Turkish" not in languages.told


def test_small_words_are_tokens_of_their_own(tmp_path: Path) -> None:
    tokens = Tokens(make_folder(tmp_path))
    assert {tokens.shown(i) for i in small_words(tokens, "German")} <= {*GERMAN, *ENGLISH}
    assert small_words(tokens, "unknown") == []


def test_no_word_stands_twice_in_a_list() -> None:
    for name, words in WORDS.items():
        assert len(words.split()) == len(set(words.split())), name
    assert SENTENCES.keys() == WORDS.keys()
