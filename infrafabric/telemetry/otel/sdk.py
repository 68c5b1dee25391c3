"""An OpenTelemetry SDK for programs that have none, configured from the standard ``OTEL_*`` variables.

.. code-block:: python

    with contextlib.closing(configure_from_environment()):  # does nothing where no exporter is asked for
        ...

The library never calls this: an application configures its own SDK. The command line does, because nobody else could.
`opentelemetry-distro` was rejected: it configures whatever is installed, and exports when nobody asked.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from infrafabric.errors import TelemetrySetupError, escape
from infrafabric.telemetry.otel.scraping import Scrape, scraper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Any of these set (and not empty) asks for telemetry.
ASKING: Final = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
PROTOCOLS: Final = ("http/protobuf", "grpc")
_PORT_MAX: Final = 65_535


class TelemetrySdk:
    """What was configured. ``close`` sends what is left and ends it; ``prometheus_address`` is where it is scraped.

    ``scrape``: what `configure_from_environment` was asked for as ``scraped``.
    """

    def __init__(self) -> None:
        self.prometheus_address: tuple[str, int] | None = None
        self.scrape: Scrape | None = None
        self._endings: list[Callable[[], object]] = []

    @property
    def configured(self) -> bool:
        """Whether anything is exported."""
        return bool(self._endings)

    def ends_with(self, ending: Callable[[], object]) -> None:
        """Call ``ending`` at `close`, the last one first."""
        self._endings.append(ending)

    def close(self) -> None:
        """Send what is left. May be called again."""
        while self._endings:
            self._endings.pop()()


def asked_for(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for telemetry; nothing of OpenTelemetry is imported to tell."""
    return not _true(environ, "OTEL_SDK_DISABLED") and any(environ.get(name) for name in ASKING)


def configure_from_environment(environ: Mapping[str, str] = os.environ, *, scraped: bool = False) -> TelemetrySdk:
    """Configure tracing and metrics for this process as ``OTEL_*`` say; close what it gives at the end.

    ``scraped`` asks for metrics in Prometheus' text format as well, whatever ``OTEL_*`` say: for a program that
    serves them itself. `TelemetrySdk.scrape` stays None where the extra ``prometheus`` is missing, or the SDK is
    disabled.

    Exporters: ``otlp`` (extra ``otlp``; the default once an endpoint is set), ``prometheus`` (metrics; extra
    ``prometheus``), ``console`` (standard error) and ``none``, several separated by commas. Endpoints, headers,
    intervals, resource and sampler are read by the SDK itself. Raises `TelemetrySetupError`.
    """
    sdk = TelemetrySdk()
    own = scraper() if scraped and not _true(environ, "OTEL_SDK_DISABLED") else None
    asked = asked_for(environ)
    if not asked and own is None:
        return sdk
    try:
        if asked:
            _trace(sdk, environ)
        _measure(sdk, environ if asked else {}, own)
    except BaseException:
        sdk.close()
        raise
    return sdk


def _trace(sdk: TelemetrySdk, environ: Mapping[str, str]) -> None:
    wanted = _exporters(environ, "OTEL_TRACES_EXPORTER", ("otlp", "console"))
    exporters = [_span_exporter(kind, environ) for kind in wanted]
    if not exporters:
        return
    from opentelemetry import trace  # noqa: PLC0415 - only where it is asked for
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=_resource(environ), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    sdk.ends_with(provider.shutdown)


