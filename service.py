"""The service: `bentoml serve service:svc --arg task=sample-reviews --arg variant=onnx-int8`. It only wires."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.responses import JSONResponse

from bentos import metrics
from bentos.http import DropAbandoned, HttpRules, RequestError
from bentos.postprocess import Floats, probabilities, ranked
from bentos.preprocess import PREPROCESS, Encoded, TextInput
from bentos.request_log import RequestLog, hash_key, make_row
from bentos.runner import Logits, Runner, available_cores, logits_of, pack
from bentos.schema import FIELDS, Inputs, Options, Parameters, Scores
from bentos.schema import check_encoded, feedback_row, read_inputs, read_parameters
from bentos.serve_args import serve_args, served_entry

ARGS = serve_args()
ENTRY = served_entry(ARGS, Path(__file__))
TASK = ENTRY.task  # as it was trained, whatever its file says today
TRAFFIC: Any = {"timeout": TASK.serving.timeout + 10}  # BentoML's own limit, behind ours
LONG = 20_000  # characters in one request from which on it is handled beside the event loop
LOGS = "TOUCHSTONE_LOGS"

Value = TypeVar("Value")


class GpuRunner:
    """The runner as a service of its own: one process on the GPU that batches for every API process."""

    model = bentoml.models.BentoModel(ENTRY.tag)

    def __init__(self) -> None:
        self._runner = Runner(ENTRY, ARGS.lanes or 1)

    @bentoml.api
    async def classify(self, packed: Any) -> Any:
        return await self._runner.classify(packed)

    def __is_ready__(self) -> bool:
        return not self._runner.fault

    @bentoml.on_shutdown
    def close(self) -> None:
        self._runner.close()


def gpu_runner() -> Any:
    """The dependency on GpuRunner, without BentoML's habit to drop its connections every 100 calls."""
    connection: Any = {"max_requests": 10**9, "max_age": 1e9}
    service = bentoml.service(
        name=f"{TASK.name}-runner", resources={"gpu": 1}, traffic=TRAFFIC, runner_connection=connection
    )(GpuRunner)
    service.add_asgi_middleware(DropAbandoned)
    return bentoml.depends(service)


