"""Which of the waiting items go into one batch."""

import random

import pytest

from bentos.batching import Entry, nearest


def entries(*lengths: int) -> list[Entry[int, None]]:
    return [Entry(item, length) for item, length in enumerate(lengths)]


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_holds_the_oldest(seed: int) -> None:
    dice = random.Random(seed)
    waiting = entries(*(dice.randrange(1, 100) for _ in range(dice.randrange(1, 200))))
    batch = nearest(waiting, budget=dice.randrange(1, 2000))
    assert batch[0] is waiting[0]
    assert len({entry.item for entry in batch}) == len(batch)


@pytest.mark.parametrize("seed", range(20))
def test_padded_tokens_stay_in_the_budget(seed: int) -> None:
    dice = random.Random(seed)
    budget = dice.randrange(100, 2000)
    batch = nearest(entries(*(dice.randrange(1, 100) for _ in range(100))), budget)
    assert len(batch) * max(entry.n_tokens for entry in batch) <= budget


def test_nearest_in_length_go_together() -> None:
    batch = nearest(entries(50, 10, 52, 90, 49), budget=160)
    assert [entry.n_tokens for entry in batch] == [50, 49, 52]


def test_short_items_are_not_padded_to_a_long_one() -> None:
    assert [entry.n_tokens for entry in nearest(entries(200, 5, 5, 5), budget=4096)] == [200]
