"""The runner as a process of its own: what it does for several API processes, and what these see of it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError

from bentos.live import Held, in_background, settled
from bentos.model_store import ModelError
from bentos.preprocess import Arrays
from bentos.runner import Loaded, Runner

KEPT = 2  # versions: while the API processes go over from one to the next, both are asked for
READY_SECONDS = 1

log = logging.getLogger("bentoml.touchstone")


class SharedRunner:
    """Computes by the version that each call names; `load` reads one, in a thread, and raises ModelError."""

    def __init__(self, tag: str, first: Loaded, load: Callable[[str], Loaded], lanes: int) -> None:
        self._load, self._lanes, self._loading = load, lanes, asyncio.Lock()
        self._held = {tag: Held(tag, Runner(first, lanes))}

    @property
    def fault(self) -> str:
        """Why no version may answer."""
        return "" if any(not h.version.fault for h in self._held.values()) else "no sound model"

    async def prepare(self, tag: str) -> str:
        """Have a version ready; gives the reason where that cannot be."""
        try:
            await self._runner(tag)
        except ModelError as error:
            return str(error)
        return ""

    async def classify(self, packed: dict[str, Any]) -> dict[str, Any]:
        """`Runner.classify` of the version `tag`, which is loaded if need be."""
        try:
            held = await self._runner(packed.pop("tag"))
        except ModelError as error:
            return {"status": 503, "error": str(error)}
        held.users += 1
        try:
            return await held.version.classify(packed)
        finally:
            held.users -= 1

    def close(self) -> None:
        """Finish what waits and take no more."""
        for held in self._held.values():
            held.version.close()

    async def _runner(self, tag: str) -> Held[Runner]:
        if tag not in self._held:
            async with self._loading:
                if tag not in self._held:
                    await self._add(tag)
        return self._held[tag]

    async def _add(self, tag: str) -> None:
        """Load a version beside the others, and let go of the oldest."""
        loaded = await in_background(lambda: self._load(tag))
        if loaded.fault:
            raise ModelError(loaded.fault)
        self._held[tag] = Held(tag, Runner(loaded, self._lanes))
        if len(self._held) > KEPT:
            oldest = self._held.pop(next(iter(self._held)))
            await settled(oldest)
            await asyncio.to_thread(oldest.version.close)


class RemoteRunner:
    """One version of a SharedRunner, as an API process sees it: what `Runner` offers there."""

    fault = ""  # the other process knows its own

    def __init__(self, process: Any, tag: str) -> None:
        self._process, self._tag = process, tag

    async def classify(self, packed: Arrays) -> dict[str, Any]:
        """A lost connection is a refusal like others: the request may be sent again."""
        try:
            answer: dict[str, Any] = await self._process().classify({"tag": self._tag, **packed})
        except ClientError as error:
            log.error("The runner process was lost: %r", error)
            message = "The process that computes was lost; it is being started again."
            return {"status": 503, "error": message, "retry_after": 1}
        return answer

    async def is_ready(self) -> bool:
        """Whether the other process says so in time."""
        try:
            return bool(await self._process().is_ready(timeout=READY_SECONDS))
        except (ClientError, TimeoutError):
            return False

    def check_room(self) -> None:
        """Known in the other process only."""

    def close(self) -> None:
        """The other process lets go of a version by itself."""