class Classifier:
    """Scores texts by the task's labels, and logs what it answered."""

    model = bentoml.models.BentoModel(ENTRY.tag)
    runner: Any = gpu_runner() if ENTRY.variant == "torch" else None

    def __init__(self) -> None:
        if ENTRY.variant != "torch":  # in this process: on a CPU a hop costs more than it gives
            self.runner = Runner(ENTRY, ARGS.lanes or available_cores())
        self._preprocess = PREPROCESS[TASK.pipeline_tag](ENTRY.path, TASK)
        folder = log_folder()
        self._key = hash_key(folder)
        self._log, self._feedback = RequestLog(folder), RequestLog(folder, "feedback")
        self._mirrors = [metrics.mirror_log(self._log), metrics.mirror_log(self._feedback)]
        metrics.MODEL.labels(TASK.name, ENTRY.variant, ENTRY.tag).set(1)

    @bentoml.api
    async def predict(
        self, ctx: bentoml.Context, inputs: Inputs = None, parameters: Parameters = None
    ) -> Scores:
        """Labels with scores, best first; for a list of inputs a list of such answers."""
        try:
            texts, options = read_inputs(inputs, TASK), read_parameters(parameters)
            answers = await self._answer(ctx, texts, options)
        except RequestError as error:
            return reply(ctx, error.status, {"error": str(error)}, error.headers)
        if isinstance(inputs, list):
            return reply(ctx, 200, answers)
        # huggingface_hub's text_classification takes the first element of the answer: it expects a list of one
        stock_client = "hf_hub/" in ctx.request.headers.get("user-agent", "")
        return reply(ctx, 200, answers if stock_client else answers[0])

    @bentoml.api
    async def feedback(
        self, ctx: bentoml.Context, request_id: Any = None, index: Any = 0, label: Any = None, source: Any = "user"
    ) -> Any:
        """Take the true label of the input `index` of an answered request; a later one replaces it."""
        try:
            row = feedback_row(request_id, index, label, source, TASK)
        except RequestError as error:
            return reply(ctx, error.status, {"error": str(error)})
        self._feedback.write(row)
        metrics.FEEDBACK.labels(source).inc()
        return reply(ctx, 202, {"status": "accepted"})

    async def _answer(
        self, ctx: bentoml.Context, texts: Sequence[TextInput], options: Options
    ) -> list[list[dict[str, Any]]]:
        started = time.perf_counter()
        is_long = sum(map(len, texts)) > LONG
        encoded = await run(is_long, lambda: self._preprocess(texts))
        check_encoded(encoded)
        logits = await self._logits(encoded)
        scores = probabilities(logits, TASK.problem_type, ENTRY.temperature)
        milliseconds = 1000 * (time.perf_counter() - started)
        request_id = ctx.request.headers["x-request-id"]
        await run(is_long, lambda: self._record(request_id, milliseconds, texts, encoded, scores))
        ctx.response.headers["X-Model-Tag"] = ENTRY.tag
        if truncated := sum(item.truncated for item in encoded):
            ctx.response.headers["X-Truncated"] = str(truncated)
        shown = options.scores(logits, scores)
        return [ranked(row, TASK.labels, options.top_k) for row in shown]

    async def _logits(self, encoded: Sequence[Encoded]) -> Logits:
        """What the runner says; raises RequestError when it refuses or takes too long."""
        try:
            async with asyncio.timeout(TASK.serving.timeout):
                return logits_of(await self.runner.classify(pack(encoded)))
        except TimeoutError:
            message = f"There was no answer within {TASK.serving.timeout:g} s; send less, or try again later."
            raise RequestError(504, message) from None

    def _record(
        self,
        request_id: str,
        milliseconds: float,
        texts: Sequence[TextInput],
        encoded: Sequence[Encoded],
        scores: Floats,
    ) -> None:
        """A log row for each input."""
        now = datetime.now(UTC)
        for i, text in enumerate(texts):
            row = make_row(
                ts=now,
                request_id=request_id,
                index=i,
                model_tag=ENTRY.tag,
                labels=TASK.labels,
                probs=scores[i],
                latency_ms=milliseconds,
                text=text,
                encoded=encoded[i],
                log_inputs=TASK.monitoring.log_inputs,
                key=self._key,
            )
            self._log.write(row)
            metrics.ANSWERS.labels(row["label"]).inc()
            metrics.TRUNCATED.inc(encoded[i].truncated)

    def __is_ready__(self) -> bool:
        return not getattr(self.runner, "fault", "")  # a runner elsewhere is asked by BentoML

    @bentoml.on_deployment
    def settle_logs() -> None:
        """Once, in the caller's folder: the processes of a Bento run in the Bento's own."""
        os.environ[LOGS] = str(Path(ARGS.logs or os.environ.get(LOGS) or "logs").resolve())
        try:
            log_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BentoMLException(f"The log folder {log_folder()} cannot be made: {error.strerror}") from error

    @bentoml.on_shutdown
    def close(self) -> None:
        if ENTRY.variant != "torch":
            self.runner.close()
        for closing in (self._log, self._feedback, *self._mirrors):
            closing.close()


def log_folder() -> Path:
    return Path(os.environ.get(LOGS) or ARGS.logs or "logs") / TASK.name


def reply(
    ctx: bentoml.Context, status: int, value: Any, headers: dict[str, str] | None = None
) -> JSONResponse:
    """A finished answer: BentoML would check it against the schema and serialize it twice."""
    ctx.response.status_code = status
    ctx.response.headers.update(headers or {})
    return JSONResponse(value, status)


async def run(beside: bool, function: Callable[[], Value]) -> Value:
    """Call the function, if it is long in a thread beside the event loop."""
    return await asyncio.to_thread(function) if beside else function()


svc = bentoml.service(name=TASK.name, traffic=TRAFFIC)(Classifier)
svc.add_asgi_middleware(HttpRules, fields=FIELDS, max_body_bytes=TASK.serving.max_body_bytes)
svc.add_asgi_middleware(DropAbandoned)
