"""Where a move happened: lengths, languages and the callers' tags."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bentos.request_log import Row
from monitoring.cuts import cuts_of
from monitoring.slices import Slice, slices_of
from tests.monitoring_rows import make_reference, make_rows
from tests.worded import judged

REFERENCE = make_reference()


def sliced(rows: list[Row], languages: tuple[Any, Any] | None = None) -> list[Slice]:
    judgement, baseline = judged(rows, REFERENCE), REFERENCE.baseline
    cuts = cuts_of(judgement.statistics, baseline, judgement.tally.counts)
    return slices_of(cuts, baseline.bins, REFERENCE.columns, judgement.tally.sample, languages)


def tagged(rows: list[Row], **tags: Any) -> list[Row]:
    return [row | {"tags": tags, "request_id": f"{tags}-{row['request_id']}"} for row in rows]


def mixed(share: float = 0.3) -> list[Row]:
    """Of 1,000 rows a part is long, and comes from one app."""
    other = round(1_000 * share)
    usual = tagged(make_rows(1_000 - other, 1), app="10")
    return usual + tagged(make_rows(other, 2, mean_length=7), app="730")


def test_the_tag_that_carries_the_move_is_named_with_its_figures() -> None:
    first = next(one for one in sliced(mixed()) if one.by == "tag app")
    assert (first.name, first.rows, first.share, first.reference_share) == ("app=730", 300, 0.3, None)
    assert first.has_most
    assert first.carried > 0.9
    assert first.distances[first.column] > 0.5
    assert first.elsewhere[first.column] < 0.1


def test_a_move_in_all_rows_alike_is_in_no_place() -> None:
    rows = make_rows(1_000, 1, mean_length=5)
    found = sliced([row | {"tags": {"app": str(i % 2)}} for i, row in enumerate(rows)])
    assert [one for one in found if one.by == "tag app" and one.has_most] == []


def test_what_few_rows_do_by_chance_is_no_place() -> None:
    few = Slice("tag app", "app=1", 60, 0.1, None, 0.9, {"n_chars": 0.3}, {"n_chars": 0.1})
    assert [one.has_most for one in (few, replace(few, rows=600))] == [False, True]


def test_the_slices_of_one_kind_carry_the_whole_move() -> None:
    found = sliced(mixed())
    for by in ("length", "tag app"):
        assert sum(one.carried for one in found if one.by == by) == pytest.approx(1)
        assert sum(one.share for one in found if one.by == by) == pytest.approx(1)


def test_those_that_carry_most_come_first() -> None:
    carried = [one.carried for one in sliced(mixed())]
    assert carried == sorted(carried, reverse=True)


def test_lengths_go_by_the_quartiles_of_the_reference() -> None:
    found = [one for one in sliced(mixed()) if one.by == "length"]
    assert len(found) == 4
    assert all(one.reference_share == pytest.approx(0.25, abs=0.05) for one in found)
    longest = max(found, key=lambda one: one.share)
    assert longest.name.endswith("or more tokens")
    assert longest.share > 0.4


def test_small_slices_are_left_out() -> None:
    names = {one.name for one in sliced(mixed(0.049) + tagged(make_rows(300, 3, mean_length=7), app="10"))}
    assert "app=10" in names
    assert "app=730" not in names


def test_the_rarer_values_of_a_tag_are_one_slice() -> None:
    rows = [
        row | {"tags": {"user": str(i % 200)}} for i, row in enumerate(make_rows(1_000, 1, mean_length=6))
    ]
    names = {one.name: one.rows for one in sliced(rows) if one.by == "tag user"}
    assert names == {"other user": 950}


def test_rows_without_a_tag_are_one_slice() -> None:
    rows = mixed() + make_rows(200, 5)
    assert {one.name: one.rows for one in sliced(rows)}["no app"] == 200


def test_languages_are_compared_with_the_rows_of_the_same_language() -> None:
    rows = make_rows(1_000, 1, mean_length=5)
    reference = np.where(np.arange(len(REFERENCE.rows)) % 2, "English", "German").astype(object)
    window = np.where(np.arange(1_000) % 4, "English", "unknown").astype(object)
    found = {one.name: one for one in sliced(rows, (reference, window)) if one.by == "language"}
    assert (found["English"].share, found["English"].reference_share) == (0.75, 0.5)
    assert (found["unknown"].share, found["unknown"].reference_share) == (0.25, 0)


def test_rows_without_usable_lengths_have_no_slices_by_length() -> None:
    rows = [row | {"n_tokens": None} for row in mixed()]
    assert {one.by for one in sliced(rows)} == {"tag app"}


def test_without_drift_there_are_none() -> None:
    assert sliced(tagged(make_rows(500, 2), app="10")) == []


def test_a_tag_that_all_rows_share_is_no_place() -> None:
    found = sliced(tagged(make_rows(500, 2, mean_length=6), app="10"))
    only = next(one for one in found if one.name == "app=10")
    assert (only.carried, only.elsewhere, only.has_most) == (pytest.approx(1), {}, False)
