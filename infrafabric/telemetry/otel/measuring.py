"""The instruments: two histograms that are recorded, and mirrors of our own counters that are read when collected.

Recording everything through the SDK was rejected: it costs 5 us a measurement, and the error budget must not depend
on what an exporter keeps.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from infrafabric.telemetry.otel import instruments as names
from infrafabric.telemetry.otel.observing import OBSERVED, Frame
from infrafabric.telemetry.otel.version import library_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

    from infrafabric.telemetry.otel.bridge import Source
    from infrafabric.telemetry.otel.instruments import Instrument
    from infrafabric.telemetry.otel.series import Series
    from infrafabric.telemetry.otel.tracing import TaskTrace

#: So many latency targets become bounds.
_MAX_TARGETS: Final = 32
#: The readings of one collection are read once; they are never shown when older than this.
_FRAME_SECONDS: Final = 1.0


class Measuring:
    """Records and shows. ``provider`` is a meter provider of OpenTelemetry."""

    def __init__(self, provider: Any, sources: Callable[[], list[Source]]) -> None:
        self._sources = sources
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        meter: Meter = provider.get_meter("infrafabric", library_version())
        self._loads = _histogram(meter, names.LOAD, (*names.SECONDS, 30.0, 60.0))
        self._meter = meter
        self._durations: Histogram | None = None
        for instrument, observe in OBSERVED:
            create = getattr(meter, _CREATE[instrument.kind])
            create(instrument.name, [self._shown(instrument, observe)], instrument.unit, instrument.meaning)

    def duration(self, series: Series, outcome: str, seconds: float, trace: TaskTrace | None) -> None:
        """Record how long a task ran."""
        histogram = self._durations or self._make_durations()
        histogram.record(seconds, series.ended(outcome), trace.context() if trace is not None else None)

    def load(self, operation: str, seconds: float, error: str | None) -> None:
        """Record how long a load took; ``error`` is the code of its error."""
        attributes = {names.OPERATION: operation, names.OUTCOME: error or "success"}
        if error is not None:
            attributes[names.ERROR] = error
        self._loads.record(seconds, attributes)

    def _make_durations(self) -> Histogram:
        """The histogram of durations, with the latency targets of the swarms loaded now among its bounds.

        An instrument's bounds are fixed once it is made, so it is made at the first task. A histogram for each target,
        in scopes of their own, was rejected: the Prometheus exporter mixes up the labels of one metric's scopes.
        """
        with self._lock:
            if self._durations is None:
                targets = {
                    engine.targets.target_latency_ms / 1000
                    for source in self._sources()
                    for swarm in source.readings()
                    for _, engine in swarm.objectives
                    if engine.targets.target_latency_ms is not None
                }
                bounds = {*names.SECONDS, *sorted(targets)[:_MAX_TARGETS]}
                self._durations = _histogram(self._meter, names.DURATION, tuple(sorted(bounds)))
            return self._durations

    def _shown(
        self, instrument: Instrument, observe: Callable[[Frame], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def callback(_options: CallbackOptions) -> Iterable[Observation]:
            return list(observe(self._frame_for(instrument.name)))

        return callback

    def _frame_for(self, asking: str) -> Frame:
        """One frame for all instruments of a collection: whoever asks for the second time begins the next one."""
        now = time.monotonic()
        with self._lock:
            frame = self._frame
            if frame is None or asking in frame.shown_to or now - frame.taken > _FRAME_SECONDS:
                frame = self._frame = Frame(self._sources(), now)
            frame.shown_to.add(asking)
            return frame


_CREATE: Final = {
    "counter": "create_observable_counter",
    "gauge": "create_observable_gauge",
    "updowncounter": "create_observable_up_down_counter",
}


def _histogram(meter: Meter, instrument: Instrument, bounds: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(
        instrument.name, instrument.unit, instrument.meaning, explicit_bucket_boundaries_advisory=bounds
    )
