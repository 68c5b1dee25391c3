"""Use against every limit of a contract: a line for each field of its `ResourceLimits`.

What nobody measures is None, not zero: a number made up here would be believed. A field without a line is an error
of ours, which a test finds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from infrafabric.board.records import LimitUse
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infrafabric.chassis.swarm import LoadedSwarm, Totals
    from infrafabric.contract.resource_limits import ResourceLimits


class Seen(NamedTuple):
    """What was read of a swarm for its page: once, so that all lines are of one moment."""

    swarm: LoadedSwarm
    limits: ResourceLimits
    outcomes: Mapping[str, int]
    totals: Totals
    tasks_per_second: float
    longest_seconds: float | None

    def ended(self, *outcomes: Outcome) -> int:
        """How many tasks ended in one of these ways."""
        return sum(self.outcomes.get(outcome.code, 0) for outcome in outcomes)


#: Unit, limit, used, what was measured, hits.
_Line: TypeAlias = tuple[str, float | None, float | None, str, int]


def _memory(seen: Seen) -> _Line:
    peak = seen.totals.peak_memory_bytes or None
    return "By", seen.limits.max_memory_bytes, peak, "peak of one task", seen.ended(Outcome.MEMORY_EXCEEDED)


def _cpu(seen: Seen) -> _Line:
    # A share is of time that passes: a task alone may use a whole core, as long as the swarm rests afterwards.
    used = seen.totals.cpu_ns / 1e7 / seen.swarm.uptime_seconds if seen.totals.cpu_ns else None
    return "%", seen.limits.max_cpu_percent, used, "average since it was loaded", seen.totals.throttled_tasks


def _rate(seen: Seen) -> _Line:
    used, limit = seen.tasks_per_second, seen.limits.max_api_calls_per_second
    return "tasks/s", limit, used, "average of the last minute", seen.ended(Outcome.RATE_LIMITED)


def _execution(seen: Seen) -> _Line:
    limit, hits = seen.limits.max_execution_time_seconds, seen.ended(Outcome.TIMEOUT)
    return "s", limit, seen.longest_seconds, "longest success of the last hour", hits


def _concurrent(seen: Seen) -> _Line:
    return "tasks", seen.limits.max_concurrent_tasks, seen.swarm.gate.running, "now", seen.swarm.gate.waited


def _queued(seen: Seen) -> _Line:
    return "tasks", seen.limits.max_queued_tasks, seen.swarm.gate.queued, "now", seen.ended(Outcome.BUSY)


def _load(seen: Seen) -> _Line:
    return "s", seen.limits.max_load_seconds, seen.swarm.load_seconds, "the last load", 0


def _log(seen: Seen) -> _Line:
    log = seen.swarm.runtime.log
    return "By/s", seen.limits.max_log_bytes_per_second, log.used_bytes(time.monotonic_ns()), "last second", log.dropped


def _payload(seen: Seen) -> _Line:
    peak = seen.totals.peak_payload_bytes or None
    return "By", seen.limits.max_payload_bytes, peak, "largest of one task", 0


def _module(seen: Seen) -> _Line:
    return "By", seen.limits.max_module_bytes, seen.swarm.runtime.program.info.size_bytes, "the module", 0


def _fuel(seen: Seen) -> _Line:
    used, hits = seen.totals.peak_fuel or None, seen.ended(Outcome.FUEL_EXHAUSTED)
    return "instructions", seen.limits.max_fuel, used, "most of one task", hits


_LINES: Final[Mapping[str, Callable[[Seen], _Line]]] = {
    "max_memory_mb": _memory,
    "max_cpu_percent": _cpu,
    "max_api_calls_per_second": _rate,
    "max_execution_time_seconds": _execution,
    "max_concurrent_tasks": _concurrent,
    "max_queued_tasks": _queued,
    "max_load_seconds": _load,
    "max_log_bytes_per_second": _log,
    "max_payload_mb": _payload,
    "max_module_mb": _module,
    "max_fuel": _fuel,
}


def uses(seen: Seen) -> tuple[LimitUse, ...]:
    """A line for each limit, in the order of the contract."""
    return tuple(_use(name, line(seen)) for name, line in _LINES.items())


def _use(name: str, line: _Line) -> LimitUse:
    unit, limit, used, measured, hits = line
    return LimitUse(
        name=name,
        unit=unit,
        used=None if used is None else float(used),
        limit=None if limit is None else float(limit),
        ratio=used / limit if used is not None and limit else None,
        measured=measured,
        hits=hits,
    )
