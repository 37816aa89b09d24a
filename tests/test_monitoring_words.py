"""The words behind the token buckets that moved: known, guessed, or read in stored texts."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from monitoring.reference import Reference
from monitoring.tokens import Tokens
from monitoring.words import FAR, Move, Seen, Words, moved, named, words_of
from tests.monitoring_rows import tallied
from tests.worded import ENGLISH, FILMS, GERMAN, make_folder, make_texts, make_worded_reference, worded


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_worded_reference(tmp_path_factory.mktemp("words"))


def explained(
    texts: Sequence[str],
    reference: Reference,
    tokens: Tokens | None = None,
    seen: Seen | None = None,
    languages: Sequence[Sequence[int]] = (),
) -> Words:
    assert reference.folder
    span = reference.baseline.bins.spans["tokens"]
    after = tallied(worded(texts, reference.folder, 1), reference).counts[span]
    before = reference.baseline.counts[span]
    return words_of(before, after, tokens or Tokens(reference.folder), seen, languages)


def by_word(moves: Sequence[Move]) -> dict[str, Move]:
    return {one.words[0]: one for one in moves}


def seen_in(texts: Sequence[str], tokens: Tokens) -> Seen:
    counts = Counter(token for ids in tokens.of_texts(list(texts)) for token in set(ids.tolist()))
    return Seen(len(texts), counts)


def test_nothing_moves_in_texts_of_the_same_kind(reference: Reference) -> None:
    assert explained(make_texts(500, 1), reference) == Words([], [])


def test_a_word_of_the_reference_that_comes_and_goes_is_named(reference: Reference) -> None:
    words = [*ENGLISH, *["story"] * 8]
    rose = explained(make_texts(500, 1, words), reference).gained[0]
    assert (rose.words, rose.known_from) == (["story"], "reference")
    assert rose.reference < 0.5 < rose.window
    gone = explained(make_texts(500, 1, [w for w in ENGLISH if w != "story"]), reference).lost[0]
    assert (gone.words, gone.window) == (["story"], 0)


def test_words_that_the_reference_did_not_have_are_guessed(reference: Reference) -> None:
    found = by_word(explained(make_texts(500, 1, [*ENGLISH, *FILMS]), reference).gained)
    assert set(FILMS) <= found.keys()
    assert {found[word].known_from for word in FILMS} == {"tokenizer"}
    assert found["movie"].name == "movie?"


def test_small_words_of_an_arrived_language_are_guessed_first(tmp_path: Path) -> None:
    names = {f"word{i}": i for i in range(3_000)}
    Tokenizer(models.WordPiece({**names, "[UNK]": 3_000}, unk_token="[UNK]")).save(
        str(tmp_path / "tokenizer.json")
    )
    bucket = int(Tokens(tmp_path).buckets[0])
    known = {"n_texts": 100, "buckets": {bucket: [["word0", 9]]}}
    (tmp_path / "vocabulary.json").write_text(json.dumps(known))
    tokens = Tokens(tmp_path)
    other = tokens.in_bucket(bucket)[1]
    assert named(bucket, (0.09, 0.2), tokens, None, []) == ([0], "reference")
    ids, source = named(bucket, (0.09, 0.2), tokens, None, [other, 1])
    assert (ids[:2], source) == ([other, 0], "tokenizer")


def test_stored_texts_tell_the_words_exactly(reference: Reference) -> None:
    assert reference.folder
    texts, tokens = make_texts(500, 1, [*ENGLISH, *FILMS]), Tokens(reference.folder)
    found = by_word(explained(texts, reference, seen=seen_in(texts, tokens)).gained)
    assert {found[word].known_from for word in FILMS} == {"texts"}


def test_a_word_of_fewer_than_three_stored_texts_is_not_read_in_them(reference: Reference) -> None:
    assert reference.folder
    texts, tokens = make_texts(500, 1, [*ENGLISH, *FILMS]), Tokens(reference.folder)
    seen = seen_in(["movie", "movie"], tokens)
    assert by_word(explained(texts, reference, seen=seen).gained)["movie"].known_from == "tokenizer"


def test_an_older_entry_goes_by_the_tokenizer_alone(tmp_path: Path, reference: Reference) -> None:
    tokens = Tokens(make_folder(tmp_path))
    lost = explained(make_texts(500, 1, FILMS), reference, tokens).lost
    assert {one.known_from for one in lost} == {"tokenizer"}
    assert {one.words[0] for one in lost} <= set(ENGLISH)


def test_at_most_ten_words_a_side_the_furthest_first(reference: Reference) -> None:
    words = explained(make_texts(500, 1, GERMAN), reference)
    for side in (words.gained, words.lost):
        assert len(side) == 10
        assert [abs(one.move) for one in side] == sorted((abs(one.move) for one in side), reverse=True)


def test_longer_texts_alone_move_nothing() -> None:
    shares = np.array([0.02, 0.1, 0.3])
    before = np.array([1_000, *(1_000 * shares)], np.int64)
    after = np.array([1_000, *(1_000 * (1 - (1 - shares) ** 2))], np.int64)
    _, _, moves = moved(before, after)
    assert np.abs(moves).max() < FAR / 2
    assert moved(before, np.array([1_000, 20, 100, 600]))[2][2] > FAR


def test_counts_without_any_text_move_nothing() -> None:
    none, some = np.zeros(1_025, np.int64), np.array([100, 50, *[0] * 1_023])
    for before, after in ((none, none), (none, some), (some, none)):
        assert not np.isnan(moved(before, after)[2]).any()
