"""An application's own SDK with exporters in memory, for one test: the API keeps its providers for the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from infrafabric.telemetry import BRIDGE

if TYPE_CHECKING:
    from collections.abc import Iterator

Attributes = tuple[tuple[str, Any], ...]


@attrs.frozen
class Sdk:
    """What was exported so far."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self, name: str = "infrafabric.task") -> list[ReadableSpan]:
        """The ended spans of a name, in order."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def points(self, name: str) -> dict[Attributes, Any]:
        """The data points of a metric now, by their attributes: numbers, or histogram points."""
        found: dict[Attributes, Any] = {}
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        for point in metric.data.data_points:
                            key = tuple(sorted((point.attributes or {}).items()))
                            found[key] = getattr(point, "value", point)
        return found

    def one(self, name: str, **wanted: str) -> Any:
        """The only point of a metric whose attributes end in these names and values."""
        (value,) = (
            value
            for key, value in self.points(name).items()
            if all(any(k.endswith(n) and v == w for k, v in key) for n, w in wanted.items())
        )
        return value


def configure(sampler: Sampler = ALWAYS_ON) -> Sdk:
    """Make an SDK the process's."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    return Sdk(exporter, reader)


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API and the bridge as they are at the start of a process."""
    for module, name in ((trace, "_TRACER_PROVIDER"), (metrics._internal, "_METER_PROVIDER")):
        monkeypatch.setattr(module, name, None)
        monkeypatch.setattr(getattr(module, f"{name}_SET_ONCE"), "_done", False)
    for name, value in (("tracing", None), ("measuring", None), ("live", False), ("look_ns", 0)):
        monkeypatch.setattr(BRIDGE, name, value)


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has configured an SDK yet; whatever the test configures is forgotten after it."""
    with monkeypatch.context() as patch:
        _forget(patch)
        yield
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
            shutdown = getattr(provider, "shutdown", None)
            if shutdown is not None:
                shutdown()


@pytest.fixture
def sdk(no_sdk: None) -> Sdk:  # noqa: ARG001 - it cleans up
    """An SDK that the application configured before it made a chassis."""
    return configure()
