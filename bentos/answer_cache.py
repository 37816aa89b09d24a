"""The same input twice is computed once: answers given lately, and those that others wait for already."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bentos.preprocess import ModelInput
from bentos.waiting import Ticket

Row = NDArray[np.float32]  # the logits of one input [labels]
Submit = Callable[[Sequence[ModelInput]], Sequence[Ticket[ModelInput, Row]]]


@dataclass(eq=False)
class Answer:
    """The logits of one input, there or to come, and how many callers wait for them."""

    key: Any
    future: "asyncio.Future[Row]"
    ticket: Ticket[ModelInput, Row] | None = None
    waiters: int = 0


class AnswerCache:
    """Answers of one model by the input's token ids; `size` of them are kept, with 0 nothing is shared.

    Lives on one event loop. `hits` and `joined` count inputs that needed no computation of their own.
    """

    def __init__(self, size: int) -> None:
        self.hits = 0  # answered from memory
        self.joined = 0  # answered together with an equal one under way
        self._size = size
        self._known: OrderedDict[Any, Row] = OrderedDict()
        self._under_way: dict[Any, Answer] = {}

    def ask(self, items: Sequence[ModelInput], submit: Submit) -> list[Answer]:
        """An answer to wait for, for each item; `submit` is given those that are new.

        Raises what `submit` raises; then nothing has changed. Every answer must be given to `leave` once.
        """
        keys = [self._key(item) for item in items]
        new = {
            key: item
            for key, item in zip(keys, items, strict=True)
            if key not in self._known and key not in self._under_way
        }
        tickets = submit(list(new.values())) if new else ()
        for key, ticket in zip(new, tickets, strict=True):
            answer = self._under_way[key] = Answer(key, asyncio.wrap_future(ticket.future), ticket)
            answer.future.add_done_callback(partial(self._settle, answer))
        return [self._answer(key) for key in keys]

    def leave(self, answers: Iterable[Answer]) -> None:
        """Wait no longer; what nobody waits for any more is not computed."""
        for answer in answers:
            answer.waiters -= 1
            if answer.waiters == 0 and answer.ticket and not answer.future.done():
                del self._under_way[answer.key]
                answer.ticket.future.cancel()
                answer.future.cancel()

    def _answer(self, key: Any) -> Answer:
        if answer := self._under_way.get(key):
            self.joined += answer.waiters > 0
            answer.waiters += 1
            return answer
        self.hits += 1
        self._known.move_to_end(key)
        known: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        known.set_result(self._known[key])
        return Answer(key, known, waiters=1)

    def _settle(self, answer: Answer, future: "asyncio.Future[Row]") -> None:
        """Keep a finished answer in memory, the newest ones at most."""
        if self._under_way.get(answer.key) is answer:
            del self._under_way[answer.key]
        if self._size and not future.cancelled() and future.exception() is None:
            self._known[answer.key] = future.result()
            if len(self._known) > self._size:
                self._known.popitem(last=False)

    def _key(self, item: ModelInput) -> Any:
        """16 bytes for equal token ids; without a cache one of its own for each item."""
        if not self._size:
            return object()
        whole = b"\0".join(array.tobytes() for array in item.arrays.values())
        return blake2b(whole, digest_size=16).digest()
