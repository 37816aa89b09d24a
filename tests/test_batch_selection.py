"""Which of the waiting items go into one batch."""

import random

import pytest

from bentos.waiting import Line, Ticket


def line(*lengths: int) -> Line[int, None]:
    waiting: Line[int, None] = Line()
    for item, length in enumerate(lengths):
        waiting.add(Ticket(item, length))
    return waiting


def lengths(batch: list[Ticket[int, None]]) -> list[int]:
    return [ticket.n_tokens for ticket in batch]


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_holds_the_oldest_within_its_budget(seed: int) -> None:
    dice = random.Random(seed)
    budget = dice.randrange(100, 2000)
    batch = line(*(dice.randrange(1, 100) for _ in range(dice.randrange(1, 200)))).nearest(budget)
    assert batch[0].item == 0
    assert len({ticket.item for ticket in batch}) == len(batch)
    assert len(batch) * max(lengths(batch)) <= budget


@pytest.mark.parametrize("seed", range(20))
def test_padding_stays_below_a_quarter_of_the_useful_tokens(seed: int) -> None:
    dice = random.Random(seed)
    batch = line(*(dice.randrange(1, 100) for _ in range(100))).nearest(budget=2000)
    assert len(batch) * max(lengths(batch)) <= 1.25 * sum(lengths(batch))


def test_nearest_in_length_go_together() -> None:
    assert sorted(lengths(line(50, 10, 52, 90, 49).nearest(budget=160))) == [49, 50, 52]


def test_of_equal_length_the_oldest_go_first() -> None:
    assert [ticket.item for ticket in line(5, 5, 5, 5).nearest(budget=10)] == [0, 1]


def test_short_items_are_not_padded_to_a_long_one() -> None:
    assert lengths(line(200, 5, 5, 5).nearest(budget=4096)) == [200]


def test_a_line_forgets_what_is_removed() -> None:
    waiting = line(5, 7, 5)
    for ticket in list(waiting):
        waiting.remove(ticket)
    assert (len(waiting), waiting.tokens) == (0, 0)
    waiting.add(Ticket(9, 5))
    assert [ticket.item for ticket in waiting.nearest(budget=100)] == [9]
