"""The service: `bentoml serve service:svc --arg task=sample-reviews --arg variant=torch`. It only wires."""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.responses import JSONResponse

from bentos import metrics, schema
from bentos.answer_log import AnswerLog
from bentos.http import DropAbandoned, HttpRules, RequestError
from bentos.postprocess import probabilities, ranked
from bentos.preprocess import PREPROCESS, Encoded, TextInput
from bentos.runner import Logits, Runner, available_cores, logits_of, pack
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
    """The dependency on GpuRunner; BentoML's client would drop its connections every 100 calls."""
    connection: Any = {"max_requests": 10**9, "max_age": 1e9}
    service = bentoml.service(
        name=f"{TASK.name}-runner", resources={"gpu": 1}, traffic=TRAFFIC, runner_connection=connection
    )(GpuRunner)
    service.add_asgi_middleware(DropAbandoned)
    return bentoml.depends(service)


class Classifier:
    """Scores texts by the task's labels and logs what it answered."""

    model = bentoml.models.BentoModel(ENTRY.tag)
    runner: Any = gpu_runner() if ENTRY.variant == "torch" else None

    def __init__(self) -> None:
        if ENTRY.variant != "torch":  # in this process: on a CPU a hop costs more than it gives
            self.runner = Runner(ENTRY, ARGS.lanes or available_cores())
        self._preprocess = PREPROCESS[TASK.pipeline_tag](ENTRY.path, TASK)
        self._log = AnswerLog(log_folder(), ENTRY)
        metrics.MODEL.labels(TASK.name, ENTRY.variant, ENTRY.tag).set(1)
        gc.freeze()  # what is loaded stays; collecting it again and again took an eighth of the CPU time

    @bentoml.api
    async def predict(
        self, ctx: bentoml.Context, inputs: schema.Inputs = None, parameters: schema.Parameters = None
    ) -> schema.Scores:
        """Labels with scores, best first; for a list of inputs a list of such answers."""
        try:
            texts, options = schema.read_inputs(inputs, TASK), schema.read_parameters(parameters)
            answers = await self._answers(ctx, texts, options)
        except RequestError as error:
            return reply(ctx, error.status, {"error": str(error)}, error.headers)
        # huggingface_hub's text_classification takes the first element of what it gets, even for one text
        is_list = isinstance(inputs, list) or "hf_hub/" in ctx.request.headers.get("user-agent", "")
        return reply(ctx, 200, answers if is_list else answers[0])

    @bentoml.api
    async def feedback(
        self,
        ctx: bentoml.Context,
        request_id: schema.RequestId = None,
        index: schema.Index = 0,
        label: schema.Label = None,
        source: schema.Source = "user",
    ) -> Any:
        """Take the true label of the input `index` of an answered request; the last one counts."""
        try:
            self._log.feedback(schema.feedback_row(request_id, index, label, source, TASK))
        except RequestError as error:
            return reply(ctx, error.status, {"error": str(error)})
        return reply(ctx, 202, {"status": "accepted"})

    async def _answers(
        self, ctx: bentoml.Context, texts: Sequence[TextInput], options: schema.Options
    ) -> list[list[dict[str, Any]]]:
        """The answer to each text; raises RequestError."""
        started, request_id = time.perf_counter(), ctx.request.headers["x-request-id"]
        is_long = sum(map(len, texts)) > LONG
        encoded = await run(is_long, lambda: self._preprocess(texts))
        schema.check_encoded(encoded)
        logits = await self._logits(encoded)
        scores = probabilities(logits, TASK.problem_type, ENTRY.temperature)
        milliseconds = 1000 * (time.perf_counter() - started)
        await run(is_long, lambda: self._log.record(request_id, milliseconds, texts, encoded, scores))
        ctx.response.headers["X-Model-Tag"] = ENTRY.tag
        if truncated := sum(item.truncated for item in encoded):
            ctx.response.headers["X-Truncated"] = str(truncated)
        return [ranked(row, TASK.labels, options.top_k) for row in options.scores(logits, scores)]

    async def _logits(self, encoded: Sequence[Encoded]) -> Logits:
        """What the runner says; raises RequestError when it refuses or takes too long."""
        try:
            async with asyncio.timeout(TASK.serving.timeout):
                return logits_of(await self.runner.classify(pack(encoded)))
        except TimeoutError:
            message = f"There was no answer within {TASK.serving.timeout:g} s; send less, or try again later."
            raise RequestError(504, message) from None

    def __is_ready__(self) -> bool:
        return ENTRY.variant == "torch" or not self.runner.fault  # BentoML asks a runner elsewhere itself

    @bentoml.on_deployment
    @staticmethod
    def settle_logs() -> None:
        """Once, while in the caller's folder: the processes of a Bento run in the Bento's own."""
        os.environ[LOGS] = str(Path(ARGS.logs or os.environ.get(LOGS) or "logs").resolve())
        try:
            log_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BentoMLException(f"No log folder {log_folder()}: {error.strerror}") from error

    @bentoml.on_shutdown
    def close(self) -> None:
        if ENTRY.variant != "torch":
            self.runner.close()
        self._log.close()


def log_folder() -> Path:
    return Path(os.environ.get(LOGS) or ARGS.logs or "logs") / TASK.name


def reply(
    ctx: bentoml.Context, status: int, value: Any, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A finished answer; BentoML would check it against the schema and serialize it twice."""
    ctx.response.status_code = status
    ctx.response.headers.update(headers or {})
    return JSONResponse(value, status)


async def run(beside: bool, function: Callable[[], Value]) -> Value:
    """Call the function here, or in a thread beside the event loop."""
    return await asyncio.to_thread(function) if beside else function()


svc = bentoml.service(name=TASK.name, traffic=TRAFFIC)(Classifier)
svc.add_asgi_middleware(HttpRules, fields=schema.FIELDS, max_body_bytes=TASK.serving.max_body_bytes)
svc.add_asgi_middleware(DropAbandoned)
