"""Our /metrics. BentoML gives its workers PROMETHEUS_MULTIPROC_DIR before they import anything.

BentoML's own HTTP metrics are off: they grow by twenty series with every unknown path.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from bentos.answer_cache import AnswerCache
from bentos.batching import Batcher
from bentos.log_writer import RequestLog
from bentos.metrics_folder import VARIABLE
from bentos.waiting import Ticket

MIRROR_SECONDS = 1.0
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
DISTANCES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

MODEL = Gauge(
    "touchstone_model", "The entry served", ["task", "variant", "model_tag"], multiprocess_mode="max"
)
REQUESTS = Counter("touchstone_requests", "HTTP requests answered", ["route", "status"])
TOTAL = Histogram("touchstone_request_seconds", "/predict, from its body to its answer", buckets=SECONDS)
TOKENIZE = Histogram("touchstone_tokenize_seconds", "Tokenizing the inputs of a request", buckets=SECONDS)
WAIT = Histogram("touchstone_wait_seconds", "An input's time in the queue", buckets=SECONDS)
COMPUTE = Histogram("touchstone_compute_seconds", "One model call", buckets=SECONDS)
BATCH = Histogram("touchstone_call_tokens", "Tokens of one model call, without padding", buckets=TOKENS)
ANSWERS = Counter("touchstone_answers", "Inputs answered, by the best label", ["label"])
TRUNCATED = Counter("touchstone_truncated_inputs", "Inputs that were cut at max_seq_length")
FEEDBACK = Counter("touchstone_feedback", "True labels received", ["source"])
QUEUE_TOKENS = Gauge("touchstone_queue_tokens", "Tokens that wait", multiprocess_mode="livesum")
QUEUE_ITEMS = Gauge("touchstone_queue_items", "Inputs that wait", multiprocess_mode="livesum")
QUEUE_AGE = Gauge(
    "touchstone_queue_age_seconds", "How long the oldest input has waited", multiprocess_mode="livemax"
)
COMPUTED = Counter("touchstone_computed_items", "Inputs that the model computed")
FAILED = Counter("touchstone_failed_items", "Inputs at which the model failed")
ABANDONED = Counter("touchstone_abandoned_items", "Inputs dropped before they were computed: client gone")
CACHED = Counter("touchstone_cached_items", "Inputs that needed no computation of their own", ["how"])
REFUSED = Counter("touchstone_refused_requests", "Requests not answered, by reason", ["reason"])
BATCHES = Counter("touchstone_batches", "Model calls")
BATCH_TOKENS = Counter("touchstone_batch_tokens", "Tokens in model calls, without padding")
PADDED_TOKENS = Counter("touchstone_padded_tokens", "Tokens in model calls, padding included")
PROMOTIONS = Counter("touchstone_promotions", "Moves of the production pointer seen", ["outcome"])
SHADOWED = Counter(
    "touchstone_shadow_items",
    "Inputs that the shadow answered too, by both answers",
    ["label", "shadow_label"],
)
SHADOW_DISTANCE = Histogram(
    "touchstone_shadow_distance",
    "How far the shadow's score of the served label is from the served one, by direction",
    ["direction"],
    buckets=DISTANCES,
)
SHADOW_LOST = Counter(
    "touchstone_shadow_lost_items", "Inputs drawn for the shadow but not compared", ["reason"]
)
LOG_WRITTEN = Counter("touchstone_log_rows_written", "Log rows written", ["kind"])
LOG_DROPPED = Counter("touchstone_log_rows_dropped", "Log rows lost", ["kind", "reason"])

REASONS = {  # of a refusal, by status
    400: "malformed",
    401: "no key",
    404: "no such route",
    405: "wrong method",
    408: "slow body",
    413: "too large",
    415: "not JSON",
    429: "queue full",
    431: "headers too large",
    499: "client gone",
    500: "our error",
    503: "not ready",
    504: "time-out",
}

Source = Callable[[], float]


class Mirror:
    """Copies plain numbers into metrics once a second, from a thread of its own.

    In Prometheus's multiprocess mode metrics live in files; the parts that count need not know of that.
    """

    def __init__(
        self,
        counters: Mapping[Any, Source],
        gauges: Mapping[Any, Source],
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._counters, self._gauges, self._also = counters, gauges, also
        self._seen = dict.fromkeys(counters, 0.0)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Copy once more and end."""
        self._closing.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(MIRROR_SECONDS)
            for metric, source in self._counters.items():
                value = source()
                metric.inc(value - self._seen[metric])
                self._seen[metric] = value
            for gauge, source in self._gauges.items():
                gauge.set(source())
            self._also()


def mirror_runner(batcher: Batcher[Any, Any], cache: AnswerCache, calls: "ModelCalls") -> Mirror:
    """Show what the batcher and the cache count, and the model calls."""
    return Mirror(
        counters={
            COMPUTED: lambda: batcher.computed_items,
            FAILED: lambda: batcher.failed_items,
            ABANDONED: lambda: batcher.abandoned_items,
            BATCHES: lambda: batcher.batches,
            BATCH_TOKENS: lambda: batcher.batch_tokens,
            PADDED_TOKENS: lambda: batcher.padded_tokens,
            CACHED.labels("hit"): lambda: cache.hits,
            CACHED.labels("joined"): lambda: cache.joined,
        },
        gauges={
            QUEUE_TOKENS: lambda: batcher.queued_tokens,
            QUEUE_ITEMS: lambda: batcher.queued_items,
            QUEUE_AGE: lambda: batcher.oldest_age,
        },
        also=calls.observe,
    )


class ModelCalls:
    """The model calls of the last second: noting one must not keep its callers waiting."""

    def __init__(self) -> None:
        self._calls: deque[tuple[float, int, list[float]]] = deque()

    def note(self, tickets: Sequence[Ticket[Any, Any]], seconds: float) -> None:
        """Remember one call, from any thread."""
        waits = [ticket.started - ticket.arrived for ticket in tickets]
        self._calls.append((seconds, sum(ticket.n_tokens for ticket in tickets), waits))

    def observe(self) -> None:
        """Bring what was noted into the histograms."""
        while self._calls:
            seconds, tokens, waits = self._calls.popleft()
            COMPUTE.observe(seconds)
            BATCH.observe(tokens)
            for wait in waits:
                WAIT.observe(wait)


def count_request(route: str, status: int) -> None:
    """Note one HTTP answer; `route` is one of a few, whatever was asked for."""
    REQUESTS.labels(route, str(status)).inc()
    if status in REASONS:
        REFUSED.labels(REASONS[status]).inc()


def mirror_log(log: RequestLog, kind: str) -> Mirror:
    """Show what a log has written and lost."""
    written = {LOG_WRITTEN.labels(kind): lambda: log.written}
    dropped = {
        LOG_DROPPED.labels(kind, reason): partial(log.drops.__getitem__, reason) for reason in log.drops
    }
    return Mirror({**written, **dropped}, gauges={})


def exposition() -> bytes:
    """The metrics of all processes of this service, in Prometheus's text form 0.0.4."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return generate_latest(REGISTRY)
    forget_dead_processes(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)
    return generate_latest(registry)


def forget_dead_processes(folder: Path) -> None:
    """Take the gauges of killed processes out; their counters stay, or sums would fall."""
    for path in folder.glob("gauge_live*_*.db"):
        if (found := re.search(r"_(\d+)\.db$", path.name)) and not psutil.pid_exists(int(found[1])):
            mark_process_dead(int(found[1]), str(folder))
