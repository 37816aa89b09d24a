"""Tracing: what a collector gets, by the protocol's own messages."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from bentoml.exceptions import InvalidArgument
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bentos.incoming import Scope
from bentos.tracing import EXPORTER, Stage, Tracing, is_on

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OFF = "import sys; from bentos.tracing import Tracing; assert Tracing.from_environment('t', {}) is None; "
OFF += "sys.exit('opentelemetry.sdk.trace' in sys.modules or 'opentelemetry.exporter' in sys.modules)"


class Collector(HTTPServer):
    """Keeps the OTLP requests that it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Intake)
        self.requests: list[ExportTraceServiceRequest] = []

    def spans(self) -> dict[str, Span]:
        """By name."""
        resources = [r for request in self.requests for r in request.resource_spans]
        return {span.name: span for r in resources for scope in r.scope_spans for span in scope.spans}

    def resource(self) -> dict[str, str]:
        attributes = self.requests[0].resource_spans[0].resource.attributes
        return {pair.key: pair.value.string_value for pair in attributes}


class Intake(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


def scope(traceparent: str = "") -> Scope:
    headers = [(b"host", b"x"), (b"traceparent", traceparent.encode())] if traceparent else []
    return {"type": "http", "scheme": "http", "method": "POST", "path": "/predict", "headers": headers}


def record(request: Scope, status: int = 200) -> None:
    """One request of three stages, recorded and delivered."""
    tracing = Tracing.from_environment("sample-reviews", {"touchstone.variant": "onnx-int8"})
    assert tracing is not None
    end = time.monotonic()
    stages = [Stage("tokenize", end - 0.5, end - 0.4), Stage("wait", end - 0.4, end - 0.2)]
    stages.append(Stage("compute", end - 0.2, end - 0.1))
    tracing.record(request, status, end - 0.6, end, stages, {"touchstone.items": 2})
    tracing.close()


def test_the_span_is_a_child_of_the_callers(collector: Collector) -> None:
    record(scope(f"00-{TRACE}-{CALLER}-01"))
    span = collector.spans()["POST /predict"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert span.kind == Span.SPAN_KIND_SERVER


def test_the_stages_are_its_children_and_lie_within_it(collector: Collector) -> None:
    before = time.time_ns()
    record(scope(f"00-{TRACE}-{CALLER}-01"))
    spans = collector.spans()
    parent = spans.pop("POST /predict")
    assert list(spans) == ["tokenize", "wait", "compute"]
    assert {span.parent_span_id for span in spans.values()} == {parent.span_id}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    times = [parent.start_time_unix_nano]
    times += [t for s in spans.values() for t in (s.start_time_unix_nano, s.end_time_unix_nano)]
    assert [*times, parent.end_time_unix_nano] == sorted([*times, parent.end_time_unix_nano])
    assert abs(parent.end_time_unix_nano - before) < 60e9  # the wall clock's


def test_the_attributes_follow_the_conventions(collector: Collector) -> None:
    record(scope())
    attributes = {pair.key: pair.value for pair in collector.spans()["POST /predict"].attributes}
    assert attributes["http.request.method"].string_value == "POST"
    assert attributes["http.route"].string_value == "/predict"
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["touchstone.items"].int_value == 2


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"00-{'0' * 32}-{CALLER}-01"])
def test_without_a_caller_a_trace_begins_here(collector: Collector, traceparent: str) -> None:
    record(scope(traceparent))
    span = collector.spans()["POST /predict"]
    assert span.parent_span_id == b""
    assert span.trace_id.hex() != TRACE


def test_what_the_caller_does_not_sample_is_not_sent(collector: Collector) -> None:
    record(scope(f"00-{TRACE}-{CALLER}-00"))
    assert collector.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, Status.STATUS_CODE_UNSET), (429, Status.STATUS_CODE_UNSET), (504, Status.STATUS_CODE_ERROR)],
)
def test_only_our_own_errors_are_errors(collector: Collector, status: int, code: int) -> None:
    record(scope(), status)
    assert collector.spans()["POST /predict"].status.code == code


def test_the_resource_names_the_service(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    record(scope())
    assert collector.resource()["service.name"] == "shop"
    assert collector.resource()["touchstone.variant"] == "onnx-int8"


def test_a_silent_collector_does_not_hold_the_end_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")  # the thread left behind ends soon
        tracing = Tracing.from_environment("t", {})
        assert tracing is not None
        tracing.record(scope(), 200, 1.0, 2.0)
        tracing.close(timeout=0.1)
    assert "last spans were not delivered" in caplog.text


def test_tracing_is_off_and_costs_no_import_unless_asked_for() -> None:
    subprocess.run([sys.executable, "-c", OFF], check=True, timeout=60)


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_opentelemetrys_own_switches_turn_it_off(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert not is_on()


def test_another_protocol_is_told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(InvalidArgument, match="speaks http/protobuf, not 'grpc'"):
        is_on()


def test_a_missing_exporter_is_told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)  # as if it were not installed
    with pytest.raises(InvalidArgument, match=r"pip install 'touchstone\[tracing\]'"):
        is_on()
