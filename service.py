"""The service: `bentoml serve service:svc --arg task=sample-reviews --arg variant=torch`. It only wires."""

import asyncio
import gc
import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads would take the lanes' cores
# The workers inherit it and hold the weights in huge pages where the system has them: 1 to 5 % more tokens/s.
os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")

from bentos.metrics_folder import own_metrics_folder

os.environ.update(own_metrics_folder())  # before anything makes a metric

import bentoml
from bentoml.exceptions import BentoMLException
from prometheus_client import CONTENT_TYPE_LATEST

from bentos import metrics, schema, shadow, supervisor
from bentos.answer_log import AnswerLog
from bentos.api_keys import ApiKeys
from bentos.drain import CloseConnections, Drain
from bentos.http import Call, DropAbandoned, HttpRules, Reply, Route, Routes
from bentos.incoming import RequestError
from bentos.keep_alive import hold_idle_connections
from bentos.live import Live, in_background
from bentos.model_store import Entry, check_interchangeable, load_entry
from bentos.openapi import openapi
from bentos.page import REPORTS, PageData, file_routes, no_page
from bentos.preprocess import Input
from bentos.priority import only_when_idle
from bentos.request_log import open_log
from bentos.runner import available_cores, load, load_sound
from bentos.runner_process import SharedRunner
from bentos.scoring import Scorer
from bentos.serve_args import (
    SHADOW_SUFFIX,
    packed_tag,
    serve_args,
    served_entry,
    shadow_entry,
    with_settings,
)
from bentos.shadow import Shadow, shadow_scores
from bentos.tracing import Tracing, is_on
from bentos.versions import AnyRunner, Here, Opened

HERE = Path(__file__)
ARGS = serve_args(HERE)
ENTRY = served_entry(ARGS, HERE)
SHADOW = shadow_entry(ARGS, ENTRY)
TASK = ENTRY.task
TRAFFIC: Any = {"timeout": TASK.serving.timeout + 10}  # BentoML's own limit, behind ours
CONNECTION: Any = {"max_requests": 10**9, "max_age": 1e9}  # its client would drop them every 100 calls
BODY_SECONDS = 20.0  # within which a request's body must have arrived
PATIENCE = TASK.serving.drain_seconds + TASK.serving.timeout + BODY_SECONDS + 10  # for a worker to end
LOGS = "TOUCHSTONE_LOGS"
# Off: what costs processor time in each request. Ours are HttpRules' metrics and bentos/tracing.py.
QUIET: Any = {
    "metrics": {"enabled": False},
    "logging": {"access": {"enabled": False}},
    "tracing": {"excluded_urls": [".*"]},
}
PAGE: Routes = file_routes() if ARGS.ui else {("GET", "/"): Route(no_page)}
KEYS = ApiKeys.from_environment(also_open={path for _, path in PAGE} if ARGS.ui else ())
DRAIN = Drain(TASK.serving.drain_seconds, is_last=supervisor.is_ending)


class GpuRunner:
    """The runner as a service of its own: a process for each GPU that batches for every API process."""

    model = bentoml.models.BentoModel(ENTRY.tag)

    def __init__(self) -> None:
        self._runner = SharedRunner(
            ENTRY.tag, load(ENTRY), lambda tag: load_sound(read(tag)), ARGS.lanes or 1
        )

    @bentoml.api
    async def classify(self, packed: Any) -> Any:
        return await self._runner.classify(packed)

    @bentoml.api
    async def prepare(self, tag: Any) -> Any:
        return {"fault": await self._runner.prepare(tag)}  # an empty text alone would not arrive

    def __is_ready__(self) -> bool:
        return not self._runner.fault

    @bentoml.on_startup
    async def outlive_the_api(self) -> None:
        hold_idle_connections()
        Drain(0, supervisor.Attendance().is_over, PATIENCE).install()

    @bentoml.on_shutdown
    def close(self) -> None:
        self._runner.close()


