"""The rows that are most typical of what moved."""

import pytest

from bentos.request_log import Row
from monitoring.cuts import cuts_of
from monitoring.examples import Example, examples_of
from monitoring.reference import Reference
from monitoring.tally import Key
from monitoring.tokens import Tokens
from monitoring.words import words_of
from tests.worded import FILMS, judged, make_texts, make_worded_reference, worded


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_worded_reference(tmp_path_factory.mktemp("examples"))


def rows_of(reference: Reference) -> list[Row]:
    """One of ten is about films."""
    assert reference.folder
    usual = worded(make_texts(450, 1), reference.folder, 1)
    films = worded(make_texts(50, 2, FILMS), reference.folder, 2)
    return usual + [row | {"request_id": f"film-{row['request_id']}"} for row in films]


def examples(rows: list[Row], reference: Reference, texts: dict[Key, str] | None = None) -> list[Example]:
    judgement, baseline = judged(rows, reference), reference.baseline
    counts, sample = judgement.tally.counts, judgement.tally.sample
    span = baseline.bins.spans["tokens"]
    assert reference.folder
    words = words_of(baseline.counts[span], counts[span], Tokens(reference.folder), None, ())
    cuts = cuts_of(judgement.statistics, baseline, counts)
    return examples_of(cuts, words, sample, baseline.bins, {**(texts or {})})


def test_the_rows_that_hold_the_new_words_are_shown(reference: Reference) -> None:
    found = examples(rows_of(reference), reference)
    assert len(found) == 5
    assert all(one.request_id.startswith("film-") for one in found)


def test_rows_far_out_in_the_column_that_drifted_are_shown(reference: Reference) -> None:
    rows = rows_of(reference)[:450]
    long = {f"r{i}" for i in range(100)}
    moved = [row | {"n_chars": 5_000 + i} if row["request_id"] in long else row for i, row in enumerate(rows)]
    assert {one.request_id for one in examples(moved, reference)} <= long


def test_of_equal_texts_one_is_shown(reference: Reference) -> None:
    films = rows_of(reference)[-1:] * 60
    rows = rows_of(reference)[:450] + [row | {"request_id": f"again-{i}"} for i, row in enumerate(films)]
    found = examples(rows, reference)
    assert sum(one.request_id.startswith("again-") for one in found) == 1
    assert found[0].request_id.startswith("again-")


def test_a_stored_text_comes_with_its_row(reference: Reference) -> None:
    rows = rows_of(reference)
    first, *others = examples(rows, reference)
    texts: dict[Key, str] = {(first.request_id, 0): "what a movie"}
    found = examples(rows, reference, texts)
    assert found == [Example(first.request_id, 0, "what a movie"), *others]
