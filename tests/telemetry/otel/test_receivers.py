"""Real receivers: what arrives over OTLP, by gRPC and by HTTP, is what happened."""

from __future__ import annotations

import threading
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.telemetry.otel.test_sdk import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

grpc = pytest.importorskip("grpc", reason="needs: pip install 'infrafabric[otlp]'")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc  # noqa: E402

Received = dict[str, list[Any]]


@contextmanager
def grpc_receiver(received: Received) -> Iterator[str]:
    """OpenTelemetry's own services on a free port of loopback; gives the endpoint."""

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc, unused-ignore]
        def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
            received["spans"].extend(request.resource_spans)
            return trace_service_pb2.ExportTraceServiceResponse()

    class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):  # type: ignore[misc, unused-ignore]
        def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
            received["metrics"].extend(request.resource_metrics)
            return metrics_service_pb2.ExportMetricsServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextmanager
def http_receiver(received: Received) -> Iterator[str]:
    """The same over HTTP with protobuf bodies."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip  # noqa: PLC0415 - exporters may compress

            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                received["spans"].extend(trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans)
            elif self.path == "/v1/metrics":
                request = metrics_service_pb2.ExportMetricsServiceRequest.FromString(body)
                received["metrics"].extend(request.resource_metrics)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def plain(attributes: Any) -> dict[str, str]:
    """Attributes as they read."""
    return {one.key: one.value.string_value for one in attributes}


@pytest.mark.parametrize(
    ("protocol", "receiver"),
    [("grpc", grpc_receiver), ("http/protobuf", http_receiver), (None, http_receiver)],
    ids=["grpc", "http", "by default"],
)
def test_spans_and_metrics_arrive_with_their_values(protocol: str | None, receiver: Callable[[Received], Any]) -> None:
    """An endpoint alone asks for both signals; everything is sent before the program ends."""
    received: Received = {"spans": [], "metrics": []}
    with receiver(received) as endpoint:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
        if protocol is not None:
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol
        done = run(**variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3\n"
    (spans,) = received["spans"]
    assert plain(spans.resource.attributes)["service.name"] == "infrafabric"
    (span,) = spans.scope_spans[0].spans
    assert span.name == "infrafabric.task"
    assert plain(span.attributes) == {
        "infrafabric.swarm.id": "s",
        "infrafabric.task.name": "add",
        "infrafabric.contract.version": "1.0",
    }
    metrics = {
        metric.name: metric
        for resource in received["metrics"]
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    (duration,) = metrics["infrafabric.task.duration"].histogram.data_points
    assert duration.count == 1
    assert 0.1 in duration.explicit_bounds
    assert duration.exemplars[0].span_id == span.span_id
    (load,) = metrics["infrafabric.load.duration"].histogram.data_points
    assert plain(load.attributes) == {"infrafabric.load.operation": "load", "infrafabric.load.outcome": "success"}