class ShadowRunner:
    """Another version in a process of its own, which computes only while a core is idle."""

    model = bentoml.models.BentoModel(SHADOW.tag) if SHADOW else None

    def __init__(self) -> None:
        assert SHADOW is not None
        only_when_idle()
        self._loaded, self._thread = load(SHADOW), ThreadPoolExecutor(1)

    @bentoml.on_startup
    async def hold_connections(self) -> None:
        hold_idle_connections()

    @bentoml.api
    async def scores(self, texts: Any) -> Any:
        if self._loaded.fault:
            raise BentoMLException(self._loaded.fault)
        work = partial(shadow_scores, self._loaded, texts)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def gpu_runner() -> Any:
    """The dependency on GpuRunner."""
    service = bentoml.service(
        name=f"{TASK.name}-runner",
        resources={"gpu": ARGS.gpus},
        workers=ARGS.gpus,
        traffic=TRAFFIC,
        runner_connection=CONNECTION,
        **QUIET,
    )(GpuRunner)
    service.add_asgi_middleware(DropAbandoned)
    return bentoml.depends(service)


def shadow_runner() -> Any:
    """The dependency on ShadowRunner."""
    name = f"{TASK.name}{SHADOW_SUFFIX}"
    traffic: Any = {"timeout": 2 * shadow.TIMEOUT}
    service = bentoml.service(name=name, traffic=traffic, runner_connection=CONNECTION, **QUIET)
    return bentoml.depends(service(ShadowRunner))


class Version(NamedTuple):
    """A version that answers."""

    entry: Entry
    runner: AnyRunner
    scorer: Scorer


