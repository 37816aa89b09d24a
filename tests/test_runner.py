"""The runner: what it computes, refuses and drops."""

import asyncio

import numpy as np
import pytest
from prometheus_client import REGISTRY

from bentos.http import RequestError
from bentos.model_store import Entry
from bentos.preprocess import TextPreprocess
from bentos.runner import Runner, available_cores, logits_of, pack, unpack

TEXTS = ["good", "The game is great.", "I found the music rather dull!"]


@pytest.fixture
def packed(entry: Entry) -> dict[str, np.ndarray]:
    return pack(TextPreprocess(entry.path, entry.task)(TEXTS))


def test_unpack_undoes_pack(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    encoded = TextPreprocess(entry.path, entry.task)(TEXTS)
    for item, original in zip(unpack(packed), encoded, strict=True):
        assert item.n_tokens == original.n_tokens
        for name, array in original.arrays.items():
            np.testing.assert_array_equal(item.arrays[name], array)


def test_it_gives_a_row_of_logits_for_each_item(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    runner = Runner(entry, lanes=2)
    logits = logits_of(asyncio.run(runner.classify(packed)))
    runner.close()
    assert logits.shape == (3, 2)


def test_a_cancelled_call_leaves_the_queue(entry: Entry) -> None:
    runner = Runner(entry, lanes=1)
    packed = pack(TextPreprocess(entry.path, entry.task)(["a " * 64] * 60))
    before = REGISTRY.get_sample_value("touchstone_abandoned_items_total") or 0

    async def leave() -> None:
        calls = [asyncio.ensure_future(runner.classify(packed)) for _ in range(16)]
        await asyncio.sleep(0)  # all have submitted
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    asyncio.run(leave())
    runner.close()
    assert (REGISTRY.get_sample_value("touchstone_abandoned_items_total") or 0) > before


def test_after_close_it_is_shutting_down(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    runner = Runner(entry, lanes=1)
    runner.close()
    with pytest.raises(RequestError, match="shutting down") as error:
        logits_of(asyncio.run(runner.classify(packed)))
    assert error.value.status == 503


def test_an_unsound_model_answers_nothing(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    entry.canonical[0]["logits"][0] += 1.0
    runner = Runner(entry, lanes=1)
    with pytest.raises(RequestError, match="computes something else") as error:
        logits_of(asyncio.run(runner.classify(packed)))
    runner.close()
    assert error.value.status == 503


@pytest.mark.parametrize(("seconds", "header"), [(0.1, "1"), (2.2, "3")])
def test_a_refusal_says_when_to_come_back(seconds: float, header: str) -> None:
    with pytest.raises(RequestError) as error:
        logits_of({"status": 429, "error": "Busy.", "retry_after": seconds})
    assert error.value.headers == {"Retry-After": header}


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
