"""A runner that several API processes share: versions by tag, and failures as answers."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bentos.model_store import ModelError, load_entry, preprocess_of
from bentos.runner import Loaded, load, logits_of, pack
from bentos.runner_process import SharedRunner

TAG = "sample-reviews-torch:tiny"
TEXTS = ["good", "The game is great."]


@pytest.fixture
def loaded(store: Path) -> Loaded:
    return load(load_entry(TAG))


def call(tag: str, loaded: Loaded, unknown_token: bool = False) -> dict[str, Any]:
    items = preprocess_of(loaded.entry)(TEXTS)
    if unknown_token:
        items[1].arrays["input_ids"][:] = 10**6
    return {"tag": tag, **pack(items)}


def use(loaded: Loaded, work: Callable[[SharedRunner], Awaitable[Any]]) -> tuple[Any, list[str]]:
    """What `work` gives with a shared runner, and the tags that it had to load."""
    asked: list[str] = []

    def read(tag: str) -> Loaded:
        asked.append(tag)
        if tag == "unsound":
            raise ModelError("it computes something else")
        return loaded if tag in ("b", "c") else load(load_entry(tag))

    async def run() -> Any:
        runner = SharedRunner(TAG, loaded, read, lanes=1)
        try:
            return await work(runner)
        finally:
            runner.close()

    return asyncio.run(run()), asked


def test_a_call_names_its_version(loaded: Loaded) -> None:
    answer, asked = use(loaded, lambda runner: runner.classify(call(TAG, loaded)))
    expected = loaded.model.run(loaded.preprocess.pad(loaded.preprocess(TEXTS)))
    np.testing.assert_allclose(logits_of(answer), expected, atol=1e-5)
    assert asked == []


def test_a_version_asked_for_by_many_is_loaded_once_and_the_oldest_goes(loaded: Loaded) -> None:
    async def ask(runner: SharedRunner) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        for tag in ("b", "c", "b"):
            answers += await asyncio.gather(*(runner.classify(call(tag, loaded)) for _ in range(5)))
        return answers

    answers, asked = use(loaded, ask)
    assert all(logits_of(answer).shape == (2, 2) for answer in answers)
    assert asked == ["b", "c"]


def test_an_absent_version_is_a_refusal(loaded: Loaded) -> None:
    answer, _ = use(loaded, lambda runner: runner.classify(call("sample-reviews-torch:absent", loaded)))
    assert answer["status"] == 503
    assert "No model 'sample-reviews-torch:absent'" in answer["error"]


def test_an_unsound_version_is_not_kept(loaded: Loaded) -> None:
    async def prepare_twice(runner: SharedRunner) -> list[str]:
        return [await runner.prepare("unsound"), await runner.prepare("unsound"), await runner.prepare(TAG)]

    faults, asked = use(loaded, prepare_twice)
    assert faults == ["it computes something else", "it computes something else", ""]
    assert asked == ["unsound", "unsound"]


def test_a_bad_input_is_named(loaded: Loaded) -> None:
    answer, _ = use(loaded, lambda runner: runner.classify(call(TAG, loaded, unknown_token=True)))
    assert answer["status"] == 500
    assert "inputs[1]" in answer["error"]