class Classifier:
    """Scores texts by the task's labels and logs what it answered.

    HTTP requests to `predict` and `feedback` are answered by `routes` in HttpRules, before they come so far;
    the methods declare them to BentoML, its clients and callers in the same process.
    """

    model = bentoml.models.BentoModel(ENTRY.tag)
    runner: Any = gpu_runner() if ENTRY.variant == "torch" else None
    shadow_runner: Any = shadow_runner() if SHADOW else None

    def __init__(self) -> None:
        self._log = AnswerLog(log_folder(), TASK.monitoring)
        self._shadow = self._make_shadow(SHADOW) if SHADOW else None
        self._runners = self._elsewhere() if ENTRY.variant == "torch" else Here(lanes())
        first = self._version(ENTRY, self._runners.first(ENTRY))
        self._live = Live(ENTRY.tag, first, self._load, self._retire)
        self.routes = {
            ("POST", "/predict"): Route(
                self._predict, schema.FIELDS["/predict"], self._check_room, TASK.reads_pictures
            ),
            ("POST", "/feedback"): Route(self._feedback, schema.FIELDS["/feedback"]),
            ("GET", "/readyz"): Route(self._show_ready),
            ("GET", "/metrics"): Route(show_metrics),
            ("GET", "/docs.json"): Route(show_docs),
            **PAGE,
        }
        if ARGS.ui:
            self.routes |= PageData(TASK, lambda: self._live.current.entry.tag, bool(KEYS)).routes()
        self.tracing = Tracing.from_environment(
            TASK.name, {"touchstone.variant": ENTRY.variant, "touchstone.model_tag": ENTRY.tag}
        )
        gc.freeze()  # what is loaded stays; collecting it again and again took an eighth of the CPU time

    @bentoml.api
    async def predict(
        self, inputs: schema.Inputs = None, parameters: schema.Parameters = None
    ) -> schema.Scores:
        """Labels with scores, best first; for a list of inputs a list of such answers."""
        reply = await self._predict(Call.inside(inputs=inputs, parameters=parameters))
        if reply.after:
            await reply.after()
        return reply.value

    @bentoml.api
    async def feedback(
        self,
        request_id: schema.RequestId = None,
        index: schema.Index = 0,
        label: schema.Label = None,
        source: schema.Source = "user",
    ) -> Any:
        """Take the true label of the input `index` of an answered request; the last one counts."""
        body = {"request_id": request_id, "index": index, "label": label, "source": source}
        return (await self._feedback(Call.inside(**body))).value

    async def _predict(self, call: Call) -> Reply:
        with self._live.use() as version:
            return await version.scorer.predict(call)

    async def _feedback(self, call: Call) -> Reply:
        self._log.feedback(schema.feedback_row(call.body, TASK))
        return Reply({"status": "accepted"}, 202)

    def _check_room(self) -> None:
        self._live.current.runner.check_room()

    async def _show_ready(self, call: Call) -> Reply:
        if DRAIN.draining:
            raise RequestError(503, "Not ready: the service is shutting down.")
        runner = self._live.current.runner
        if not await runner.is_ready():
            raise RequestError(503, f"Not ready: {runner.fault or 'the process that computes is not.'}")
        return Reply(b"\n", media_type="text/plain")

    async def _load(self, tag: str) -> Version:
        """Another version, ready to answer in the place of the present one; raises ModelError."""
        entry = await in_background(lambda: read(tag))
        check_interchangeable(TASK, entry.task)
        return self._version(entry, await self._runners.another(entry))

    def _version(self, entry: Entry, opened: Opened) -> Version:
        metrics.MODEL.labels(TASK.name, entry.variant, entry.tag).set(1)
        scorer = Scorer(entry, opened.preprocess, opened.runner.classify, self._log, self._shadow)
        return Version(entry, opened.runner, scorer)

    def _retire(self, version: Version) -> None:
        version.runner.close()
        metrics.MODEL.labels(TASK.name, version.entry.variant, version.entry.tag).set(0)

    def _elsewhere(self) -> Any:
        from bentos.remote import Elsewhere  # a tenth of a second that only this variant needs

        return Elsewhere(lambda: self.runner)

    def _make_shadow(self, entry: Entry) -> Shadow:
        # where a GPU answers, many requests are under way and the cores are idle all the same
        few = math.inf if ENTRY.variant == "torch" else max(1, lanes() // 2)

        async def ask(texts: list[Input]) -> Any:
            return await self.shadow_runner.scores(texts)  # it has its methods only later

        async def calm() -> None:
            await self._live.fewer_users_than(few)

        log = open_log(log_folder(), "shadow", TASK.monitoring)
        return Shadow(ask, calm, entry.tag, TASK.labels, ARGS.shadow_share, log)

    @bentoml.on_startup
    async def hold_connections(self) -> None:
        hold_idle_connections()

    @bentoml.on_startup
    async def take_over_sigterm(self) -> None:
        self._attendance = supervisor.Attendance()
        self._attendance.join()
        DRAIN.install()

    @bentoml.on_startup
    async def follow_production(self) -> None:
        if not ARGS.version and packed_tag(HERE) is None:
            self._following = asyncio.create_task(self._live.follow(ENTRY.tag.partition(":")[0]))

    @bentoml.on_deployment
    @staticmethod
    def settle_signals() -> None:
        """Once, in the process that starts the others."""
        supervisor.prepare(PATIENCE)

    @bentoml.on_deployment
    @staticmethod
    def settle_logs() -> None:
        """Once, while in the caller's folder: the processes of a Bento run in the Bento's own."""
        os.environ[LOGS] = str(Path(ARGS.logs or os.environ.get(LOGS) or "logs").resolve())
        if reports := ARGS.reports or os.environ.get(REPORTS):
            os.environ[REPORTS] = str(Path(reports).resolve())
        try:
            log_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BentoMLException(f"No log folder {log_folder()}: {error.strerror}") from error

    @bentoml.on_shutdown
    def close(self) -> None:
        self._live.current.runner.close()
        self._log.close()
        if self._shadow:
            self._shadow.close()
        if self.tracing:
            self.tracing.close()


def log_folder() -> Path:
    return Path(os.environ.get(LOGS) or ARGS.logs or "logs") / TASK.name


def lanes() -> int:
    """Threads that compute in one API process."""
    return ARGS.lanes or max(1, available_cores() // ARGS.api_workers)


def read(tag: str) -> Entry:
    """The entry of a tag, its task with the settings given as arguments; raises ModelError."""
    return with_settings(load_entry(tag), ARGS)


async def show_metrics(call: Call) -> Reply:
    return Reply(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def show_docs(call: Call) -> Reply:
    return Reply(openapi(TASK))


svc = bentoml.service(
    name=TASK.name,
    traffic=TRAFFIC,
    workers=ARGS.api_workers,
    **QUIET | {"logging": {"access": {"enabled": ARGS.access_log}}},
)(Classifier)
svc.add_asgi_middleware(CloseConnections, drain=DRAIN)  # first, so that it sees every answer
svc.add_asgi_middleware(
    HttpRules,
    routes=lambda: bentoml.get_current_service().routes,
    check_key=KEYS.check,
    max_body_bytes=TASK.serving.max_body_bytes,
    body_timeout=BODY_SECONDS,
    tracing=(lambda: bentoml.get_current_service().tracing) if is_on() else None,
)
