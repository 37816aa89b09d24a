"""Inputs to model arrays without keeping other requests waiting: texts in parts, pictures in threads."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bentos.incoming import RequestError
from bentos.model_input import AnyEncoded, Input, Preprocess
from bentos.pictures import PictureError
from bentos.runner import available_cores
from bentos.schema import check_encoded

SLICE_CHARS = 2_000  # of a long list handled at once, about a millisecond; then other requests have a turn
WAITING = 64  # requests at most whose pictures are with the threads; each holds the bytes of its body


class Encoder:
    """Calls the preprocessing; for inputs that take long as many at once as there are cores."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        self._threads = ThreadPoolExecutor(available_cores()) if preprocess.in_threads else None
        self._waiting = 0

    async def __call__(self, inputs: Sequence[Input]) -> list[AnyEncoded]:
        """The arrays of each input.

        Raises RequestError 400 for one that the model cannot read, 429 when too many requests wait for
        threads.
        """
        encoded = list[AnyEncoded]()
        for part in slices(inputs):
            if self._threads:
                encoded += await self._in_thread(inputs[part], part)
            else:
                encoded += self._preprocess(inputs[part])
            await pause(len(inputs) > 1)
        check_encoded(encoded)
        return encoded

    async def _in_thread(self, inputs: Sequence[Input], part: slice) -> Sequence[AnyEncoded]:
        if self._waiting >= WAITING:
            message = f"Busy: {self._waiting} requests wait for their pictures to be decoded."
            raise RequestError(429, message, {"Retry-After": "1"})
        self._waiting += 1
        try:
            work = partial(self._preprocess, inputs)
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except PictureError as error:
            raise RequestError(400, f"inputs[{part.start}] {error}") from None
        finally:
            self._waiting -= 1


def slices(texts: Sequence[Input]) -> Iterator[slice]:
    """Parts of about SLICE_CHARS characters, at least one text in each; each picture alone."""
    start = size = 0
    for i, text in enumerate(texts):
        size += _characters(text)
        if size >= SLICE_CHARS or i == len(texts) - 1:
            yield slice(start, i + 1)
            start, size = i + 1, 0


async def pause(needed: bool) -> None:
    """Let other requests have a turn."""
    if needed:
        await asyncio.sleep(0)


def _characters(given: Input) -> int:
    if isinstance(given, bytes):
        return SLICE_CHARS
    return len(given) if isinstance(given, str) else sum(map(len, given))
