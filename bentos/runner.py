"""The runner owns the model and the batcher: in the API process, or a process of its own on the GPU."""

import asyncio
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bentos.batching import Batcher, BatcherClosed, QueueFull, TooLarge
from bentos.http import INTERNAL, RequestError
from bentos.metrics import mirror_batcher
from bentos.model_store import Entry, ModelError, load_model, self_check
from bentos.preprocess import PREPROCESS, Arrays, ModelInput

CPU_BATCH_TOKENS = 256  # from here on a core is at its best: 3,620 tokens/s, in calls of 16 tokens 2,260
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000": 2 cores; "max 100000": no limit

Logits = NDArray[np.float32]

log = logging.getLogger("bentoml.touchstone")


class Runner:
    """Computes packed inputs; without a sound model it answers every call with the reason.

    Calls and answers are plain dicts of arrays, so that they are the same from another process.
    """

    def __init__(self, entry: Entry, lanes: int) -> None:
        self.fault = ""  # why the model must not answer
        self._preprocess = PREPROCESS[entry.task.pipeline_tag](entry.path, entry.task)
        self._model = load_model(entry.variant, entry.path, entry.task)
        try:
            self_check(entry, self._model)
        except ModelError as error:
            self.fault = str(error)
            log.critical("Not ready: %s", error)
        limit = entry.task.serving.max_batch_tokens
        self._batcher = Batcher[ModelInput, Logits](
            self._compute,
            n_tokens=lambda item: item.n_tokens,
            lanes=lanes,
            max_batch_tokens=limit if entry.variant == "torch" else min(limit, CPU_BATCH_TOKENS),
            max_queue_tokens=entry.task.serving.max_queue_tokens,
        )
        self._mirror = mirror_batcher(self._batcher)

    async def classify(self, packed: Arrays) -> dict[str, Any]:
        """{"logits": [n, labels]}, or a refusal for `logits_of`; a cancelled call leaves the queue."""
        if self.fault:
            return {"status": 503, "error": self.fault}
        try:
            futures = self._batcher.submit(unpack(packed))
            rows = await asyncio.gather(*map(asyncio.wrap_future, futures))
        except QueueFull as error:
            return {"status": 429, "error": f"Busy: {error}.", "retry_after": error.retry_after}
        except TooLarge as error:
            return {"status": 413, "error": f"{error}."}
        except BatcherClosed:
            return {"status": 503, "error": "The service is shutting down."}
        except Exception:
            log.exception("The model failed")
            return {"status": 500, "error": INTERNAL}
        return {"logits": np.stack(rows)}

    def close(self) -> None:
        """Finish what waits and take no more."""
        self._batcher.close()
        self._mirror.close()

    def _compute(self, items: list[ModelInput]) -> list[Logits]:
        return list(self._model.run(self._preprocess.pad(items)))


def logits_of(answer: dict[str, Any]) -> Logits:
    """The logits [n, labels] of a runner's answer; raises the RequestError that it tells."""
    if "error" in answer:
        seconds = max(1, math.ceil(answer.get("retry_after", 0)))
        headers = {"Retry-After": str(seconds)} if answer["status"] == 429 else {}
        raise RequestError(answer["status"], answer["error"], headers)
    return np.asarray(answer["logits"], np.float32)


def pack(items: Sequence[ModelInput]) -> Arrays:
    """One array for each name, item after item, and their `lengths`: few and large, as a pipe likes them."""
    arrays = {name: np.concatenate([item.arrays[name] for item in items]) for name in items[0].arrays}
    return {**arrays, "lengths": np.asarray([item.n_tokens for item in items], np.int64)}


def unpack(packed: Arrays) -> list[ModelInput]:
    """The items that `pack` was given."""
    lengths = packed["lengths"]
    ends = np.cumsum(lengths)[:-1]
    parts = {name: np.split(array, ends) for name, array in packed.items() if name != "lengths"}
    return [ModelInput({name: parts[name][i] for name in parts}, int(n)) for i, n in enumerate(lengths)]


def available_cores() -> int:
    """Cores that this process may use: by affinity, and by the container's quota where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = (CPU_QUOTA.read_text() if CPU_QUOTA.is_file() else "max").partition(" ")
    return cores if quota.strip() == "max" else max(1, min(cores, math.ceil(int(quota) / int(period))))
