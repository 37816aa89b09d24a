"""OpenTelemetry spans of a request and its stages, written when it is done: no thread carries anything.

On when OpenTelemetry's own variables name a collector; off otherwise, and then its SDK is not imported here.
Sampling, batching, export and resource follow the SDK's variables (OTEL_TRACES_SAMPLER, OTEL_BSP_*, ...).
"""

import importlib
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bentoml.exceptions import InvalidArgument
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from bentos.incoming import Headers, Scope

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"  # the extra `tracing`

Attributes = Mapping[str, AttributeValue]

log = logging.getLogger("bentoml.touchstone")


class Stage(NamedTuple):
    """One step of a request, such as tokenize, wait or compute; seconds by `time.monotonic`."""

    name: str
    start: float
    end: float


class Tracing:
    """Writes spans to a provider of the SDK; `from_environment` makes the usual one."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("touchstone")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def from_environment(cls, service_name: str, attributes: Attributes) -> "Tracing | None":
        """Tracing to the collector that the variables name; None when they name none.

        `attributes` describe the process. Raises InvalidArgument as `is_on` does.
        """
        return cls(make_provider(service_name, attributes)) if is_on() else None

    def record(
        self,
        scope: Scope,
        status: int,
        start: float,
        end: float,
        stages: Sequence[Stage] = (),
        attributes: Attributes | None = None,
    ) -> None:
        """Write the span of a request with one child for each stage, as a child of the caller's traceparent.

        `scope` is the ASGI scope of one of our own routes: its path becomes part of the span's name.
        `start` and `end` are seconds by `time.monotonic`. `attributes` must hold nothing of the input.
        """
        offset = time.time_ns() - time.monotonic_ns()
        span = self._tracer.start_span(
            f"{scope['method']} {scope['path']}",
            context=self._propagator.extract(carrier(scope["headers"]), Context()),
            kind=SpanKind.SERVER,
            attributes={**http_attributes(scope, status), **(attributes or {})},
            start_time=nanoseconds(start, offset),
        )
        if status >= 500:  # a 4xx is the caller's error, says the convention
            span.set_status(StatusCode.ERROR)
        if span.is_recording():
            parent = set_span_in_context(span, Context())
            for stage in stages:
                child = self._tracer.start_span(
                    stage.name, context=parent, start_time=nanoseconds(stage.start, offset)
                )
                child.end(nanoseconds(stage.end, offset))
        span.end(nanoseconds(end, offset))

    def close(self, timeout: float = 5.0) -> None:
        """Send what waits, for at most `timeout` seconds; the SDK's own time-outs are its retries' (30 s)."""
        closing = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(timeout)
        if closing.is_alive():
            log.warning("The last spans were not delivered: no answer of the collector within %g s.", timeout)


def is_on() -> bool:
    """Whether the variables ask for tracing; raises InvalidArgument when they do and it cannot be done."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporters = (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(",")
    if disabled or "otlp" not in exporters or not any(map(os.environ.get, ENDPOINTS)):
        return False
    protocol = next(filter(None, map(os.environ.get, PROTOCOLS)), PROTOCOL)
    if protocol != PROTOCOL:
        instead = f"Unset {' and '.join(PROTOCOLS)} and give the collector's HTTP port"
        raise InvalidArgument(f"Tracing speaks {PROTOCOL}, not '{protocol}'. {instead}.")
    try:
        importlib.import_module(EXPORTER)
    except ImportError as error:
        install = "Install it (pip install 'touchstone[tracing]'), or unset the endpoint"
        raise InvalidArgument(f"An OTLP endpoint is set, but its exporter is missing. {install}.") from error
    return True


def make_provider(service_name: str, attributes: Attributes) -> "TracerProvider":
    """The SDK's provider with an exporter in batches; OTEL_SERVICE_NAME goes before `service_name`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": service_name, **attributes})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def http_attributes(scope: Scope, status: int) -> dict[str, AttributeValue]:
    """OpenTelemetry's words for a request and its answer."""
    error: dict[str, AttributeValue] = {"error.type": str(status)} if status >= 500 else {}
    return {
        "http.request.method": scope["method"],
        "http.route": scope["path"],
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "http.response.status_code": status,
        **error,
    }


def carrier(headers: Headers) -> dict[str, list[str]]:
    """The W3C trace headers of a request."""
    names = ("traceparent", "tracestate")
    return {name: [v.decode("latin-1") for n, v in headers if n == name.encode()] for name in names}


def nanoseconds(seconds: float, offset: int) -> int:
    """Nanoseconds since 1970 of a time by `time.monotonic`; `offset` lies between the two clocks."""
    return int(seconds * 1e9) + offset