def _measure(sdk: TelemetrySdk, environ: Mapping[str, str], own: Scrape | None) -> None:
    wanted = _exporters(environ, "OTEL_METRICS_EXPORTER", ("otlp", "prometheus", "console"))
    readers = [_metric_reader(kind, sdk, environ) for kind in wanted]
    if own is not None:
        readers.append(own.reader)
        sdk.scrape = own
    if not readers:
        return
    from opentelemetry import metrics  # noqa: PLC0415 - only where it is asked for
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415

    provider = MeterProvider(readers, resource=_resource(environ), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    sdk.ends_with(provider.shutdown)


def _exporters(environ: Mapping[str, str], variable: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The exporters that a variable asks for; ``otlp`` where it says nothing and there is somewhere to send to."""
    text = environ.get(variable, "")
    if not text:
        signal = variable.split("_")[1]
        endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        return ("otlp",) if any(environ.get(name) for name in endpoints) else ()
    wanted = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in wanted:
        if word not in (*known, "none"):
            raise TelemetrySetupError(f"{variable} is '{escape(text, 100)}'; expected {', '.join(known)} or none")
    return tuple(word for word in wanted if word != "none")


def _resource(environ: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where it is asked for

    # The SDK adds OTEL_RESOURCE_ATTRIBUTES, and OTEL_SERVICE_NAME above what is given here.
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {"service.name": "infrafabric"})


def _protocol(environ: Mapping[str, str], signal: str) -> str:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        text = environ.get(variable, "")
        if text and text not in PROTOCOLS:
            raise TelemetrySetupError(f"{variable} is '{escape(text, 100)}'; expected {' or '.join(PROTOCOLS)}")
        if text:
            return text
    return PROTOCOLS[0]


def _span_exporter(kind: str, environ: Mapping[str, str]) -> Any:
    if kind == "console":
        return _imported("opentelemetry.sdk.trace.export", "ConsoleSpanExporter", None)(out=sys.stderr)
    return _otlp(_protocol(environ, "TRACES"), "trace_exporter", "OTLPSpanExporter")


def _metric_reader(kind: str, sdk: TelemetrySdk, environ: Mapping[str, str]) -> Any:
    if kind == "prometheus":
        return _prometheus(sdk, environ)
    if kind == "console":
        exporter = _imported("opentelemetry.sdk.metrics.export", "ConsoleMetricExporter", None)(out=sys.stderr)
    else:
        exporter = _otlp(_protocol(environ, "METRICS"), "metric_exporter", "OTLPMetricExporter")
    return _imported("opentelemetry.sdk.metrics.export", "PeriodicExportingMetricReader", None)(exporter)


def _otlp(protocol: str, module: str, name: str) -> Any:
    package = "grpc" if protocol == "grpc" else "http"
    return _imported(f"opentelemetry.exporter.otlp.proto.{package}.{module}", name, "otlp")()


def _prometheus(sdk: TelemetrySdk, environ: Mapping[str, str]) -> Any:
    """A reader that is scraped, and the server that it is scraped from."""
    host = environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or "localhost"
    text = environ.get("OTEL_EXPORTER_PROMETHEUS_PORT") or "9464"
    if not (text.isascii() and text.isdigit() and int(text) <= _PORT_MAX):
        raise TelemetrySetupError(
            f"OTEL_EXPORTER_PROMETHEUS_PORT is '{escape(text, 100)}'; expected a port from 0 to "
            f"{_PORT_MAX} (0: a free one)"
        )
    make_reader = _imported("opentelemetry.exporter.prometheus", "PrometheusMetricReader", "prometheus")
    start = _imported("prometheus_client", "start_http_server", "prometheus")
    try:
        server, thread = start(int(text), host)
    except OSError as error:
        raise TelemetrySetupError(
            f"Prometheus cannot be served at {escape(host, 100)}:{text} ({error.strerror or error}); "
            "set OTEL_EXPORTER_PROMETHEUS_HOST or OTEL_EXPORTER_PROMETHEUS_PORT"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    sdk.ends_with(stop)
    sdk.prometheus_address = (host, server.server_port)
    return make_reader()


def _imported(module: str, name: str, extra: str | None) -> Any:
    """A class of a library that may not be installed."""
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        if extra is None:
            raise
        raise TelemetrySetupError(
            f"OTEL_* asks for {name}, which is not installed ({error}); "
            f"install it with: pip install 'infrafabric[{extra}]'"
        ) from error


def _true(environ: Mapping[str, str], variable: str) -> bool:
    return environ.get(variable, "").strip().lower() == "true"
