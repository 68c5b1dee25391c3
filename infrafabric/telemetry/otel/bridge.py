"""Whether this process has OpenTelemetry configured, found out at next to no cost.

`BRIDGE.live` is what the hot path looks at. An SDK may be configured before or after swarms are loaded, so while there
is none the bridge looks again every `LOOK_NS`; if the application never imports the API, a look is one lookup in
``sys.modules``. Asking the API for its provider at each task was rejected: 1 us, of a task's 10, for nothing.

One object for the process, because a provider is the process's: two chassis may not register an instrument twice.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from infrafabric.telemetry.otel.series import SeriesBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from infrafabric.telemetry.otel.measuring import Measuring
    from infrafabric.telemetry.otel.tracing import Tracing
    from infrafabric.telemetry.slo.engine import SloEngine

_log = logging.getLogger("infrafabric.telemetry")

#: Without an SDK, so often is looked whether there is one now.
LOOK_NS: Final = 100_000_000
_NEVER: Final = 1 << 63


@attrs.frozen(kw_only=True)
class SwarmReading:
    """What the instruments show of one loaded swarm; its counts (``refused`` by reason, CPU, dropped) never fall.

    ``objectives`` are its SLO engines: with None for the swarm as a whole, else with the task's name.
    """

    swarm_id: str
    running: int
    refused: Mapping[str, int]
    peak_memory_bytes: int
    memory_limit_bytes: int
    cpu_ns: int
    log_dropped: int
    objectives: tuple[tuple[str | None, SloEngine], ...]


class Source(Protocol):
    """Whoever has swarms to show."""

    def readings(self) -> Iterable[SwarmReading]:
        """The loaded swarms now."""


class Bridge:
    """What of OpenTelemetry is there: ``tracing``, ``measuring``, either or none."""

    def __init__(self) -> None:
        self.tracing: Tracing | None = None
        self.measuring: Measuring | None = None
        #: Whether there is any.
        self.live = False
        #: When to look again, by the monotonic clock.
        self.look_ns = 0
        self.names = SeriesBook()
        self._sources: weakref.WeakSet[Source] = weakref.WeakSet()
        self._lock = threading.Lock()

    def watch(self, source: Source) -> None:
        """Show what this source has, for as long as somebody else holds it."""
        with self._lock:
            self._sources.add(source)

    def sources(self) -> list[Source]:
        """Whoever has swarms to show now."""
        with self._lock:
            return list(self._sources)

    def forked(self) -> None:
        """A forked child has its parent's instruments and none of its swarms; a lock may have been held."""
        self._lock = threading.Lock()
        self._sources = weakref.WeakSet()

    def look(self, now_ns: int) -> None:
        """Find out whether an SDK was configured since the last look. Never raises."""
        with self._lock:
            self.look_ns = now_ns + LOOK_NS
            try:
                if self.tracing is None:
                    self.tracing = _tracing()
                if self.measuring is None:
                    self.measuring = _measuring(self)
            except Exception:  # noqa: BLE001 - whatever is wrong with a provider, tasks go on without it
                _log.exception("OpenTelemetry cannot be used")
                self.look_ns = _NEVER
            self.live = self.tracing is not None or self.measuring is not None
            if self.tracing is not None and self.measuring is not None:
                self.look_ns = _NEVER


def _provider(api: str, get: str) -> object | None:
    """The provider that the application configured; None while it is the API's own, which does nothing."""
    module: ModuleType | None = sys.modules.get(api)
    if module is None or not hasattr(module, get):  # nobody has imported it, or somebody is about to
        return None
    provider: object = getattr(module, get)()
    return None if type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) else provider


def _tracing() -> Tracing | None:
    provider = _provider("opentelemetry.trace", "get_tracer_provider")
    if provider is None:
        return None
    from infrafabric.telemetry.otel.tracing import Tracing  # noqa: PLC0415 - only with an SDK

    return Tracing(provider)


def _measuring(bridge: Bridge) -> Measuring | None:
    provider = _provider("opentelemetry.metrics", "get_meter_provider")
    if provider is None:
        return None
    from infrafabric.telemetry.otel.measuring import Measuring  # noqa: PLC0415 - only with an SDK

    return Measuring(provider, bridge.sources)


#: The bridge of this process.
BRIDGE: Final = Bridge()
os.register_at_fork(after_in_child=BRIDGE.forked)
