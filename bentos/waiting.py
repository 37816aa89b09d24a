"""What waits to be computed: two lines, short requests and bulk, each in order of arrival."""

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

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
    """Tickets in order of arrival that can also be found by their length."""

    def __init__(self) -> None:
        self.tokens = 0
        self._tickets: dict[Ticket[Item, Result], None] = {}
        self._by_length: defaultdict[int, dict[Ticket[Item, Result], None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, ticket: object) -> bool:
        return ticket in self._tickets

    def __iter__(self) -> Iterator[Ticket[Item, Result]]:
        return iter(self._tickets)

    def add(self, ticket: Ticket[Item, Result]) -> None:
        self.tokens += ticket.n_tokens
        self._tickets[ticket] = self._by_length[ticket.n_tokens][ticket] = None

    def remove(self, ticket: Ticket[Item, Result]) -> None:
        self.tokens -= ticket.n_tokens
        del self._tickets[ticket], self._by_length[ticket.n_tokens][ticket]
        if not self._by_length[ticket.n_tokens]:
            del self._by_length[ticket.n_tokens]

    def nearest(self, budget: int, free_padding: int) -> list[Ticket[Item, Result]]:
        """The oldest and those like it in length, while `n * longest` stays within the budget.

        An item joins when it pads the batch by at most `free_padding`, what a call of its own would cost.
        Raises StopIteration when nothing waits.
        """
        oldest = next(iter(self._tickets))
        batch, longest = [oldest], oldest.n_tokens
        for ticket in self._outwards(oldest.n_tokens, free_padding):
            if (len(batch) + 1) * longest > budget:
                break
            length = max(longest, ticket.n_tokens)
            padding = len(batch) * (length - longest) + length - ticket.n_tokens
            if ticket is not oldest and padding <= free_padding and (len(batch) + 1) * length <= budget:
                batch.append(ticket)
                longest = length
        return batch

    def _outwards(self, length: int, reach: int) -> Iterator[Ticket[Item, Result]]:
        """Tickets by the distance of their length from the given one."""
        for distance in range(reach + 1):
            for near in sorted({length - distance, length + distance}):
                if near in self._by_length:
                    yield from self._by_length[near]
