"""The adaptive batcher: lanes (threads) over two lines, batches cut by a budget of padded tokens."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Generic

from bentos.priority import give_way
from bentos.rate import Rate
from bentos.waiting import Item, Line, Result, Ticket

BULK_SHARE = 0.5  # of the queue: lists leave room for single texts
LANE_NICENESS = 5


class QueueFull(Exception):
    """Refused on arrival; `retry_after` seconds from now what waits at present will have been computed."""

    def __init__(self, queued_tokens: int, max_queue_tokens: int, retry_after: float) -> None:
        super().__init__(f"{queued_tokens} of {max_queue_tokens} tokens wait, retry in {retry_after:.1f} s")
        self.retry_after = retry_after


class TooLarge(ValueError):
    """One request with more tokens than the whole queue may hold; trying again cannot help."""


class BatcherClosed(Exception):
    """The batcher takes no more work, or was closed before it came to this item."""


class Batcher(Generic[Item, Result]):
    """Computes submitted items on `lanes` threads, in batches of similar length.

    `compute` gets a list of items and gives one result for each, in order; lanes call it concurrently.
    Short requests and bulk wait in two lines that take turns; each batch holds the item that waits longest
    in its line, so none starves, and `n * longest <= max_batch_tokens`; an item longer than that runs alone.
    An item joins others when it pads them by at most `free_padding` tokens, what another call costs besides.
    With `express` one thread more serves the short line while every lane is busy with bulk: beyond the
    number of cores, but the system shares cores fairer than a queue can. The public counters only grow.
    `observe` is told of each call of `compute`: its tickets and its seconds.
    """

    def __init__(
        self,
        compute: Callable[[list[Item]], Sequence[Result]],
        n_tokens: Callable[[Item], int],
        lanes: int,
        max_batch_tokens: int,
        max_queue_tokens: int,
        free_padding: int = 5,
        max_wait: float = float("inf"),
        express: bool = False,
        observe: Callable[[Sequence[Ticket[Item, Result]], float], None] = lambda tickets, seconds: None,
    ) -> None:
        self.computed_items = 0  # got their result
        self.failed_items = 0  # got an exception of `compute`
        self.abandoned_items = 0  # cancelled before they were computed
        self.refused_requests = 0  # QueueFull
        self.batches = 0  # calls of `compute`
        self.batch_tokens = 0  # useful tokens in those calls
        self.padded_tokens = 0  # n * longest, summed over those calls
        self._compute, self._n_tokens, self._observe = compute, n_tokens, observe
        self._max_batch_tokens, self._max_queue_tokens = max_batch_tokens, max_queue_tokens
        self._max_wait, self._n_lanes, self._free_padding = max_wait, lanes, free_padding
        self._short: Line[Item, Result] = Line()
        self._bulk: Line[Item, Result] = Line()
        self._bulk_is_next = False
        self._bulk_lanes = 0  # lanes that compute bulk at present
        self._rate = Rate(lanes)
        self._closed = False
        self._lock = threading.Lock()
        self._work, self._express_work = threading.Condition(self._lock), threading.Condition(self._lock)
        self._lanes = [threading.Thread(target=self._lane, daemon=True) for _ in range(lanes)]
        if express:
            self._lanes.append(threading.Thread(target=self._express_lane, daemon=True))
        for lane in self._lanes:
            lane.start()

    @property
    def queued_items(self) -> int:
        """Items that wait; those being computed are not among them."""
        return len(self._short) + len(self._bulk)

    @property
    def queued_tokens(self) -> int:
        """Tokens that wait."""
        return self._short.tokens + self._bulk.tokens

    @property
    def oldest_age(self) -> float:
        """Seconds that the oldest waiting item has waited; 0 when nothing waits."""
        with self._lock:
            arrived = [next(iter(line)).arrived for line in (self._short, self._bulk) if line]
        return max(0.0, time.monotonic() - min(arrived)) if arrived else 0.0

    def submit(self, items: Sequence[Item], bulk: bool = False) -> list[Ticket[Item, Result]]:
        """Queue all items of one request or none; a future cancelled in time is never computed.

        Raises QueueFull, TooLarge, BatcherClosed, each at once.
        """
        tickets = [Ticket[Item, Result](item, max(1, self._n_tokens(item)), bulk) for item in items]
        with self._lock:
            self._admit(sum(t.n_tokens for t in tickets), bulk)
            for ticket in tickets:
                self._line(bulk).add(ticket)
            self._work.notify(len(tickets))
            self._express_work.notify()
        for ticket in tickets:
            ticket.future.add_done_callback(partial(self._forget, ticket))
        return tickets

    def seconds_for(self, n_tokens: int) -> float:
        """How long all lanes take for so many tokens, at their present rate; 0 while none is measured."""
        return self._rate.seconds_for(n_tokens)

    def check_room(self) -> None:
        """Raises QueueFull when not even a short item of usual length would be admitted."""
        with self._lock:
            self._admit(int(self._rate.tokens_of_an_item), bulk=False)

    def close(self, timeout: float = 30.0) -> None:
        """Take no more work, finish what waits; after `timeout` seconds the rest fails with BatcherClosed."""
        end = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            self._work.notify_all()
            self._express_work.notify_all()
        for lane in self._lanes:
            lane.join(max(0.0, end - time.monotonic()))
        with self._lock:
            unfinished = self._pop([*self._short, *self._bulk])
        for ticket in unfinished:
            ticket.future.set_exception(BatcherClosed("closed before this item was computed"))

    def _admit(self, n_tokens: int, bulk: bool) -> None:
        """Raise when a new request of so many tokens cannot be taken."""
        if self._closed:
            raise BatcherClosed("the batcher is closed and takes no more work")
        if n_tokens > self._max_queue_tokens:
            raise TooLarge(f"{n_tokens} tokens were given, the queue holds {self._max_queue_tokens}")
        limit = int(self._max_queue_tokens * BULK_SHARE) if bulk else self._max_queue_tokens
        queued = self._bulk.tokens if bulk else self.queued_tokens
        ahead = self.queued_tokens if bulk else min(self.queued_tokens, 2 * self._short.tokens)
        if queued and (queued + n_tokens > limit or self.seconds_for(ahead) > self._max_wait):
            self.refused_requests += 1
            raise QueueFull(queued, limit, self.seconds_for(ahead) or 1.0)

    def _forget(self, ticket: Ticket[Item, Result], future: Future[Result]) -> None:
        """Give the place of an item cancelled while it waited to others at once."""
        if future.cancelled():
            with self._lock:
                self._pop([ticket] if ticket in self._line(ticket.bulk) else [])

    def _lane(self) -> None:
        give_way(LANE_NICENESS)
        free = time.monotonic()
        while batch := self._next_batch():
            self._run(batch)
            free = self._measure(batch, free)

    def _express_lane(self) -> None:
        give_way(LANE_NICENESS)
        while batch := self._next_express():
            self._run(batch)

    def _measure(self, batch: list[Ticket[Item, Result]], free: float) -> float:
        """Note what the batch took a lane that was free since `free`; the time now."""
        now = time.monotonic()
        with self._lock:
            self._bulk_lanes -= batch[0].bulk
            self._rate.note(batch, now - max(free, min(ticket.arrived for ticket in batch)))
        return now

    def _next_batch(self) -> list[Ticket[Item, Result]]:
        """Wait for work and take a batch of it; empty when closed and done."""
        with self._lock:
            while True:
                self._work.wait_for(lambda: self._closed or self.queued_items)
                if not self.queued_items:
                    return []
                if running := self._pop(self._turn().nearest(self._budget(), self._free_padding)):
                    self._bulk_lanes += running[0].bulk
                    self._express_work.notify()
                    return running

    def _next_express(self) -> list[Ticket[Item, Result]]:
        """Wait until short items wait behind bulk in every lane; empty when closed."""
        with self._lock:
            while True:
                self._express_work.wait_for(
                    lambda: self._closed or (self._short and self._bulk_lanes == self._n_lanes)
                )
                if self._closed:
                    return []
                if running := self._pop(self._short.nearest(self._budget(), self._free_padding)):
                    return running

    def _turn(self) -> Line[Item, Result]:
        """The line whose turn it is; one that is empty loses its turn."""
        bulk = bool(self._bulk) and (self._bulk_is_next or not self._short)
        self._bulk_is_next = not bulk
        return self._line(bulk)

    def _line(self, bulk: bool) -> Line[Item, Result]:
        return self._bulk if bulk else self._short

    def _budget(self) -> int:
        """No more than a lane's share of what waits, so that none is idle while another has a batch."""
        return min(self._max_batch_tokens, self.queued_tokens // self._n_lanes)

    def _pop(self, tickets: Iterable[Ticket[Item, Result]]) -> list[Ticket[Item, Result]]:
        """Take tickets out of the queue; those cancelled are counted and left out of the answer."""
        running = []
        for ticket in tickets:
            self._line(ticket.bulk).remove(ticket)
            if ticket.future.set_running_or_notify_cancel():
                running.append(ticket)
            else:
                self.abandoned_items += 1
        return running

    def _run(self, batch: list[Ticket[Item, Result]]) -> None:
        """Compute a batch; one that fails is computed item by item, so that a bad item fails alone."""
        started = time.monotonic()
        try:
            results = list(self._compute([ticket.item for ticket in batch]))
            if len(results) != len(batch):
                raise RuntimeError(f"compute gave {len(results)} results for {len(batch)} items")
        except BaseException as caught:  # whatever it is, the lane must live and the callers must hear of it
            self._count(batch, started, computed=False)
            self._fail(batch, deliverable(caught))
        else:
            self._count(batch, started, computed=True)
            for ticket, result in zip(batch, results, strict=True):
                ticket.future.set_result(result)

    def _fail(self, batch: list[Ticket[Item, Result]], error: Exception) -> None:
        if len(batch) == 1:
            batch[0].future.set_exception(error)
        else:
            for ticket in batch:
                self._run([ticket])

    def _count(self, batch: list[Ticket[Item, Result]], started: float, computed: bool) -> None:
        finished = time.monotonic()
        for ticket in batch:
            ticket.started, ticket.finished = started, finished
        tokens = sum(ticket.n_tokens for ticket in batch)
        with self._lock:
            self.batches += 1
            self.batch_tokens += tokens
            self.padded_tokens += len(batch) * max(ticket.n_tokens for ticket in batch)
            self.computed_items += len(batch) if computed else 0
            self.failed_items += len(batch) == 1 and not computed
        self._observe(batch, finished - started)


def deliverable(error: BaseException) -> Exception:
    """An exception that may be raised where a future is awaited: SystemExit there would end the server."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"compute raised {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
