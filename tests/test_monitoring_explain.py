"""The explanation of a window as a whole: what it says, and what it must not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bentos.request_log import Row
from monitoring.explain import Explanation, explain
from monitoring.reference import Reference
from monitoring.result import to_json
from monitoring.summary import summary
from tests.monitoring_rows import make_rows, write_log
from tests.worded import FILMS, GERMAN, judged, make_texts, make_worded_reference, worded

NOWHERE = Path("/nowhere")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_worded_reference(tmp_path_factory.mktemp("explain"))


def moved_rows(reference: Reference, words: list[str] = FILMS) -> list[Row]:
    """A fifth of the rows has other words, and comes from another app."""
    assert reference.folder
    usual = worded(make_texts(400, 1), reference.folder, 1)
    other = worded(make_texts(100, 2, words), reference.folder, 2)
    return [row | {"tags": {"app": "10"}} for row in usual] + [
        row | {"tags": {"app": "730"}, "request_id": f"new-{row['request_id']}"} for row in other
    ]


def explained(rows: list[Row], reference: Reference, logs: Path = NOWHERE) -> Explanation:
    found = explain(judged(rows, reference), reference, logs)
    assert found
    return found


def test_a_window_that_is_not_flagged_has_no_explanation(reference: Reference) -> None:
    assert reference.folder
    judgement = judged(worded(make_texts(500, 1), reference.folder, 1), reference)
    assert judgement.verdict == "OK"
    assert explain(judgement, reference, NOWHERE) is None
    assert to_json(judgement, None, "report.html", None)["explanation"] is None


def test_words_place_and_rows_are_found(reference: Reference) -> None:
    found = explained(moved_rows(reference), reference)
    assert found.words
    assert set(FILMS) <= {one.words[0] for one in found.words.gained}
    assert found.places[0].name == "app=730"
    assert found.to_json()["most_in"][0] == "app=730"
    assert all(one.request_id.startswith("new-") for one in found.examples)


def test_the_summary_tells_them_in_a_sentence_each(reference: Reference) -> None:
    rows = moved_rows(reference)
    told = summary(judged(rows, reference), explained(rows, reference))
    assert told.startswith("The traffic has moved away from the reference: words")
    assert "Texts now hold more of " in told
    assert "movie?" in told
    assert "Most of it is in app=730 (20 % of the rows, words at a distance of 0." in told
    assert told.endswith("Label a random sample to learn whether its answers are still right.")


def test_a_broken_contract_comes_before_any_explanation(reference: Reference) -> None:
    rows = [row | {"upper_share": None} for row in moved_rows(reference)]
    told = summary(judged(rows, reference), explained(rows, reference))
    assert "Mend this first." in told
    assert "Texts now hold" not in told


def test_a_language_that_arrived_is_named(tmp_path: Path) -> None:
    reference = make_worded_reference(tmp_path)
    rows = [row | {"tags": None} for row in moved_rows(reference, GERMAN)]
    found = explained(rows, reference)
    german = next(one for one in found.slices if one.name == "German")
    assert (german.by, german.has_most) == ("language", True)
    assert german.share == pytest.approx(0.2, abs=0.02)


def test_stored_texts_give_words_and_examples_but_are_not_in_the_result(
    tmp_path: Path, reference: Reference
) -> None:
    rows = moved_rows(reference)
    texts = [*make_texts(400, 1), *make_texts(100, 2, FILMS)]
    stored = [
        {key: row[key] for key in ("ts", "request_id", "index")} | {"text": text}
        for row, text in zip(rows, texts, strict=True)
    ]
    write_log(tmp_path, "texts", stored)
    found = explained(rows, reference, tmp_path)
    assert found.words
    assert {one.known_from for one in found.words.gained} == {"texts"}
    assert {one.text for one in found.examples} <= set(texts)
    result = json.dumps(to_json(judged(rows, reference), found, "report.html", None))
    assert not any(text in result for text in texts)


def test_the_same_rows_give_the_same_bytes(reference: Reference) -> None:
    first, again = (json.dumps(explained(moved_rows(reference), reference).to_json()) for _ in range(2))
    assert first == again


def test_without_a_tokenizer_there_are_no_words_and_no_languages(reference: Reference) -> None:
    rows = moved_rows(reference)
    for folder in (None, NOWHERE):
        found = explained(rows, replace(reference, folder=folder))
        assert found.words is None
        assert {one.by for one in found.slices} == {"length", "tag app"}


@pytest.mark.parametrize(
    "changes",
    [
        {"buckets": None, "n_chars": 9_000},
        {"n_tokens": None, "n_chars": 9_000},
        {"label": "odd", "n_chars": 9_000},
        {"request_id": None, "index": None, "n_chars": 9_000},
        {"tags": {"a": {"b": 1}, "c": 3, "d": "\ud800"}, "n_chars": 9_000},
        {"tags": "none", "n_chars": 9_000},
    ],
)
def test_odd_rows_are_explained_as_far_as_they_go(changes: dict[str, Any], reference: Reference) -> None:
    rows = [row | changes for row in moved_rows(reference)]
    told = explained(rows, reference).to_json()
    assert told["columns"][0]["column"] == "n_chars"
    json.dumps(told, allow_nan=False)


def test_rows_without_buckets_have_no_words(reference: Reference) -> None:
    rows = [row | {"tags": {"app": "1"}} for row in make_rows(500, 1, mean_length=6)]
    found = explained(rows, reference)
    assert found.words
    assert (found.words.gained, found.words.lost) == ([], [])
    assert {one.name for one in found.slices if one.by == "language"} == {"unknown"}
