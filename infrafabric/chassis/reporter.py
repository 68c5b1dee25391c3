"""Step 7 of a task and everything else that is told: to the witness, to OpenTelemetry, to the application.

One object, which knows no chassis: futures, policies and the keeper's thread hold it, and a chassis that was
forgotten is still noticed. Nobody's failure to listen changes a result.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from infrafabric.errors import Outcome, escape
from infrafabric.telemetry import BRIDGE, AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.chassis.policy import EnforcementChange
    from infrafabric.chassis.results import TaskResult
    from infrafabric.chassis.task import Task
    from infrafabric.chassis.witness import Witness
    from infrafabric.errors import InfraFabricError
    from infrafabric.telemetry import StateChange

    #: Called with the result of every ended task, on the thread that ran it.
    Observer = Callable[[TaskResult], None]
    #: Called with what became of a swarm's objectives: states of alerts, and what the contract's policy does.
    ChangeObserver = Callable[[StateChange | EnforcementChange], None]

_log = logging.getLogger("infrafabric.chassis")

#: States that somebody has to look at.
_ALARMING = frozenset({AlertState.FIRING, AlertState.EXHAUSTED})


class Reporter:
    """Tells whoever wants to know."""

    def __init__(self, witness: Witness, observers: tuple[Observer, ...], on_slo_change: ChangeObserver | None) -> None:
        self._witness = witness
        self._observers = observers
        self._on_slo_change = on_slo_change

    def task_began(self, task: Task) -> None:
        """A task was called: its span begins here, on the caller's thread, below the caller's own."""
        if task.called_ns >= BRIDGE.look_ns:
            BRIDGE.look(task.called_ns)
        if BRIDGE.tracing is not None:
            try:
                task.trace = BRIDGE.tracing.begin(task.swarm.series(task.name))
            except Exception:  # noqa: BLE001 - an SDK's failure is no task's
                _log.exception("OpenTelemetry failed on a task of swarm '%s'", escape(task.swarm.swarm_id))

    def task_ended(self, task: Task, result: TaskResult | None) -> None:
        """A task has ended; with None, an exception that is not its own left it."""
        task.swarm.tasks.discard(task)
        if BRIDGE.live:
            self._measure(task, result)
        if result is None or (result.ok and not self._observers and not self._witness.listens()):
            return
        if result.outcome is not Outcome.SUCCESS:
            task.swarm.failed(result, None if task.trace is None else task.trace.trace_id)
        self._witness.task_ended(result)
        for observer in self._observers:
            try:
                observer(result)
            except Exception:  # noqa: BLE001 - whatever an observer raises is the application's
                _log.exception("an observer failed on a task of swarm '%s'", escape(result.swarm_id))

    def _measure(self, task: Task, result: TaskResult | None) -> None:
        """Record a task's duration and end its span."""
        try:
            trace, measuring = task.trace, BRIDGE.measuring
            ran = task.started_ns != 0
            if measuring is not None and ran and result is not None:
                measuring.duration(
                    task.swarm.series(task.name), result.outcome.code, result.execution_time_seconds, trace
                )
            if trace is None:
                return
            if result is None:
                trace.end("interrupted", "an exception left the call")
            else:
                error = result.error
                trace.say(task.started_ns or task.called_ns, result.logs)
                trace.end(*((error.code, error.message) if error is not None else ()))
        except Exception:  # noqa: BLE001 - an exporter's failure is no task's
            _log.exception("OpenTelemetry failed on a task of swarm '%s'", escape(task.swarm.swarm_id))

    def load_ended(self, operation: str, began_ns: int, error: InfraFabricError | None) -> None:
        """A load, a replacement or the reading of a contract has ended; times are monotonic."""
        now_ns = time.monotonic_ns()
        if now_ns >= BRIDGE.look_ns:
            BRIDGE.look(now_ns)
        if BRIDGE.measuring is not None:
            BRIDGE.measuring.load(operation, (now_ns - began_ns) / 1e9, None if error is None else error.code)

    def slo_changed(self, change: StateChange) -> None:
        """An alert, or an objective, came into another state."""
        level = logging.WARNING if change.current in _ALARMING else logging.INFO
        swarm_id, _, task_name = change.subject.partition("/")
        facts = {
            "task_name": task_name or None,
            "objective": change.objective,
            "tier": change.tier,
            "severity": change.severity,
            "previous": change.previous.value,
            "current": change.current.value,
            "long_burn_rate": change.long_burn_rate,
            "short_burn_rate": change.short_burn_rate,
            "number": change.number,
        }
        self._witness.event("slo_state_changed", swarm_id, level=level, **facts)
        if BRIDGE.tracing is not None:
            _contained(BRIDGE.tracing.slo_changed, swarm_id, facts)
        self._call(change)

    def enforcement_changed(self, change: EnforcementChange) -> None:
        """The policy of a contract came into another state."""
        level = logging.INFO if change.current == "closed" else logging.WARNING
        facts = {
            "previous": change.previous.value,
            "current": change.current.value,
            "reason": change.reason,
            "retry_after_seconds": change.retry_after_seconds,
            "number": change.number,
        }
        self._witness.event("enforcement_changed", change.swarm_id, level=level, **facts)
        if BRIDGE.tracing is not None:
            _contained(BRIDGE.tracing.enforcement_changed, change.swarm_id, facts)
        self._call(change)

    def _call(self, change: StateChange | EnforcementChange) -> None:
        if self._on_slo_change is None:
            return
        try:
            self._on_slo_change(change)
        except Exception:  # noqa: BLE001 - whatever it raises is the application's
            _log.exception("on_slo_change failed on: %s", change)


def _contained(tell: Callable[[str, dict[str, Any]], None], swarm_id: str, facts: dict[str, Any]) -> None:
    """Call OpenTelemetry: an exporter's failure changes nothing."""
    try:
        tell(swarm_id, facts)
    except Exception:  # noqa: BLE001 - whatever a provider raises is the application's
        _log.exception("OpenTelemetry failed on a change of swarm '%s'", escape(swarm_id))
