"""The runner: what it computes, refuses and drops."""

import asyncio
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from bentos.incoming import RequestError
from bentos.live import give_memory_back
from bentos.model_store import Entry, load_entry
from bentos.preprocess import TextPreprocess
from bentos.runner import Runner, available_cores, load, logits_of, pack, unpack

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
    runner = Runner(load(entry), lanes=2)
    logits = logits_of(asyncio.run(runner.classify(packed)))
    runner.close()
    assert logits.shape == (3, 2)


def test_a_closed_runner_lets_go_of_its_model(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    loaded = load(entry)
    runner, model = Runner(loaded, lanes=2), weakref.ref(loaded.model)
    asyncio.run(runner.classify(packed))
    runner.close()
    del runner, loaded
    give_memory_back()
    assert model() is None


def test_a_cancelled_call_leaves_the_queue(entry: Entry) -> None:
    runner = Runner(load(entry), lanes=1)
    preprocess = TextPreprocess(entry.path, entry.task)
    packs = [pack(preprocess(long_texts(60, call))) for call in range(16)]
    before = REGISTRY.get_sample_value("touchstone_abandoned_items_total") or 0

    async def leave() -> None:
        calls = [asyncio.ensure_future(runner.classify(packed)) for packed in packs]
        await asyncio.sleep(0)  # all have submitted
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

    asyncio.run(leave())
    runner.close()
    assert (REGISTRY.get_sample_value("touchstone_abandoned_items_total") or 0) > before


def test_after_close_it_is_shutting_down(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    runner = Runner(load(entry), lanes=1)
    runner.close()
    with pytest.raises(RequestError, match="shutting down") as error:
        logits_of(asyncio.run(runner.classify(packed)))
    assert error.value.status == 503


def test_an_unsound_model_answers_nothing(entry: Entry, packed: dict[str, np.ndarray]) -> None:
    entry.canonical[0]["logits"][0] += 1.0
    runner = Runner(load(entry), lanes=1)
    with pytest.raises(RequestError, match="computes something else") as error:
        logits_of(asyncio.run(runner.classify(packed)))
    runner.close()
    assert error.value.status == 503


def long_texts(n: int, client: int = 0) -> list[str]:
    """Different texts of 64 tokens: each spells its number in two known words."""
    return [f"{client * n + i:064b}"[::-1].replace("0", "bad ").replace("1", "good ") for i in range(n)]


def changed(entry: Entry, **serving: int) -> Entry:
    """The entry with other serving settings."""
    return replace(entry, task=replace(entry.task, serving=replace(entry.task.serving, **serving)))


def classify_all(entry: Entry, lists: list[list[str]]) -> list[dict[str, Any]]:
    """The runner's answers to lists of texts that come at the same time."""
    runner, preprocess = Runner(load(entry), lanes=1), TextPreprocess(entry.path, entry.task)
    packs = [pack(preprocess(texts)) for texts in lists]

    async def rush() -> list[dict[str, Any]]:
        return await asyncio.gather(*(runner.classify(packed) for packed in packs))

    try:
        return asyncio.run(rush())
    finally:
        runner.close()


def test_a_full_queue_refuses_and_says_when_to_come_back(entry: Entry) -> None:
    lists = [long_texts(20, client) for client in range(20)]
    answers = classify_all(changed(entry, max_queue_tokens=256), lists)
    refused = [answer for answer in answers if "error" in answer]
    assert 0 < len(refused) < len(answers)
    assert all(answer["status"] == 429 and answer["retry_after"] > 0 for answer in refused)
    assert all(answer["error"].startswith("Busy: ") for answer in refused)


def test_a_list_larger_than_the_queue_passes_in_parts(store: Path) -> None:
    entry = load_entry("sample-reviews-onnx:tiny")  # in int8 the neighbours in a batch move the last digits
    texts = long_texts(64)
    (whole,), (parts,) = (
        classify_all(entry, [texts]),
        classify_all(changed(entry, max_queue_tokens=128), [texts]),
    )
    np.testing.assert_allclose(parts["logits"], whole["logits"], atol=1e-5)


def test_equal_inputs_are_computed_once(entry: Entry) -> None:
    before = REGISTRY.get_sample_value("touchstone_computed_items_total") or 0
    answers = classify_all(entry, [["A fine game."], ["A fine game.", "Another one."], ["A fine game."]])
    np.testing.assert_array_equal(answers[0]["logits"][0], answers[1]["logits"][0])
    assert (REGISTRY.get_sample_value("touchstone_computed_items_total") or 0) - before == 2


def test_without_the_cache_each_input_is_computed(entry: Entry) -> None:
    before = REGISTRY.get_sample_value("touchstone_computed_items_total") or 0
    classify_all(changed(entry, answer_cache=0), [["A fine game."], ["A fine game."]])
    assert (REGISTRY.get_sample_value("touchstone_computed_items_total") or 0) - before == 2


def test_a_bad_input_is_named_and_its_neighbours_are_answered(entry: Entry) -> None:
    runner, preprocess = Runner(load(entry), lanes=1), TextPreprocess(entry.path, entry.task)
    good, poison = preprocess(["A fine game."])[0], preprocess(["bad"])[0]
    poison.arrays["input_ids"][:] = 10**6  # no such token

    async def rush() -> list[dict[str, Any]]:
        calls = [runner.classify(pack(items)) for items in ([good, poison], [good])]
        return await asyncio.gather(*calls)

    failed, answered = asyncio.run(rush())
    runner.close()
    assert (failed["status"], failed["error"][:32]) == (500, "The model failed at inputs[1]. A")
    assert answered["logits"].shape == (1, 2)


@pytest.mark.parametrize(("seconds", "header"), [(0.1, "1"), (2.2, "3")])
def test_a_refusal_says_when_to_come_back(seconds: float, header: str) -> None:
    with pytest.raises(RequestError) as error:
        logits_of({"status": 429, "error": "Busy.", "retry_after": seconds})
    assert error.value.headers == {"Retry-After": header}


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
