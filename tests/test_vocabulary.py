"""`vocabulary.json`: the tokens that many texts hold, and none that few do."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models

from bentos.request_log import token_buckets
from bentos.vocabulary import vocabulary
from tests.worded import make_folder


def found(texts: list[str], folder: Path) -> dict[str, list[tuple[str, int]]]:
    tokenizer = Tokenizer.from_file(str(make_folder(folder) / "tokenizer.json"))
    content = vocabulary((np.array(tokenizer.encode(text).ids) for text in texts), tokenizer)
    assert content["n_texts"] == len(texts)
    return content["buckets"]


def test_each_bucket_has_its_tokens_with_the_number_of_texts(tmp_path: Path) -> None:
    buckets = found(["the game", "the the film", "the game", "the game"], tmp_path)
    assert sorted(words for bucket in buckets.values() for words in bucket) == [("game", 3), ("the", 4)]
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    bucket = int(token_buckets(np.array(tokenizer.token_to_id("the"))))
    assert ("the", 4) in buckets[str(bucket)]


def test_what_fewer_than_three_texts_hold_is_left_out(tmp_path: Path) -> None:
    assert found(["film", "film", "story"], tmp_path) == {}


def test_special_tokens_are_left_out(tmp_path: Path) -> None:
    assert found(["[CLS] unheard [SEP]"] * 5, tmp_path) == {}


def test_a_bucket_names_three_tokens_at_most() -> None:
    names = {f"word{i}": i for i in range(5_000)}
    tokenizer = Tokenizer(models.WordPiece({**names, "[UNK]": 5_000}, unk_token="[UNK]"))
    content = vocabulary([np.arange(5_000)] * 3, tokenizer)
    assert {len(words) for words in content["buckets"].values()} == {3}
