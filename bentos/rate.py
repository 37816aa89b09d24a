"""How fast the lanes are at present: what a truthful Retry-After and a promise on arrival rest on."""

from collections.abc import Sequence
from typing import Any

from bentos.waiting import Ticket

MEMORY = 0.9  # share of the past that is kept at each model call


class Rate:
    """Tokens and items per second of a lane, the newest calls counting most."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._tokens, self._items, self._seconds = 0.0, 0.0, 0.0

    def note(self, tickets: Sequence[Ticket[Any, Any]], seconds: float) -> None:
        """One lane computed these in so many seconds, all around the call included."""
        self._tokens = MEMORY * self._tokens + sum(ticket.n_tokens for ticket in tickets)
        self._items = MEMORY * self._items + len(tickets)
        self._seconds = MEMORY * self._seconds + seconds

    @property
    def tokens_of_an_item(self) -> float:
        """The usual length; 0 while nothing is measured."""
        return self._tokens / self._items if self._items else 0.0

    def seconds_for(self, n_tokens: int) -> float:
        """How long all lanes take for so many tokens; 0 while nothing is measured."""
        return n_tokens * self._seconds / self._tokens / self._lanes if self._tokens else 0.0
