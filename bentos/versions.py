"""How a version comes to answer in an API process."""

from typing import Any, NamedTuple, Protocol

from bentos.live import in_background
from bentos.model_store import Entry
from bentos.preprocess import Arrays, Preprocess
from bentos.runner import Loaded, Runner, load, load_sound


class AnyRunner(Protocol):
    """What a runner offers, wherever it computes."""

    fault: str

    async def classify(self, packed: Arrays) -> dict[str, Any]: ...
    async def is_ready(self) -> bool: ...
    def check_room(self) -> None: ...
    def close(self) -> None: ...


class Opened(NamedTuple):
    """What an entry needs to answer."""

    preprocess: Preprocess
    runner: AnyRunner


class Here:
    """Runners in this process: on a CPU a hop costs more than it gives."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes

    def first(self, entry: Entry) -> Opened:
        """The version of the start; an unsound one answers with the reason why it does not."""
        return self._opened(load(entry))

    async def another(self, entry: Entry) -> Opened:
        """A version beside the present one; raises ModelError for an unsound one."""
        return self._opened(await in_background(lambda: load_sound(entry)))

    def _opened(self, loaded: Loaded) -> Opened:
        return Opened(loaded.preprocess, Runner(loaded, self._lanes))
