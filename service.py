"""The service: `bentoml serve service:svc --arg task=sample-reviews --arg variant=torch`. It only wires."""

import gc
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads would take the lanes' cores
# The workers inherit it and hold the weights in huge pages where the system has them: 1 to 5 % more tokens/s.
os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")

from bentos.metrics_folder import own_metrics_folder

os.environ.update(own_metrics_folder())  # before anything makes a metric

import bentoml
from bentoml.exceptions import BentoMLException
from prometheus_client import CONTENT_TYPE_LATEST

from bentos import metrics, schema, supervisor
from bentos.api_keys import ApiKeys
from bentos.drain import CloseConnections, Drain
from bentos.http import Call, DropAbandoned, HttpRules, Reply, Route, Routes
from bentos.openapi import openapi
from bentos.runner import Runner, available_cores
from bentos.scoring import Scorer
from bentos.serve_args import serve_args, served_entry
from bentos.tracing import Tracing, is_on

ARGS = serve_args()
ENTRY = served_entry(ARGS, Path(__file__))
TASK = ENTRY.task
TRAFFIC: Any = {"timeout": TASK.serving.timeout + 10}  # BentoML's own limit, behind ours
BODY_SECONDS = 20.0  # within which a request's body must have arrived
LOGS = "TOUCHSTONE_LOGS"
DRAIN = Drain(TASK.serving.drain_seconds, is_last=supervisor.is_ending)


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

    @bentoml.on_startup
    async def outlive_the_api(self) -> None:
        patience = TASK.serving.drain_seconds + TASK.serving.timeout + BODY_SECONDS + 10
        Drain(0, supervisor.Attendance().is_over, patience).install()

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
    """Scores texts by the task's labels and logs what it answered.

    HTTP requests to `predict` and `feedback` are answered by `routes` in HttpRules, before they come so far;
    the methods declare them to BentoML, its clients and callers in the same process.
    """

    model = bentoml.models.BentoModel(ENTRY.tag)
    runner: Any = gpu_runner() if ENTRY.variant == "torch" else None

    def __init__(self) -> None:
        if ENTRY.variant != "torch":  # in this process: on a CPU a hop costs more than it gives
            self.runner = Runner(ENTRY, ARGS.lanes or available_cores())
        self._scorer = Scorer(ENTRY, self._classify, log_folder())
        self.routes: Routes = {
            ("POST", "/predict"): Route(self._scorer.predict, schema.FIELDS["/predict"], self._check_room),
            ("POST", "/feedback"): Route(self._scorer.feedback, schema.FIELDS["/feedback"]),
            ("GET", "/metrics"): Route(show_metrics),
            ("GET", "/docs.json"): Route(show_docs),
        }
        self.tracing = Tracing.from_environment(
            TASK.name, {"touchstone.variant": ENTRY.variant, "touchstone.model_tag": ENTRY.tag}
        )
        metrics.MODEL.labels(TASK.name, ENTRY.variant, ENTRY.tag).set(1)
        gc.freeze()  # what is loaded stays; collecting it again and again took an eighth of the CPU time

    @bentoml.api
    async def predict(
        self, inputs: schema.Inputs = None, parameters: schema.Parameters = None
    ) -> schema.Scores:
        """Labels with scores, best first; for a list of inputs a list of such answers."""
        return await self._scorer.predict_inside(inputs=inputs, parameters=parameters)

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
        return (await self._scorer.feedback(Call.inside(**body))).value

    async def _classify(self, packed: Any) -> Any:
        return await self.runner.classify(packed)  # a runner elsewhere has its methods only later

    def _check_room(self) -> None:
        if ENTRY.variant != "torch":
            self.runner.check_room()

    def __is_ready__(self) -> bool:  # BentoML asks a runner elsewhere itself
        return not DRAIN.draining and (ENTRY.variant == "torch" or not self.runner.fault)

    @bentoml.on_startup
    async def take_over_sigterm(self) -> None:
        self._attendance = supervisor.Attendance()
        self._attendance.join()
        DRAIN.install()

    @bentoml.on_deployment
    @staticmethod
    def settle_signals() -> None:
        """Once, in the process that starts the others."""
        supervisor.prepare()

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
        self._scorer.close()
        if self.tracing:
            self.tracing.close()


def log_folder() -> Path:
    return Path(os.environ.get(LOGS) or ARGS.logs or "logs") / TASK.name


async def show_metrics(call: Call) -> Reply:
    return Reply(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def show_docs(call: Call) -> Reply:
    return Reply(openapi(TASK))


# Off: what costs processor time in each request. Ours are HttpRules' metrics and bentos/tracing.py.
svc = bentoml.service(
    name=TASK.name,
    traffic=TRAFFIC,
    metrics={"enabled": False},
    logging={"access": {"enabled": ARGS.access_log}},
    tracing={"excluded_urls": [".*"]},
)(Classifier)
svc.add_asgi_middleware(CloseConnections, drain=DRAIN)  # first, so that it sees every answer
svc.add_asgi_middleware(
    HttpRules,
    routes=lambda: bentoml.get_current_service().routes,
    check_key=ApiKeys.from_environment().check,
    max_body_bytes=TASK.serving.max_body_bytes,
    body_timeout=BODY_SECONDS,
    tracing=(lambda: bentoml.get_current_service().tracing) if is_on() else None,
)
