"""The batcher: lanes, token budget, admission."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from bentos.batching import Batcher, BatcherClosed, QueueFull, TooLarge
from tests.held_model import Model, Texts, answers, hold

Make = Callable[..., Batcher[str, str]]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def make(model: Model) -> Iterator[Make]:
    made: list[Batcher[str, str]] = []

    def make(compute: Callable[[Texts], Sequence[str]] = model, **settings: int) -> Batcher[str, str]:
        defaults = {"lanes": 1, "max_batch_tokens": 64, "max_queue_tokens": 1000}
        made.append(Batcher(compute, len, **{**defaults, **settings}))
        return made[-1]

    yield make
    model.gate.set()
    for batcher in made:
        batcher.close(timeout=10)


def hold_slow(model: Model, batcher: Batcher[str, str]) -> None:
    """Let the only lane measure at most 50 tokens a second, then occupy it."""
    model.gate.clear()
    (slow,) = batcher.submit(["x" * 10])
    threading.Timer(0.2, model.gate.set).start()
    slow.future.result(timeout=30)  # at most 50 tokens a second
    assert model.busy.acquire(timeout=10)
    hold(model, batcher)


def test_each_item_gets_its_own_result_in_order(make: Make) -> None:
    assert answers(make().submit(["b", "aaa", "cc"])) == ["B", "AAA", "CC"]


def test_no_items_no_tickets(make: Make) -> None:
    assert make().submit([]) == []


def test_nothing_is_lost_or_doubled_under_eight_threads(make: Make, model: Model) -> None:
    batcher = make(lanes=3, max_queue_tokens=10**6)

    def client(number: int) -> None:
        dice = random.Random(number)
        for turn in range(50):
            texts = [f"{number}-{turn}-{n}-" + "x" * dice.randrange(60) for n in range(dice.randrange(1, 5))]
            assert answers(batcher.submit(texts)) == [text.upper() for text in texts]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(8)))
    batcher.close()
    computed = [text for call in model.calls for text in call]
    assert len(computed) == len(set(computed)) == batcher.computed_items
    assert batcher.queued_items == batcher.queued_tokens == 0
    assert all(len(call) * max(map(len, call)) <= 64 for call in model.calls if len(call) > 1)
    assert batcher.batches == len(model.calls)
    assert batcher.batch_tokens == sum(map(len, computed))
    assert batcher.padded_tokens == sum(len(call) * max(map(len, call)) for call in model.calls)


def test_an_item_over_the_batch_budget_runs_alone(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    tickets = batcher.submit(["x" * 100, "x" * 99, "x" * 98])
    model.gate.set()
    answers([held, *tickets])
    assert [len(call) for call in model.calls] == [1, 1, 1, 1]


def test_two_waiting_items_use_both_lanes(make: Make, model: Model) -> None:
    model.gate.clear()
    tickets = make(lanes=2).submit(["aaaa", "bbbb"])
    assert model.busy.acquire(timeout=10)
    assert model.busy.acquire(timeout=10)
    model.gate.set()
    answers(tickets)
    assert sorted(model.calls) == [["aaaa"], ["bbbb"]]


def test_a_long_item_is_not_starved_by_a_stream_of_short_ones(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    (long,) = batcher.submit(["x" * 40])
    shorts = batcher.submit(["ab"] * 100)
    model.gate.set()
    answers([held, long, *shorts])
    assert "x" * 40 in model.calls[1]


def test_a_cancelled_item_is_dropped_and_its_place_is_free_at_once(make: Make, model: Model) -> None:
    batcher = make(max_queue_tokens=10)
    held = hold(model, batcher)
    (gone,) = batcher.submit(["x" * 10])
    assert gone.future.cancel()
    assert (batcher.queued_items, batcher.queued_tokens) == (0, 0)
    (kept,) = batcher.submit(["y" * 10])
    model.gate.set()
    answers([held, kept])
    assert gone.future.cancelled()
    assert batcher.abandoned_items == 1
    assert model.calls == [["held"], ["y" * 10]]


def test_cancelling_while_lanes_take_loses_and_doubles_nothing(make: Make, model: Model) -> None:
    batcher = make(lanes=2, max_queue_tokens=10**6)
    tickets = [ticket for n in range(500) for ticket in batcher.submit([f"{n:04}"])]
    cancelled = sum(ticket.future.cancel() for ticket in tickets[::2])
    wait([ticket.future for ticket in tickets], timeout=30)
    batcher.close()
    assert batcher.abandoned_items == cancelled
    assert batcher.computed_items == sum(map(len, model.calls)) == 500 - cancelled
    assert (batcher.queued_items, batcher.queued_tokens) == (0, 0)


def test_a_cancelled_asyncio_wait_abandons_the_item(make: Make, model: Model) -> None:
    batcher = make()
    hold(model, batcher)

    async def client() -> None:
        (ticket,) = batcher.submit(["slow"])
        await asyncio.wait_for(asyncio.wrap_future(ticket.future), timeout=0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(client())
    assert batcher.abandoned_items == 1


def test_a_poisoned_item_fails_alone(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    tickets = batcher.submit(["first.", "poison", "second"])
    model.gate.set()
    with pytest.raises(ValueError, match="poison"):
        tickets[1].future.result(timeout=30)
    assert answers([held, tickets[0], tickets[2]]) == ["HELD", "FIRST.", "SECOND"]
    assert model.calls[1] == ["first.", "poison", "second"]
    assert (batcher.computed_items, batcher.failed_items) == (3, 1)


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()]
)
def test_a_lane_survives_whatever_is_raised(make: Make, error: BaseException) -> None:
    def compute(texts: Texts) -> Texts:
        if texts == ["bad"]:
            raise error
        return texts

    batcher = make(compute)
    (bad,) = batcher.submit(["bad"])
    with pytest.raises(RuntimeError, match=type(error).__name__) as caught:
        bad.future.result(timeout=30)
    assert caught.value.__cause__ is error
    assert answers(batcher.submit(["good"])) == ["good"]


def test_too_few_results_are_an_error_and_no_hang(make: Make) -> None:
    (ticket,) = make(lambda texts: []).submit(["a"])
    with pytest.raises(RuntimeError, match="0 results for 1 items"):
        ticket.future.result(timeout=30)


def test_a_full_queue_refuses_the_newest_at_once_and_recovers(make: Make, model: Model) -> None:
    batcher = make(max_queue_tokens=20)
    held = hold(model, batcher)
    waiting = batcher.submit(["x" * 10, "y" * 10])
    with pytest.raises(QueueFull) as refused:
        batcher.submit(["z"])
    assert refused.value.retry_after > 0
    assert batcher.refused_requests == 1
    model.gate.set()
    assert answers([held, *waiting]) == ["HELD", "X" * 10, "Y" * 10]
    assert answers(batcher.submit(["z"])) == ["Z"]


def test_a_request_enters_whole_or_not_at_all(make: Make, model: Model) -> None:
    batcher = make(max_queue_tokens=20)
    hold(model, batcher)
    batcher.submit(["x" * 10])
    with pytest.raises(QueueFull):
        batcher.submit(["y" * 6, "z" * 6])
    assert (batcher.queued_items, batcher.queued_tokens) == (1, 10)


def test_retry_after_follows_the_measured_rate(make: Make, model: Model) -> None:
    batcher = make(max_queue_tokens=100, max_batch_tokens=10)
    hold_slow(model, batcher)
    batcher.submit(["x" * 10] * 10)
    with pytest.raises(QueueFull) as refused:
        batcher.submit(["y"])
    assert refused.value.retry_after > 1.5  # 100 tokens wait


def test_a_request_over_the_whole_queue_is_told_so(make: Make) -> None:
    batcher = make(max_queue_tokens=20)
    with pytest.raises(TooLarge, match="21 tokens were given, the queue holds 20"):
        batcher.submit(["x" * 21])
    assert batcher.refused_requests == 0


def test_close_finishes_what_waits_and_refuses_the_new(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    waiting = batcher.submit(["a", "b"])
    threading.Timer(0.05, model.gate.set).start()
    batcher.close(timeout=30)
    assert answers([held, *waiting]) == ["HELD", "A", "B"]
    with pytest.raises(BatcherClosed):
        batcher.submit(["c"])


def test_close_fails_what_it_cannot_finish_in_time(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    (waiting,) = batcher.submit(["late"])
    batcher.close(timeout=0.05)
    with pytest.raises(BatcherClosed):
        waiting.future.result(timeout=0)
    model.gate.set()
    assert answers([held]) == ["HELD"]


def test_an_exception_of_n_tokens_leaves_the_queue_as_it_was() -> None:
    batcher: Batcher[str, str] = Batcher(lambda texts: texts, int, 1, 64, 1000)
    with pytest.raises(ValueError, match="invalid literal"):
        batcher.submit(["7", "seven"])
    assert (batcher.queued_items, batcher.queued_tokens) == (0, 0)
    batcher.close()


def test_short_requests_and_bulk_take_turns(make: Make, model: Model) -> None:
    batcher = make()
    held = hold(model, batcher)
    bulk = batcher.submit(["b" * 40, "c" * 40, "d" * 40], bulk=True)
    shorts = [batcher.submit([text])[0] for text in ("s" * 20, "t" * 40)]
    model.gate.set()
    answers([held, *bulk, *shorts])
    assert [call[0][0] for call in model.calls] == ["h", "b", "s", "c", "t", "d"]


def test_bulk_leaves_half_of_the_queue_to_short_requests(make: Make, model: Model) -> None:
    batcher = make(max_queue_tokens=100)
    hold(model, batcher)
    batcher.submit(["b" * 40], bulk=True)
    with pytest.raises(QueueFull, match="40 of 50 tokens wait"):
        batcher.submit(["b" * 20], bulk=True)
    batcher.submit(["s" * 60])


def test_a_short_request_passes_bulk_that_fills_every_lane(make: Make, model: Model) -> None:
    express = threading.Event()

    def compute(texts: Texts) -> Texts:
        if texts == ["short"]:
            express.set()
        else:
            assert express.wait(30)
        return texts

    batcher = make(compute, lanes=2, express=True)
    bulk = batcher.submit(["b" * 40, "c" * 40, "d" * 40], bulk=True)
    assert answers(batcher.submit(["short"])) == ["short"]
    assert len(answers(bulk)) == 3


def test_what_would_wait_too_long_is_refused(make: Make, model: Model) -> None:
    batcher = make(max_wait=0.1)
    hold_slow(model, batcher)
    batcher.submit(["x" * 10])  # nothing waits yet
    with pytest.raises(QueueFull):
        batcher.submit(["y"])
    with pytest.raises(QueueFull):
        batcher.check_room()


def test_the_age_is_that_of_the_oldest(make: Make, model: Model) -> None:
    batcher = make()
    assert batcher.oldest_age == 0
    hold(model, batcher)
    (waiting,) = batcher.submit(["x"])
    assert 0 < batcher.oldest_age <= time.monotonic() - waiting.arrived
