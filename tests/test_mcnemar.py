"""McNemar's exact test on tables made by hand."""

import pytest

from train.mcnemar import Comparison, compare

TRUTH = [0, 1] * 10


def guesses(*wrong: int) -> list[int]:
    return [1 - label if i in wrong else label for i, label in enumerate(TRUTH)]


def test_the_figures_of_a_hand_made_table() -> None:
    served, candidate = guesses(*range(8), 19), guesses(18, 19)  # 8 against 1, both wrong once
    expected = Comparison(20, 11 / 20, 18 / 20, only_served_right=1, only_candidate_right=8, p=20 / 512)
    assert compare(served, candidate, TRUTH) == expected
    assert expected.better
    assert not expected.worse


def test_the_same_table_the_other_way_round_is_worse() -> None:
    turned = compare(guesses(18, 19), guesses(*range(8), 19), TRUTH)
    assert turned.p == pytest.approx(20 / 512)
    assert turned.worse
    assert not turned.better


def test_five_to_none_is_still_chance() -> None:
    found = compare(guesses(*range(5)), TRUTH, TRUTH)
    assert found.p == pytest.approx(2 / 32)
    assert not found.better


def test_versions_that_never_differ_are_alike() -> None:
    found = compare(guesses(3), guesses(3), TRUTH)
    assert (found.p, found.better, found.worse) == (1.0, False, False)
