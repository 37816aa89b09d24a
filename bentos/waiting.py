"""What waits to be computed: two lines, short requests and bulk, each in order of arrival."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

LOOKAHEAD = 4  # batches: enough to find texts of one length, and who waits is passed over by no more

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False)
class Ticket(Generic[Item, Result]):
    """One waiting item, its length, the future its caller holds, and its times by `time.monotonic`."""

    item: Item
    n_tokens: int
    bulk: bool = False
    future: Future[Result] = field(default_factory=Future)
    arrived: float = field(default_factory=time.monotonic)
    started: float = 0.0
    finished: float = 0.0


class Line(Generic[Item, Result]):
    """Tickets in order of arrival."""

    def __init__(self) -> None:
        self.tokens = 0
        self._tickets: dict[Ticket[Item, Result], None] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, ticket: object) -> bool:
        return ticket in self._tickets

    def __iter__(self) -> Iterator[Ticket[Item, Result]]:
        return iter(self._tickets)

    def add(self, ticket: Ticket[Item, Result]) -> None:
        self.tokens += ticket.n_tokens
        self._tickets[ticket] = None

    def remove(self, ticket: Ticket[Item, Result]) -> None:
        self.tokens -= ticket.n_tokens
        del self._tickets[ticket]

    def nearest(self, budget: int, free_padding: int) -> list[Ticket[Item, Result]]:
        """The oldest and those like it in length, while `n * longest` stays within the budget.

        They are chosen among the next few batches' worth of items, so that none is passed over for long.
        An item joins when it pads the batch by at most `free_padding`, what a call of its own would cost.
        Raises StopIteration when nothing waits.
        """
        oldest = next(iter(self._tickets))
        batch, longest = [oldest], oldest.n_tokens
        for ticket in sorted(self._next(LOOKAHEAD * budget), key=lambda t: abs(t.n_tokens - oldest.n_tokens)):
            if (len(batch) + 1) * longest > budget:
                break
            length = max(longest, ticket.n_tokens)
            padding = len(batch) * (length - longest) + length - ticket.n_tokens
            if padding <= free_padding and (len(batch) + 1) * length <= budget:
                batch.append(ticket)
                longest = length
        return batch

    def _next(self, n_tokens: int) -> Iterator[Ticket[Item, Result]]:
        """Those that have waited longest after the oldest, up to so many tokens."""
        for ticket in islice(self._tickets, 1, None):
            n_tokens -= ticket.n_tokens
            if n_tokens < 0:
                return
            yield ticket
