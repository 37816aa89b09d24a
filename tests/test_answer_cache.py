"""Equal inputs share an answer: in memory, and while it is under way."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from bentos.answer_cache import AnswerCache, Row
from bentos.preprocess import ModelInput
from bentos.waiting import Ticket

pytestmark = pytest.mark.anyio  # its plugin comes with httpx


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Queue:
    """Takes what is submitted and gives the results by hand."""

    def __init__(self) -> None:
        self.tickets: list[Ticket[ModelInput, Row]] = []

    def __call__(self, items: Sequence[ModelInput]) -> list[Ticket[ModelInput, Row]]:
        self.tickets += (new := [Ticket(item, item.n_tokens) for item in items])
        return new


def item(*ids: int) -> ModelInput:
    return ModelInput({"input_ids": np.asarray(ids, np.int64)}, len(ids))


async def finish(ticket: Ticket[ModelInput, Row], value: float) -> None:
    ticket.future.set_running_or_notify_cancel()
    ticket.future.set_result(np.asarray([value], np.float32))
    await asyncio.sleep(0.01)


async def test_what_is_known_is_not_submitted() -> None:
    cache, queue = AnswerCache(10), Queue()
    (first,) = cache.ask([item(1, 2)], queue)
    await finish(queue.tickets[0], 0.5)
    (second, other) = cache.ask([item(1, 2), item(1, 3)], queue)
    assert len(queue.tickets) == 2
    assert first.future.result() == second.future.result() == 0.5
    assert not other.future.done()
    assert (cache.hits, cache.joined) == (1, 0)


async def test_what_is_under_way_is_joined_and_outlives_its_first_caller() -> None:
    cache, queue = AnswerCache(10), Queue()
    first, second = cache.ask([item(1)], queue), cache.ask([item(1)], queue)
    cache.leave(first)
    await finish(queue.tickets[0], 0.5)
    assert second[0].future.result() == 0.5
    assert (len(queue.tickets), cache.joined) == (1, 1)


async def test_what_nobody_waits_for_is_cancelled_and_can_be_asked_again() -> None:
    cache, queue = AnswerCache(10), Queue()
    cache.leave(cache.ask([item(1)], queue))
    assert queue.tickets[0].future.cancelled()
    (again,) = cache.ask([item(1)], queue)
    await finish(queue.tickets[1], 0.5)
    assert again.future.result() == 0.5


async def test_the_answer_longest_unused_is_forgotten() -> None:
    cache, queue = AnswerCache(2), Queue()
    for ids in (1, 2):
        cache.ask([item(ids)], queue)
        await finish(queue.tickets[-1], ids)
    cache.ask([item(1)], queue)
    cache.ask([item(3)], queue)
    await finish(queue.tickets[-1], 3)
    cache.ask([item(1), item(2)], queue)
    assert [ticket.item.arrays["input_ids"][0] for ticket in queue.tickets] == [1, 2, 3, 2]


async def test_a_failure_is_not_remembered() -> None:
    cache, queue = AnswerCache(10), Queue()
    cache.ask([item(1)], queue)
    queue.tickets[0].future.set_running_or_notify_cancel()
    queue.tickets[0].future.set_exception(ValueError("broken"))
    await asyncio.sleep(0.01)
    cache.ask([item(1)], queue)
    assert len(queue.tickets) == 2


async def test_a_refusal_changes_nothing() -> None:
    cache = AnswerCache(10)

    def refuse(items: Sequence[ModelInput]) -> list[Ticket[ModelInput, Row]]:
        raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        cache.ask([item(1)], refuse)
    queue = Queue()
    cache.ask([item(1)], queue)
    assert (len(queue.tickets), cache.joined) == (1, 0)
