"""What the loaded swarms of a chassis show to a collector of metrics: readings whose counts never fall.

A swarm that is replaced or loaded again starts its own counts at zero; what its predecessors had counted is kept here,
by id, and added.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from infrafabric.chassis.recent import TURNED_AWAY
from infrafabric.errors import Outcome
from infrafabric.telemetry import SwarmReading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis.swarm import LoadedSwarm

#: Ways in which a task is turned away before any guest code ran.
REFUSALS = tuple(outcome.code for outcome in Outcome if outcome in TURNED_AWAY)


class _Past:
    """What the swarms of an id had counted when they were retired."""

    __slots__ = ("cpu_ns", "log_dropped", "refused")

    def __init__(self) -> None:
        self.refused = dict.fromkeys(REFUSALS, 0)
        self.cpu_ns = self.log_dropped = 0

    def add(self, swarm: LoadedSwarm) -> None:
        """Add the counts of one swarm."""
        outcomes, totals = swarm.counts()
        for code in REFUSALS:
            self.refused[code] += outcomes.get(code, 0)
        self.cpu_ns += totals.cpu_ns
        self.log_dropped += swarm.runtime.log.dropped


class SwarmFigures:
    """The swarms of a chassis, loaded ones and those whose last tasks still run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[str, LoadedSwarm] = {}
        self._leaving: dict[str, list[LoadedSwarm]] = {}
        self._past: dict[str, _Past] = {}

    def loaded(self, swarm: LoadedSwarm) -> None:
        """Show this swarm from now on, in the place of the one of its id."""
        with self._lock:
            old = self._loaded.get(swarm.swarm_id)
            if old is not None:
                self._leaving.setdefault(swarm.swarm_id, []).append(old)
                swarm.follow(old)
            self._loaded[swarm.swarm_id] = swarm

    def unloaded(self, swarm: LoadedSwarm) -> None:
        """Show this swarm no more; its last tasks may still run."""
        with self._lock:
            if self._loaded.get(swarm.swarm_id) is swarm:
                del self._loaded[swarm.swarm_id]
                self._leaving.setdefault(swarm.swarm_id, []).append(swarm)

    def retired(self, swarm: LoadedSwarm) -> None:
        """Its last task has left: its counts are final."""
        with self._lock:
            leaving = self._leaving.get(swarm.swarm_id, [])
            if swarm in leaving:
                leaving.remove(swarm)
                self._past.setdefault(swarm.swarm_id, _Past()).add(swarm)
            if not leaving:
                self._leaving.pop(swarm.swarm_id, None)

    def readings(self) -> Iterator[SwarmReading]:
        """The loaded swarms now."""
        with self._lock:
            loaded = list(self._loaded.values())
        for swarm in loaded:
            yield self._reading(swarm)

    def _reading(self, swarm: LoadedSwarm) -> SwarmReading:
        counts = _Past()
        with self._lock:
            past = self._past.get(swarm.swarm_id)
            if past is not None:
                counts.refused, counts.cpu_ns = dict(past.refused), past.cpu_ns
                counts.log_dropped = past.log_dropped
            for one in (swarm, *self._leaving.get(swarm.swarm_id, ())):
                counts.add(one)
        _, totals = swarm.counts()
        return SwarmReading(
            swarm_id=swarm.swarm_id,
            running=swarm.gate.running,
            refused={code: count for code, count in counts.refused.items() if count},
            peak_memory_bytes=totals.peak_memory_bytes,
            memory_limit_bytes=swarm.contract.resource_limits.max_memory_bytes,
            cpu_ns=counts.cpu_ns,
            log_dropped=counts.log_dropped,
            objectives=((None, swarm.slo), *swarm.task_slos.items()),
        )
