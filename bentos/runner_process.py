"""A runner for several API processes: it holds the versions that they ask for."""

import asyncio
from collections.abc import Callable
from typing import Any

from bentos.live import Held, end_later, in_background
from bentos.model_store import ModelError
from bentos.runner import Loaded, Runner

KEPT = 2  # versions: while the API processes go over from one to the next, both are asked for


class SharedRunner:
    """Computes by the version that each call names; `load` reads one, in a thread, or raises ModelError."""

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
        with held.use() as runner:
            return await runner.classify(packed)

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
        self._held[tag] = Held(tag, Runner(loaded, self._lanes))
        if len(self._held) > KEPT:
            end_later(self._held.pop(next(iter(self._held))), Runner.close)
