"""The version that answers, and how another takes its place: loaded beside it, checked, swapped."""

import asyncio
import ctypes
import gc
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeVar

from bentos.metrics import PROMOTIONS
from bentos.model_store import ModelError
from bentos.priority import LOWEST, give_way
from bentos.production import Promotion, in_production

POLL = 1.0  # seconds between two looks at the pointer

Version = TypeVar("Version")
Value = TypeVar("Value")

ENDING: set[asyncio.Task[None]] = set()  # the loop itself holds tasks by weak references

log = logging.getLogger("bentoml.touchstone")


class Held(Generic[Version]):
    """A version and the number of requests that use it."""

    def __init__(self, tag: str, version: Version) -> None:
        self.tag, self.version, self.users = tag, version, 0
        self._let_go = asyncio.Event()  # by one of them

    @contextmanager
    def use(self) -> Iterator[Version]:
        """The version, kept until the end of the context."""
        self.users += 1
        try:
            yield self.version
        finally:
            self.users -= 1
            self._let_go.set()

    async def fewer_users_than(self, limit: float) -> None:
        """Return at a moment when fewer requests than that use the version."""
        while self.users >= limit:
            self._let_go.clear()
            await self._let_go.wait()


class Live(Generic[Version]):
    """Holds the version that answers. `load` makes one of a tag, or raises ModelError; `retire` ends one.

    A version is retired when no request uses it any more.
    """

    def __init__(
        self,
        tag: str,
        version: Version,
        load: Callable[[str], Awaitable[Version]],
        retire: Callable[[Version], None],
    ) -> None:
        self._held, self._load, self._retire = Held(tag, version), load, retire

    @property
    def current(self) -> Version:
        """What answers new requests."""
        return self._held.version

    def use(self) -> AbstractContextManager[Version]:
        """The current version, kept until the end of the context."""
        return self._held.use()

    async def fewer_users_than(self, limit: float) -> None:
        """Return at a moment when fewer requests than that use the current version."""
        while (held := self._held).users >= limit:
            await held.fewer_users_than(limit)

    async def follow(self, name: str) -> None:
        """Swap whenever the production pointer of `<task>-<variant>` has moved; without end."""
        handled: Promotion | str | None = None
        while True:
            wanted = pointer(name)
            if wanted != handled and await self._handle(name, wanted):
                handled = wanted
            await asyncio.sleep(POLL)

    async def swap(self, tag: str) -> bool:
        """Have another version answer; one that is not sound is refused, and the log says why.

        False when it could not be loaded for another reason, so that it is worth another try.
        """
        try:
            version = await self._load(tag)
        except ModelError as error:
            log.critical("%s goes on, %s is refused: %s", self._held.tag, tag, error)
            PROMOTIONS.labels("refused").inc()
            return True
        except Exception:
            log.exception("%s goes on, %s could not be loaded", self._held.tag, tag)
            return False
        log.info("%s answers in the place of %s", tag, self._held.tag)
        end_later(self._held, self._retire)
        self._held = Held(tag, version)
        PROMOTIONS.labels("followed").inc()
        return True

    async def _handle(self, name: str, wanted: Promotion | str | None) -> bool:
        if isinstance(wanted, str):
            log.error("%s goes on: %s", self._held.tag, wanted)
        elif wanted and (tag := f"{name}:{wanted['version']}") != self._held.tag:
            return await self.swap(tag)
        return True


def end_later(held: Held[Version], end: Callable[[Version], None]) -> None:
    """End the version, by a thread, when no request uses it any more."""
    task = asyncio.create_task(wait_and_end(held, end))
    ENDING.add(task)
    task.add_done_callback(ENDING.discard)
    task.add_done_callback(lambda _: task.get_loop().run_in_executor(None, give_memory_back))


async def wait_and_end(held: Held[Version], end: Callable[[Version], None]) -> None:
    await held.fewer_users_than(1)
    await asyncio.to_thread(end, held.version)


def give_memory_back() -> None:
    """What a retired version held, to the system.

    A runner and its batcher hold each other, and glibc keeps what was freed in pieces of several arenas:
    200 MB after ten swaps of a 65 MB model, none after this.
    """
    gc.collect()
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)(0)


def pointer(name: str) -> Promotion | str | None:
    """The promotion that stands, or why the pointer cannot be read."""
    try:
        return in_production(name)
    except ModelError as error:
        return str(error)


async def in_background(work: Callable[[], Value]) -> Value:
    """The value of `work`, done by a thread that gives way to all others."""
    done: Future[Value] = Future()

    def run() -> None:
        give_way(LOWEST)
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(done)
