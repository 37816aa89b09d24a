"""The adaptive batcher: lanes (threads) over one queue, batches cut by a budget of padded tokens."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_PADDING = 1.25  # padded / useful tokens of a batch: on a CPU padding costs as much as text
RATE_MEMORY = 0.9  # share of the past kept in the measured rate at each model call


class QueueFull(Exception):
    """Refused on arrival; `retry_after` seconds from now what waits at present will have been computed."""

    def __init__(self, queued_tokens: int, max_queue_tokens: int, retry_after: float) -> None:
        super().__init__(f"{queued_tokens} of {max_queue_tokens} tokens wait, retry in {retry_after:.1f} s")
        self.retry_after = retry_after


class TooLarge(ValueError):
    """One request with more tokens than the whole queue may hold; trying again cannot help."""


class BatcherClosed(Exception):
    """The batcher takes no more work, or was closed before it came to this item."""


@dataclass(eq=False)
class Entry(Generic[Item, Result]):
    """One waiting item, its length and the future its caller holds."""

    item: Item
    n_tokens: int
    future: Future[Result] = field(default_factory=Future)


class Batcher(Generic[Item, Result]):
    """Computes submitted items on `lanes` threads, in batches of similar length.

    `compute` gets a list of items and gives one result for each, in order; lanes call it concurrently.
    Each batch holds the item that waits longest, so none starves, and `n * longest <= max_batch_tokens`;
    an item longer than that runs alone. The public counters only grow.
    """

    def __init__(
        self,
        compute: Callable[[list[Item]], Sequence[Result]],
        n_tokens: Callable[[Item], int],
        lanes: int,
        max_batch_tokens: int,
        max_queue_tokens: int,
    ) -> None:
        self.computed_items = 0  # got their result
        self.failed_items = 0  # got an exception of `compute`
        self.abandoned_items = 0  # cancelled before they were computed
        self.refused_requests = 0  # QueueFull
        self.batches = 0  # calls of `compute`
        self.batch_tokens = 0  # useful tokens in those calls
        self.padded_tokens = 0  # n * longest, summed over those calls
        self._compute, self._n_tokens = compute, n_tokens
        self._max_batch_tokens, self._max_queue_tokens = max_batch_tokens, max_queue_tokens
        self._waiting: dict[Future[Result], Entry[Item, Result]] = {}  # in order of arrival
        self._queued_tokens = 0
        self._recent_tokens, self._recent_seconds = 0.0, 0.0
        self._closed = False
        self._changed = threading.Condition()
        self._lanes = [threading.Thread(target=self._lane, daemon=True) for _ in range(lanes)]
        for lane in self._lanes:
            lane.start()

    @property
    def queued_items(self) -> int:
        """Items that wait; those being computed are not among them."""
        return len(self._waiting)

    @property
    def queued_tokens(self) -> int:
        """Tokens that wait."""
        return self._queued_tokens

    def submit(self, items: Sequence[Item]) -> list[Future[Result]]:
        """Queue all items of one request or none; a future cancelled in time is never computed.

        Raises QueueFull, TooLarge, BatcherClosed, each at once.
        """
        entries = [Entry[Item, Result](item, max(1, self._n_tokens(item))) for item in items]
        with self._changed:
            self._admit(sum(e.n_tokens for e in entries))
            for entry in entries:
                self._waiting[entry.future] = entry
            self._changed.notify(len(entries))
        for entry in entries:
            entry.future.add_done_callback(self._forget)
        return [entry.future for entry in entries]

    def close(self, timeout: float = 30.0) -> None:
        """Take no more work, finish what waits; after `timeout` seconds the rest fails with BatcherClosed."""
        end = time.monotonic() + timeout
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for lane in self._lanes:
            lane.join(max(0.0, end - time.monotonic()))
        with self._changed:
            unfinished = self._pop(list(self._waiting.values()))
        for entry in unfinished:
            entry.future.set_exception(BatcherClosed("closed before this item was computed"))

    def _admit(self, n_tokens: int) -> None:
        """Count the tokens of a new request in, or raise."""
        if self._closed:
            raise BatcherClosed("the batcher is closed and takes no more work")
        if n_tokens > self._max_queue_tokens:
            raise TooLarge(f"the request has {n_tokens} tokens; send at most {self._max_queue_tokens} in one")
        if self._queued_tokens + n_tokens > self._max_queue_tokens:
            self.refused_requests += 1
            raise QueueFull(self._queued_tokens, self._max_queue_tokens, self._seconds_to_drain())
        self._queued_tokens += n_tokens

    def _seconds_to_drain(self) -> float:
        """Queued tokens / tokens per second of all lanes; one second while no call has been measured."""
        if not self._recent_tokens:
            return 1.0
        return self._queued_tokens * self._recent_seconds / self._recent_tokens / len(self._lanes)

    def _forget(self, future: Future[Result]) -> None:
        """Give the place of an item cancelled while it waited to others at once."""
        if future.cancelled():
            with self._changed:
                entry = self._waiting.get(future)
                self._pop([entry] if entry else [])

    def _lane(self) -> None:
        while batch := self._next_batch():
            self._run(batch)

    def _next_batch(self) -> list[Entry[Item, Result]]:
        """Wait for work and take a batch of it; empty when closed and done."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return []
                # no more than a lane's share of what waits, so that none is idle while another has a batch
                share = self._queued_tokens // len(self._lanes)
                batch = nearest(list(self._waiting.values()), min(self._max_batch_tokens, share))
                if running := self._pop(batch):
                    return running

    def _pop(self, entries: Iterable[Entry[Item, Result]]) -> list[Entry[Item, Result]]:
        """Take entries out of the queue; those cancelled are counted and left out of the answer."""
        running = []
        for entry in entries:
            del self._waiting[entry.future]
            self._queued_tokens -= entry.n_tokens
            if entry.future.set_running_or_notify_cancel():
                running.append(entry)
            else:
                self.abandoned_items += 1
        return running

    def _run(self, batch: list[Entry[Item, Result]]) -> None:
        """Compute a batch; one that fails is computed item by item, so that a bad item fails alone."""
        try:
            results = self._call(batch)
        except BaseException as caught:  # whatever it is, the lane must live and the callers must hear of it
            error = deliverable(caught)
        else:
            for entry, result in zip(batch, results, strict=True):
                entry.future.set_result(result)
            return
        if len(batch) == 1:
            batch[0].future.set_exception(error)
        else:
            for entry in batch:
                self._run([entry])

    def _call(self, batch: list[Entry[Item, Result]]) -> list[Result]:
        """One measured call of `compute`."""
        started = time.monotonic()
        results: list[Result] = []
        try:
            results = list(self._compute([entry.item for entry in batch]))
            if len(results) != len(batch):
                raise RuntimeError(f"compute gave {len(results)} results for {len(batch)} items")
            return results
        finally:
            self._count(batch, time.monotonic() - started, len(results) == len(batch))

    def _count(self, batch: list[Entry[Item, Result]], seconds: float, computed: bool) -> None:
        tokens = sum(entry.n_tokens for entry in batch)
        with self._changed:
            self.batches += 1
            self.batch_tokens += tokens
            self.padded_tokens += len(batch) * max(entry.n_tokens for entry in batch)
            self.computed_items += len(batch) if computed else 0
            self.failed_items += len(batch) == 1 and not computed
            self._recent_tokens = RATE_MEMORY * self._recent_tokens + tokens
            self._recent_seconds = RATE_MEMORY * self._recent_seconds + seconds


def nearest(waiting: list[Entry[Item, Result]], budget: int) -> list[Entry[Item, Result]]:
    """The first entry and those nearest to it in length, as many as the budget and MAX_PADDING allow."""
    oldest, *others = waiting
    batch, longest, useful = [oldest], oldest.n_tokens, oldest.n_tokens
    for entry in sorted(others, key=lambda other: abs(other.n_tokens - oldest.n_tokens)):
        longest, useful = max(longest, entry.n_tokens), useful + entry.n_tokens
        padded = (len(batch) + 1) * longest
        if padded > min(budget, MAX_PADDING * useful):
            break
        batch.append(entry)
    return batch


def deliverable(error: BaseException) -> Exception:
    """An exception that may be raised where a future is awaited: SystemExit there would end the server."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"compute raised {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
