"""A runner in another process, as an API process sees it; imported only where there is one."""

import logging
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError

from bentos.live import in_background
from bentos.model_store import Entry, ModelError, preprocess_of
from bentos.preprocess import Arrays
from bentos.versions import Opened

READY_SECONDS = 1

log = logging.getLogger("bentoml.touchstone")


class RemoteRunner:
    """One version of a SharedRunner, as an API process sees it: what `Runner` offers there."""

    fault = ""  # the other process knows its own

    def __init__(self, process: Callable[[], Any], tag: str) -> None:
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


class Elsewhere:
    """The same by a runner process; `process` gives BentoML's proxy of it, which is complete only later."""

    def __init__(self, process: Callable[[], Any]) -> None:
        self._process = process

    def first(self, entry: Entry) -> Opened:
        """The version of the start, which the runner process loads by itself."""
        return Opened(preprocess_of(entry), RemoteRunner(self._process, entry.tag))

    async def another(self, entry: Entry) -> Opened:
        """A version that the runner process has ready; raises ModelError where it cannot."""
        if fault := (await self._process().prepare(entry.tag))["fault"]:
            raise ModelError(fault)
        preprocess = await in_background(lambda: preprocess_of(entry))
        return Opened(preprocess, RemoteRunner(self._process, entry.tag))
