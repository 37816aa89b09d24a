"""Tokens as people read them, and the ids of words and buckets."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from monitoring.tokens import Tokens
from tests.worded import make_folder


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(make_folder(tmp_path, ["the game", "the film", "the the", "the"]))


def token(tokens: Tokens, name: str) -> int:
    return next(i for i in range(len(tokens.buckets)) if tokens.shown(i) == name)


def test_a_piece_is_shown_as_an_ending(tokens: Tokens) -> None:
    assert [tokens.shown(i) for i in tokens.of_word("playing")] == ["play", "-ing"]


def test_a_word_that_is_not_all_known_has_no_ids(tokens: Tokens) -> None:
    assert tokens.of_word("unheard") == []


def test_the_reference_tells_its_words(tokens: Tokens) -> None:
    the = token(tokens, "the")
    assert (tokens.n_texts, tokens.in_reference(int(tokens.buckets[the]))) == (4, {the: 4})


def test_without_a_vocabulary_file_the_reference_tells_none(tmp_path: Path) -> None:
    tokens = Tokens(make_folder(tmp_path))
    assert (tokens.n_texts, tokens.in_reference(0)) == (0, {})


def test_whole_words_of_a_bucket_come_first(tmp_path: Path) -> None:
    spelt = str.maketrans("0123456789", "abcdefghij")
    names = {f"{'##' * (i % 2)}{str(i + 10).translate(spelt)}": i for i in range(5_000)}
    Tokenizer(models.WordPiece({**names, "[UNK]": 5_000})).save(str(tmp_path / "tokenizer.json"))
    tokens = Tokens(tmp_path)
    kinds = [tokens.is_word(i) for i in tokens.in_bucket(7)]
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {True, False}


@pytest.mark.parametrize(
    ("pre_tokenizer", "decoder"),
    [
        (pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()),
        (pre_tokenizers.Metaspace(), decoders.Metaspace()),
    ],
)
def test_other_kinds_of_tokenizers_mark_words_otherwise(
    pre_tokenizer: object, decoder: object, tmp_path: Path
) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoder
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["a schön schön schön house"] * 9, trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = Tokens(tmp_path)
    assert [tokens.shown(i) for i in tokens.of_word("schön")] == ["schön"]
    assert [tokens.shown(i) for i in tokens.of_word("schönn")] == ["schön", "-n"]
