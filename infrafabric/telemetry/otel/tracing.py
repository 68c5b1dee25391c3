"""The span of a task: ``infrafabric.task``, a child of whatever span its caller was in.

It starts when the task is called, so a submitted or awaited task has its caller's context as well, whichever thread
runs it, and ends with the result. The guest's log records become its events at the end: they carry their own times.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from infrafabric.telemetry.otel import instruments as names
from infrafabric.telemetry.otel.version import library_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context

    from infrafabric.telemetry.otel.series import Series


class Said(Protocol):
    """A line that a guest logged."""

    @property
    def level(self) -> str:
        """Its level's name."""

    @property
    def text(self) -> str:
        """What it says, escaped."""

    @property
    def at_seconds(self) -> float:
        """When, since the task got its instance."""


class Tracing:
    """Begins spans. ``provider`` is a tracer provider of OpenTelemetry."""

    def __init__(self, provider: Any) -> None:
        self._tracer: trace.Tracer = provider.get_tracer("infrafabric", library_version())

    def slo_changed(self, swarm_id: str, facts: Mapping[str, Any]) -> None:
        """Tell that an alert or an objective came into another state."""
        self._changed(names.STATE_EVENT, swarm_id, facts)

    def enforcement_changed(self, swarm_id: str, facts: Mapping[str, Any]) -> None:
        """Tell that a budget policy came into another state."""
        self._changed(names.ENFORCEMENT_EVENT, swarm_id, facts)

    def _changed(self, event: str, swarm_id: str, facts: Mapping[str, Any]) -> None:
        """A span of no length with one event: no task's span is open for what happens to none in particular."""
        span = self._tracer.start_span(names.CHANGE_SPAN, attributes={names.SWARM: swarm_id})
        span.add_event(event, {f"{event}.{name}": value for name, value in facts.items() if value is not None})
        span.end()

    def begin(self, series: Series) -> TaskTrace:
        """The trace of a task called now, in the calling thread's context."""
        return TaskTrace(self._tracer.start_span(names.SPAN, kind=SpanKind.INTERNAL, attributes=series.of_span))


class TaskTrace:
    """The span of one task; what is said to one that is not sampled goes nowhere, cheaply."""

    __slots__ = ("_span", "recording")

    def __init__(self, span: Span) -> None:
        self._span = span
        self.recording = span.is_recording()

    def log_fields(self) -> dict[str, str]:
        """What a log record of this task carries, in hexadecimal."""
        context = self._span.get_span_context()
        return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}

    @property
    def trace_id(self) -> str | None:
        """The trace it belongs to, in 32 hexadecimal digits; None when it is not recorded."""
        return self.log_fields()["trace_id"] if self.recording else None

    def context(self) -> Context | None:
        """The context by which a measurement is tied to this span."""
        return trace.set_span_in_context(self._span) if self.recording else None

    def say(self, started_ns: int, records: Iterable[Said]) -> None:
        """Add what the guest logged. ``started_ns`` is monotonic: when the records' seconds begin."""
        if not self.recording or not records:
            return
        epoch_ns = time.time_ns() - time.monotonic_ns() + started_ns
        for record in records:
            attributes = {names.LEVEL: record.level, names.MESSAGE: record.text}
            self._span.add_event(names.LOG_EVENT, attributes, epoch_ns + int(record.at_seconds * 1e9))

    def end(self, error: str | None = None, message: str = "") -> None:
        """The task has ended: well, or with the code of an outcome and a sentence."""
        if error is not None and self.recording:
            self._span.set_attribute(names.ERROR, error)
            self._span.set_status(Status(StatusCode.ERROR, message))
        self._span.end()
