"""Every instrument and span there is: its name, kind, unit, meaning and attributes. The reference page is checked here.

Names follow OpenTelemetry's conventions: seconds, bytes and ``{things}``, and ``error.type`` only on failure.
"""

from __future__ import annotations

from typing import Final

import attrs

SPAN: Final = "infrafabric.task"
#: The event of a span for each line that its guest logged.
LOG_EVENT: Final = "infrafabric.guest.log"
#: The span of a change of an objective, an alert or a budget policy, and its events.
CHANGE_SPAN: Final = "infrafabric.change"
STATE_EVENT: Final = "infrafabric.slo.state_changed"
ENFORCEMENT_EVENT: Final = "infrafabric.enforcement_changed"

SWARM: Final = "infrafabric.swarm.id"
TASK: Final = "infrafabric.task.name"
VERSION: Final = "infrafabric.contract.version"
ERROR: Final = "error.type"
REASON: Final = "infrafabric.refusal.reason"
OBJECTIVE: Final = "infrafabric.slo.objective"
RESULT: Final = "infrafabric.slo.result"
WINDOW: Final = "infrafabric.slo.window"
ALERT: Final = "infrafabric.slo.alert"
SEVERITY: Final = "infrafabric.slo.severity"
STATE: Final = "infrafabric.slo.state"
OPERATION: Final = "infrafabric.load.operation"
OUTCOME: Final = "infrafabric.load.outcome"
LEVEL: Final = "infrafabric.guest.log.level"
MESSAGE: Final = "infrafabric.guest.log.message"

#: What an attribute says when there would be too many different ones.
OTHER: Final = "_OTHER"

#: Bounds of durations in seconds: those of OpenTelemetry's HTTP conventions.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


@attrs.frozen(kw_only=True)
class Instrument:
    """One instrument. ``kind`` is OpenTelemetry's: histogram, counter, gauge or updowncounter."""

    name: str
    kind: str
    unit: str
    meaning: str
    attributes: tuple[str, ...]


DURATION: Final = Instrument(
    name="infrafabric.task.duration",
    kind="histogram",
    unit="s",
    meaning="How long a task that got an instance ran, however it ended.",
    attributes=(SWARM, TASK, ERROR),
)
LOAD: Final = Instrument(
    name="infrafabric.load.duration",
    kind="histogram",
    unit="s",
    meaning="How long loading or replacing a swarm took, or reading its contract's file, and how that ended.",
    attributes=(OPERATION, OUTCOME, ERROR),
)
ACTIVE: Final = Instrument(
    name="infrafabric.task.active",
    kind="updowncounter",
    unit="{task}",
    meaning="Tasks that run now.",
    attributes=(SWARM,),
)
REFUSED: Final = Instrument(
    name="infrafabric.task.refused",
    kind="counter",
    unit="{task}",
    meaning="Tasks turned away before any guest code ran.",
    attributes=(SWARM, REASON),
)
MEMORY_USAGE: Final = Instrument(
    name="infrafabric.swarm.memory.usage",
    kind="gauge",
    unit="By",
    meaning="The most linear memory that one instance has used since the swarm was loaded.",
    attributes=(SWARM,),
)
MEMORY_LIMIT: Final = Instrument(
    name="infrafabric.swarm.memory.limit",
    kind="gauge",
    unit="By",
    meaning="Linear memory that the contract allows one instance (max_memory_mb).",
    attributes=(SWARM,),
)
CPU: Final = Instrument(
    name="infrafabric.swarm.cpu.time",
    kind="counter",
    unit="s",
    meaning="CPU time that ended tasks spent inside the guest.",
    attributes=(SWARM,),
)
LOG_DROPPED: Final = Instrument(
    name="infrafabric.swarm.log.dropped",
    kind="counter",
    unit="{record}",
    meaning="Log records of the guest dropped over max_log_bytes_per_second.",
    attributes=(SWARM,),
)
EVENTS: Final = Instrument(
    name="infrafabric.slo.events",
    kind="counter",
    unit="{event}",
    meaning="Good and bad events of an objective.",
    attributes=(SWARM, TASK, OBJECTIVE, RESULT),
)
OBJECTIVE_RATIO: Final = Instrument(
    name="infrafabric.slo.objective",
    kind="gauge",
    unit="1",
    meaning="Share of events that must be good.",
    attributes=(SWARM, TASK, OBJECTIVE),
)
SLI: Final = Instrument(
    name="infrafabric.slo.sli",
    kind="gauge",
    unit="1",
    meaning="Share of events of the period that were good; absent without events.",
    attributes=(SWARM, TASK, OBJECTIVE),
)
BURN_RATE: Final = Instrument(
    name="infrafabric.slo.burn_rate",
    kind="gauge",
    unit="1",
    meaning="How many times faster than the budget allows a window burns.",
    attributes=(SWARM, TASK, OBJECTIVE, WINDOW),
)
REMAINING: Final = Instrument(
    name="infrafabric.slo.error_budget.remaining",
    kind="gauge",
    unit="1",
    meaning="Share of the error budget that is left; below zero when overspent.",
    attributes=(SWARM, TASK, OBJECTIVE),
)
ALERT_STATE: Final = Instrument(
    name="infrafabric.slo.alert.state",
    kind="gauge",
    unit="1",
    meaning="1 for the state that an alert is in; without an alert's name: the objective as a whole.",
    attributes=(SWARM, TASK, OBJECTIVE, ALERT, SEVERITY, STATE),
)

#: All of them, in the order of the reference page.
INSTRUMENTS: Final = (
    DURATION,
    ACTIVE,
    REFUSED,
    LOAD,
    MEMORY_USAGE,
    MEMORY_LIMIT,
    CPU,
    LOG_DROPPED,
    EVENTS,
    OBJECTIVE_RATIO,
    SLI,
    BURN_RATE,
    REMAINING,
    ALERT_STATE,
)
