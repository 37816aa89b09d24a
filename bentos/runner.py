"""The runner owns the model and the batcher: in the API process, or a process of its own on the GPU."""

import asyncio
import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bentos.answer_cache import Answer, AnswerCache, Row
from bentos.batching import Batcher, BatcherClosed, QueueFull, TooLarge
from bentos.http import INTERNAL
from bentos.incoming import RequestError
from bentos.metrics import ModelCalls, mirror_runner
from bentos.model_store import Entry, Model, ModelError, load_model, preprocess_of, self_check
from bentos.preprocess import Arrays, ModelInput, Preprocess

CPU_BATCH_TOKENS = 512  # where a call's own cost no longer counts; longer ones keep others waiting
WINDOWS_IN_QUEUE = 8  # a long list enters the queue in parts, so that other requests find room
WAIT_SHARE = 0.5  # of the time-out may be spent in the queue; the rest is for computing, and for estimates
ROOM_SECONDS = 0.01  # between two tries of a part that found none
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000": 2 cores; "max 100000": no limit

REFUSALS = (QueueFull, TooLarge, BatcherClosed)

Logits = Row  # [n, labels]

log = logging.getLogger("bentoml.touchstone")


class ItemFailed(Exception):
    """The model failed at the input `index` of a request."""

    def __init__(self, index: int) -> None:
        super().__init__(f"inputs[{index}]")
        self.index = index


@dataclass(frozen=True)
class Loaded:
    """An entry with what is read from its files, and why its model must not answer, if there is a reason."""

    entry: Entry
    preprocess: Preprocess
    model: Model
    fault: str = ""


def load(entry: Entry) -> Loaded:
    """Read the entry's tokenizer and model and have the model check itself."""
    preprocess = preprocess_of(entry)
    model = load_model(entry.variant, entry.path, entry.task)
    try:
        self_check(entry, model, preprocess)
    except ModelError as error:
        return Loaded(entry, preprocess, model, str(error))
    return Loaded(entry, preprocess, model)


def load_sound(entry: Entry) -> Loaded:
    """The same; raises ModelError when the model must not answer."""
    loaded = load(entry)
    if loaded.fault:
        raise ModelError(loaded.fault)
    return loaded


def batch_tokens(entry: Entry) -> int:
    """Padded tokens in one call of the entry's model, at most."""
    limit = entry.task.serving.max_batch_tokens
    return limit if entry.variant == "torch" else min(limit, CPU_BATCH_TOKENS)


