"""A model for the tests of the batcher that can be held in the middle of a call."""

import threading
from collections.abc import Sequence

from bentos.batching import Batcher
from bentos.waiting import Ticket

Texts = list[str]


class Model:
    """Answers in capitals, remembers its batches, and waits while its gate is closed."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Semaphore(0)  # released once for each call that has begun
        self.calls: list[Texts] = []

    def __call__(self, texts: Texts) -> Texts:
        self.calls.append(texts)
        self.busy.release()
        assert self.gate.wait(30)
        if any("poison" in text for text in texts):
            raise ValueError("poison")
        return [text.upper() for text in texts]


def hold(model: Model, batcher: Batcher[str, str]) -> Ticket[str, str]:
    """Occupy the only lane until the gate opens."""
    model.gate.clear()
    (ticket,) = batcher.submit(["held"])
    assert model.busy.acquire(timeout=10)
    return ticket


def answers(tickets: Sequence[Ticket[str, str]]) -> Texts:
    return [ticket.future.result(timeout=30) for ticket in tickets]
