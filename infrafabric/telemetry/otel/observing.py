"""What each mirrored instrument shows: one small function an instrument, all over the same readings."""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation

from infrafabric.telemetry.otel import instruments as names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infrafabric.telemetry.otel.bridge import Source, SwarmReading
    from infrafabric.telemetry.otel.instruments import Instrument
    from infrafabric.telemetry.slo.engine import SloEngine
    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot

_log = logging.getLogger("infrafabric.telemetry")

#: Swarms beyond this are not shown one by one: each has some 60 series, most of them alerts and windows.
MAX_SWARMS: Final = 1000

_Attributes = dict[str, str]


class Frame:
    """The readings that one collection shows. ``taken`` is monotonic seconds, ``shown_to`` who has seen it."""

    def __init__(self, sources: Iterable[Source], taken: float) -> None:
        self.taken = taken
        self.shown_to: set[str] = set()
        found = (reading for source in sources for reading in source.readings())
        self.swarms: list[SwarmReading] = list(islice(found, MAX_SWARMS))
        if len(self.swarms) == MAX_SWARMS and next(found, None) is not None:
            _log.warning("only the first %d loaded swarms are shown as metrics", MAX_SWARMS)
        self._engines: list[tuple[_Attributes, SloEngine]] = [
            ({names.SWARM: swarm.swarm_id} | ({} if task is None else {names.TASK: task}), engine)
            for swarm in self.swarms
            for task, engine in swarm.objectives
        ]
        self._objectives: list[tuple[_Attributes, ObjectiveSnapshot]] | None = None

    def objectives(self) -> list[tuple[_Attributes, ObjectiveSnapshot]]:
        """Every objective with its attributes; judged once a frame."""
        if self._objectives is None:
            self._objectives = [
                (about | {names.OBJECTIVE: objective.name}, objective)
                for about, engine in self._engines
                for objective in engine.snapshot().objectives
            ]
        return self._objectives

    def totals(self) -> Iterator[tuple[_Attributes, int]]:
        """Good and bad events of every objective."""
        for about, engine in self._engines:
            for objective, (good, bad) in engine.totals().items():
                yield about | {names.OBJECTIVE: objective, names.RESULT: "good"}, good
                yield about | {names.OBJECTIVE: objective, names.RESULT: "bad"}, bad


def _each(read: Callable[[SwarmReading], float]) -> Callable[[Frame], Iterator[Observation]]:
    """One number of every swarm."""

    def observe(frame: Frame) -> Iterator[Observation]:
        for swarm in frame.swarms:
            yield Observation(read(swarm), {names.SWARM: swarm.swarm_id})

    return observe


def _every(read: Callable[[ObjectiveSnapshot], float | None]) -> Callable[[Frame], Iterator[Observation]]:
    """One number of every objective that has it."""

    def observe(frame: Frame) -> Iterator[Observation]:
        for about, objective in frame.objectives():
            value = read(objective)
            if value is not None:
                yield Observation(value, about)

    return observe


def _refused(frame: Frame) -> Iterator[Observation]:
    for swarm in frame.swarms:
        for reason, count in swarm.refused.items():
            yield Observation(count, {names.SWARM: swarm.swarm_id, names.REASON: reason})


def _events(frame: Frame) -> Iterator[Observation]:
    for about, count in frame.totals():
        yield Observation(count, about)


def _burn_rates(frame: Frame) -> Iterator[Observation]:
    for about, objective in frame.objectives():
        for burn in objective.burn_rates:
            yield Observation(burn.burn_rate, about | {names.WINDOW: burn.name})


def _alert_states(frame: Frame) -> Iterator[Observation]:
    for about, objective in frame.objectives():
        yield Observation(1, about | {names.STATE: objective.state.value})
        for tier in objective.alerts:
            yield Observation(
                1, about | {names.ALERT: tier.name, names.SEVERITY: tier.severity, names.STATE: tier.state.value}
            )


#: The mirrored instruments, with what each shows.
OBSERVED: Final[tuple[tuple[Instrument, Callable[[Frame], Iterator[Observation]]], ...]] = (
    (names.ACTIVE, _each(lambda swarm: swarm.running)),
    (names.REFUSED, _refused),
    (names.MEMORY_USAGE, _each(lambda swarm: swarm.peak_memory_bytes)),
    (names.MEMORY_LIMIT, _each(lambda swarm: swarm.memory_limit_bytes)),
    (names.CPU, _each(lambda swarm: swarm.cpu_ns / 1e9)),
    (names.LOG_DROPPED, _each(lambda swarm: swarm.log_dropped)),
    (names.EVENTS, _events),
    (names.OBJECTIVE_RATIO, _every(lambda objective: objective.objective_ratio)),
    (names.SLI, _every(lambda objective: objective.sli)),
    (names.BURN_RATE, _burn_rates),
    (names.REMAINING, _every(lambda objective: objective.budget.remaining_ratio)),
    (names.ALERT_STATE, _alert_states),
)