class Runner:
    """Computes packed inputs; without a sound model it answers every call with the reason.

    Calls and answers are plain dicts of arrays, so that they are the same from another process.
    """

    def __init__(self, loaded: Loaded, lanes: int) -> None:
        entry, serving = loaded.entry, loaded.entry.task.serving
        self.fault = loaded.fault
        if self.fault:
            log.critical("Not ready: %s", self.fault)
        self._preprocess, self._model = loaded.preprocess, loaded.model
        on_cpu = entry.variant != "torch"
        limit, self._timeout = batch_tokens(entry), serving.timeout
        self._lone_tokens = lanes * limit
        self._window_tokens = max(1, serving.max_queue_tokens // WINDOWS_IN_QUEUE)
        calls = ModelCalls()
        self._batcher = Batcher[ModelInput, Row](
            self._compute,
            n_tokens=lambda item: item.n_tokens,
            lanes=lanes,
            max_batch_tokens=limit,
            max_queue_tokens=serving.max_queue_tokens,
            free_padding=self._model.free_padding,
            max_wait=WAIT_SHARE * serving.timeout,
            express=on_cpu,
            observe=calls.note,
        )
        self._cache = AnswerCache(serving.answer_cache)
        self._mirror = mirror_runner(self._batcher, self._cache, calls)

    async def classify(self, packed: Arrays) -> dict[str, Any]:
        """{"logits": [n, labels], "times": Times or None}, or a refusal for `logits_of`.

        A cancelled call leaves the queue.
        """
        if self.fault:
            return {"status": 503, "error": self.fault}
        try:
            return await self._answered(unpack(packed))
        except REFUSALS as error:
            return refusal(error)
        except ItemFailed as error:
            log.exception("The model failed at %s of a request", error)
            return {"status": 500, "error": f"The model failed at {error}. {INTERNAL}"}

    async def is_ready(self) -> bool:
        """Whether it answers with more than the reason why not."""
        return not self.fault

    def check_room(self) -> None:
        """Raises RequestError when the queue is so full, or closed, that reading a request is in vain."""
        try:
            self._batcher.check_room()
        except REFUSALS as error:
            logits_of(refusal(error))

    def close(self) -> None:
        """Finish what waits and take no more."""
        self._batcher.close()
        self._mirror.close()

    async def _answered(self, items: Sequence[ModelInput]) -> dict[str, Any]:
        """The answers to all items, two windows of them in the queue at a time."""
        n_tokens = sum(item.n_tokens for item in items)
        bulk = n_tokens > self._lone_tokens and len(items) > 1
        if bulk and (seconds := self._batcher.seconds_for(n_tokens)) > self._timeout:
            raise TooLarge(f"{n_tokens} tokens take {seconds:.0f} s, the limit is {self._timeout:g} s")
        answers: list[Answer] = []
        try:
            for window in windows(items, self._window_tokens):
                submitted = len(answers)
                answers += await self._ask(window, bulk, patient=submitted > 0)
                await settled(answers[:submitted])
            await settled(answers)
            rows = [row_of(answer, index) for index, answer in enumerate(answers)]
            return {"logits": np.stack(rows), "times": times_of(answers)}
        finally:
            self._cache.leave(answers)

    async def _ask(self, window: Sequence[ModelInput], bulk: bool, patient: bool) -> list[Answer]:
        """Put a window into the queue. The first is refused when that is full, the others wait for room."""
        while True:
            try:
                return self._cache.ask(window, lambda new: self._batcher.submit(new, bulk))
            except QueueFull:
                if not patient:
                    raise
                await asyncio.sleep(ROOM_SECONDS)

    def _compute(self, items: list[ModelInput]) -> list[Row]:
        return list(self._model.run(self._preprocess.pad(items)))


def refusal(error: Exception) -> dict[str, Any]:
    """What `logits_of` tells the client of a request that the batcher did not take."""
    if isinstance(error, QueueFull):
        return {"status": 429, "error": f"Busy: {error}.", "retry_after": error.retry_after}
    if isinstance(error, TooLarge):
        return {"status": 413, "error": f"Too much for one request: {error}. Send fewer inputs."}
    return {"status": 503, "error": "The service is shutting down."}


async def settled(answers: Sequence[Answer]) -> None:
    """Wait until all are there, without a cancellation of this wait reaching them."""
    if under_way := {answer.future for answer in answers if not answer.future.done()}:
        await asyncio.wait(under_way)


def row_of(answer: Answer, index: int) -> Row:
    """The logits of one settled answer; raises BatcherClosed, or ItemFailed with the index."""
    try:
        return answer.future.result()
    except BatcherClosed:
        raise
    except Exception as error:
        raise ItemFailed(index) from error


def times_of(answers: Sequence[Answer]) -> dict[str, float] | None:
    """When the items arrived, were begun and done (seconds of `time.monotonic`); None if all were known."""
    tickets = [answer.ticket for answer in answers if answer.ticket]
    if not tickets:
        return None
    return {
        "arrived": min(ticket.arrived for ticket in tickets),
        "started": min(ticket.started for ticket in tickets),
        "finished": max(ticket.finished for ticket in tickets),
    }


def windows(items: Sequence[ModelInput], n_tokens: int) -> Iterator[Sequence[ModelInput]]:
    """The items in parts of at most so many tokens, an item longer than that alone."""
    start = size = 0
    for i, item in enumerate(items):
        if i > start and size + item.n_tokens > n_tokens:
            yield items[start:i]
            start, size = i, 0
        size += item.n_tokens
    yield items[start:]


def logits_of(answer: dict[str, Any]) -> Logits:
    """The logits [n, labels] of a runner's answer; raises the RequestError that it tells."""
    if "error" in answer:
        seconds = max(1, math.ceil(answer.get("retry_after", 0)))
        headers = {"Retry-After": str(seconds)} if "retry_after" in answer else {}
        raise RequestError(answer["status"], answer["error"], headers)
    return np.asarray(answer["logits"], np.float32)


def pack(items: Sequence[ModelInput]) -> Arrays:
    """One array for each name, item after item, and each item's part: few and large, as a pipe likes them."""
    arrays = {name: np.concatenate([item.arrays[name] for item in items]) for name in items[0].arrays}
    lengths = [len(next(iter(item.arrays.values()))) for item in items]
    n_tokens = [item.n_tokens for item in items]
    return {**arrays, "lengths": np.asarray(lengths, np.int64), "n_tokens": np.asarray(n_tokens, np.int64)}


def unpack(packed: Arrays) -> list[ModelInput]:
    """The items that `pack` was given."""
    ends = np.cumsum(packed["lengths"])[:-1]
    names = packed.keys() - {"lengths", "n_tokens"}
    parts = {name: np.split(array, ends) for name, array in packed.items() if name in names}
    n_tokens = packed["n_tokens"].tolist()
    return [ModelInput({name: parts[name][i] for name in parts}, n) for i, n in enumerate(n_tokens)]


def available_cores() -> int:
    """Cores that this process may use: by affinity, and by the container's quota where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = (CPU_QUOTA.read_text() if CPU_QUOTA.is_file() else "max").partition(" ")
    return cores if quota.strip() == "max" else max(1, min(cores, math.ceil(int(quota) / int(period))))
