"""A share of the answers, once sent, computed by another version too: where do the two differ?"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bentos import metrics
from bentos.log_files import utc_text
from bentos.log_reader import Row
from bentos.log_writer import RequestLog
from bentos.postprocess import Floats, probabilities
from bentos.preprocess import Input
from bentos.runner import Loaded

WAITING = 16  # requests for the shadow; beyond them nothing is drawn, so that it never falls behind
AT_ONCE = 8  # inputs that it is asked for in one go
TIMEOUT = 60.0

log = logging.getLogger("bentoml.touchstone")

Ask = Callable[[list[Input]], Awaitable[Any]]
Calm = Callable[[], Awaitable[None]]


class Shadow:
    """Draws a share of the answered requests for the version `tag` and compares its answers with them.

    Each comparison is a row of the log and counted in /metrics. `ask` gives the version's scores [n, labels]
    of n inputs, from another process. It is asked for one request at a time, when `calm` returns: even what
    computes only on an idle core slows down the cores beside it, which share its caches and its memory.
    """

    def __init__(
        self, ask: Ask, calm: Calm, tag: str, labels: Sequence[str], share: float, log: RequestLog
    ) -> None:
        self._ask, self._calm, self._turn = ask, calm, asyncio.Lock()
        self._tag, self._labels, self._share, self._log = tag, labels, share, log
        self._mirror = metrics.mirror_log(self._log, "shadow")
        self._asked: set[asyncio.Task[None]] = set()

    def offer(self, request_id: str, tag: str, texts: Sequence[Input], scores: Floats) -> None:
        """An answer that `tag` has given; `scores` [n, labels]."""
        if random.random() >= self._share:
            return
        if len(self._asked) >= WAITING:
            metrics.SHADOW_LOST.labels("busy").inc(len(texts))
            return
        task = asyncio.create_task(self._compare(request_id, tag, list(texts), scores))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    def close(self) -> None:
        """Write what waits."""
        self._log.close()
        self._mirror.close()

    async def _compare(self, request_id: str, tag: str, texts: list[Input], scores: Floats) -> None:
        try:
            async with self._turn:
                theirs = await self._scores(texts)
        except Exception as error:  # whatever it is, the answers were given without the shadow
            log.warning("The shadow did not answer: %r", error)
            metrics.SHADOW_LOST.labels("failed").inc(len(texts))
            return
        for index, (ours, other) in enumerate(zip(scores, theirs, strict=True)):
            row = self._row(ours, other)
            observe(row)
            self._log.write(
                {
                    "ts": utc_text(datetime.now(UTC)),
                    "request_id": request_id,
                    "index": index,
                    "model_tag": tag,
                    "shadow_tag": self._tag,
                    **row,
                }
            )

    async def _scores(self, texts: list[Input]) -> Floats:
        """Scores [n, labels] of the n inputs."""
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            await self._calm()
            async with asyncio.timeout(TIMEOUT):
                parts.append(np.asarray(await self._ask(texts[start : start + AT_ONCE])))
        return np.concatenate(parts)

    def _row(self, ours: Floats, theirs: Floats) -> Row:
        """Both answers, and both scores of the label that was served."""
        best, other = int(ours.argmax()), int(theirs.argmax())
        return {
            "label": self._labels[best],
            "shadow_label": self._labels[other],
            "agrees": best == other,
            "score": round(float(ours[best]), 6),
            "shadow_score": round(float(theirs[best]), 6),
        }


def observe(row: Row) -> None:
    """Bring one comparison into /metrics."""
    metrics.SHADOWED.labels(row["label"], row["shadow_label"]).inc()
    difference = row["shadow_score"] - row["score"]
    metrics.SHADOW_DISTANCE.labels("higher" if difference > 0 else "lower").observe(abs(difference))


def shadow_scores(loaded: Loaded, texts: Sequence[Input]) -> Floats:
    """The version's scores [n, labels], one input at a time: it has all the time there is."""
    logits = [loaded.model.run(loaded.preprocess.pad(loaded.preprocess([text])))[0] for text in texts]
    task = loaded.entry.task
    return probabilities(np.stack(logits), task.problem_type, loaded.entry.temperature)
