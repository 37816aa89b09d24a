"""/predict: from the call to the reply, by way of the preprocessing, the runner and the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from bentos import metrics, schema
from bentos.answer_log import AnswerLog
from bentos.encoder import Encoder, pause, slices
from bentos.http import Call, Reply
from bentos.incoming import RequestError, header
from bentos.model_store import Entry
from bentos.postprocess import Floats, probabilities, ranked
from bentos.preprocess import AnyEncoded, Arrays, Encoded, Input, Preprocess
from bentos.runner import logits_of, pack
from bentos.shadow import Shadow
from bentos.tracing import Stage

Classify = Callable[[Arrays], Awaitable[dict[str, Any]]]


class Seconds(NamedTuple):
    """What a request took."""

    tokenize: float
    total: float


class Scorer:
    """Answers calls by the labels of the entry's task and logs what it answered.

    `classify` is a runner's, here or in another process.
    """

    def __init__(
        self,
        entry: Entry,
        preprocess: Preprocess,
        classify: Classify,
        log: AnswerLog,
        shadow: Shadow | None = None,
    ) -> None:
        self._entry, self._task = entry, entry.task
        self._encode, self._classify = Encoder(preprocess), classify
        self._log, self._shadow = log, shadow

    async def predict(self, call: Call) -> Reply:
        """Labels with scores, best first; for a list of inputs a list of such answers."""
        started = time.monotonic()
        inputs = call.body.get("inputs")
        texts = schema.read_inputs(inputs, self._task)
        options = schema.read_parameters(call.body.get("parameters"))
        async with in_time(self._task.serving.timeout):
            encoded = await self._encode(texts)
            tokenized = time.monotonic()
            answer = await self._classify(pack(encoded))
        logits = logits_of(answer)
        scores = probabilities(logits, self._task.problem_type, self._entry.temperature)
        interval = None if options.function_to_apply else self._entry.interval
        answers = [
            ranked(row, self._task.labels, options.top_k, interval) for row in options.scores(logits, scores)
        ]
        is_list = isinstance(inputs, list) or (not self._task.reads_pictures and is_from_hub(call))
        seconds = Seconds(tokenized - started, time.monotonic() - started)
        return Reply(
            answers if is_list else answers[0],
            headers=self._headers(encoded),
            stages=stages(started, tokenized, answer["times"]),
            facts=self._facts(call, encoded),
            after=partial(self._note, call.request_id, seconds, texts, encoded, scores, options.tags),
        )

    async def _note(
        self,
        request_id: str,
        seconds: Seconds,
        texts: Sequence[Input],
        encoded: Sequence[AnyEncoded],
        scores: Floats,
        tags: Mapping[str, str],
    ) -> None:
        """Log an answer that has been sent."""
        metrics.TOKENIZE.observe(seconds.tokenize)
        metrics.TOTAL.observe(seconds.total)
        for part in slices(texts):
            self._log.record(
                self._entry,
                request_id,
                1000 * seconds.total,
                texts[part],
                encoded[part],
                scores[part],
                tags,
                part.start,
            )
            await pause(len(texts) > 1)
        if self._shadow:
            self._shadow.offer(request_id, self._entry.tag, texts, scores)

    def _facts(self, call: Call, encoded: Sequence[AnyEncoded]) -> dict[str, Any]:
        """What a span says of a request; nothing of the text."""
        return {
            "touchstone.request_id": call.request_id,
            "touchstone.items": len(encoded),
            "touchstone.tokens": sum(item.n_tokens for item in encoded),
            "touchstone.model_tag": self._entry.tag,
        }

    def _headers(self, encoded: Sequence[AnyEncoded]) -> dict[str, str]:
        truncated = sum(item.truncated for item in encoded)
        headers = {"X-Model-Tag": self._entry.tag}
        if truncated:
            headers["X-Truncated"] = str(truncated)
        if truncated and len(encoded) == 1 and isinstance(encoded[0], Encoded):
            headers["X-Truncated-At"] = ",".join(map(str, encoded[0].read_chars))
        return headers


def stages(started: float, tokenized: float, times: dict[str, float] | None) -> list[Stage]:
    """The stages of a request for its span; answers that were known already neither wait nor are computed."""
    done = [Stage("tokenize", started, tokenized)]
    if times:  # of an answer under way already, the part that fell into this request
        arrived, begun = max(tokenized, times["arrived"]), max(tokenized, times["started"])
        done += [Stage("wait", arrived, begun), Stage("compute", begun, times["finished"])]
    return done


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Raises RequestError 504 in what takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        message = f"There was no answer within {seconds:g} s; send less, or try again later."
        raise RequestError(504, message) from None


def is_from_hub(call: Call) -> bool:
    """Whether huggingface_hub asks: its text_classification takes the first element even for one text."""
    return b"hf_hub/" in header({"headers": call.headers}, b"user-agent")
