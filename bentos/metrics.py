"""Our part of /metrics. BentoML gives its workers PROMETHEUS_MULTIPROC_DIR before they import anything."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prometheus_client import Counter, Gauge

from bentos.batching import Batcher
from bentos.log_writer import RequestLog

MIRROR_SECONDS = 1.0

MODEL = Gauge(
    "touchstone_model", "The entry served", ["task", "variant", "model_tag"], multiprocess_mode="max"
)
ANSWERS = Counter("touchstone_answers", "Inputs answered, by the best label", ["label"])
TRUNCATED = Counter("touchstone_truncated_inputs", "Inputs that were cut at max_seq_length")
FEEDBACK = Counter("touchstone_feedback", "True labels received", ["source"])
QUEUE_TOKENS = Gauge("touchstone_queue_tokens", "Tokens that wait", multiprocess_mode="livesum")
QUEUE_ITEMS = Gauge("touchstone_queue_items", "Inputs that wait", multiprocess_mode="livesum")
COMPUTED = Counter("touchstone_computed_items", "Inputs that the model computed")
FAILED = Counter("touchstone_failed_items", "Inputs at which the model failed")
ABANDONED = Counter("touchstone_abandoned_items", "Inputs dropped before they were computed: client gone")
REFUSED = Counter("touchstone_refused_requests", "Requests refused: queue full")
BATCHES = Counter("touchstone_batches", "Model calls")
BATCH_TOKENS = Counter("touchstone_batch_tokens", "Tokens in model calls, without padding")
PADDED_TOKENS = Counter("touchstone_padded_tokens", "Tokens in model calls, padding included")
LOG_WRITTEN = Counter("touchstone_log_rows_written", "Log rows written", ["kind"])
LOG_DROPPED = Counter("touchstone_log_rows_dropped", "Log rows lost", ["kind", "reason"])

Source = Callable[[], float]


class Mirror:
    """Copies plain numbers into metrics once a second, from a thread of its own.

    In Prometheus's multiprocess mode metrics live in files; the parts that count need not know of that.
    """

    def __init__(self, counters: Mapping[Any, Source], gauges: Mapping[Any, Source]) -> None:
        self._counters, self._gauges = counters, gauges
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


def mirror_batcher(batcher: Batcher[Any, Any]) -> Mirror:
    """Show what the batcher counts."""
    return Mirror(
        counters={
            COMPUTED: lambda: batcher.computed_items,
            FAILED: lambda: batcher.failed_items,
            ABANDONED: lambda: batcher.abandoned_items,
            REFUSED: lambda: batcher.refused_requests,
            BATCHES: lambda: batcher.batches,
            BATCH_TOKENS: lambda: batcher.batch_tokens,
            PADDED_TOKENS: lambda: batcher.padded_tokens,
        },
        gauges={QUEUE_TOKENS: lambda: batcher.queued_tokens, QUEUE_ITEMS: lambda: batcher.queued_items},
    )


def mirror_log(log: RequestLog, kind: str) -> Mirror:
    """Show what a log has written and lost."""
    written = {LOG_WRITTEN.labels(kind): lambda: log.written}
    dropped = {
        LOG_DROPPED.labels(kind, reason): partial(log.drops.__getitem__, reason) for reason in log.drops
    }
    return Mirror({**written, **dropped}, gauges={})
