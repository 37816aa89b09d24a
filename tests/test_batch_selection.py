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
    batch = line(*(dice.randrange(1, 100) for _ in range(dice.randrange(1, 200)))).nearest(
        budget, free_padding=5
    )
    assert batch[0].item == 0
    assert len({ticket.item for ticket in batch}) == len(batch)
    assert len(batch) * max(lengths(batch)) <= budget


@pytest.mark.parametrize("seed", range(20))
def test_padding_costs_less_than_calls(seed: int) -> None:
    dice = random.Random(seed)
    batch = lengths(line(*(dice.randrange(1, 100) for _ in range(100))).nearest(2000, free_padding=5))
    assert len(batch) > 1
    assert len(batch) * max(batch) - sum(batch) <= 5 * (len(batch) - 1)


def test_nearest_in_length_go_together() -> None:
    assert sorted(lengths(line(50, 10, 52, 90, 49).nearest(160, free_padding=5))) == [49, 50, 52]


def test_of_equal_length_the_oldest_go_first() -> None:
    assert [ticket.item for ticket in line(5, 5, 5, 5).nearest(10, free_padding=5)] == [0, 1]


def test_short_items_are_not_padded_to_a_long_one() -> None:
    assert lengths(line(200, 5, 5, 5).nearest(4096, free_padding=5)) == [200]


def test_the_young_do_not_pass_many_others() -> None:
    lengths_of_many = [10, *[40] * 50, *[10] * 50]
    batch = line(*lengths_of_many).nearest(100, free_padding=5)
    assert [ticket.item for ticket in batch] == [0]


def test_a_line_forgets_what_is_removed() -> None:
    waiting = line(5, 7, 5)
    for ticket in list(waiting):
        waiting.remove(ticket)
    assert (len(waiting), waiting.tokens) == (0, 0)
    waiting.add(Ticket(9, 5))
    assert [ticket.item for ticket in waiting.nearest(100, free_padding=5)] == [9]
