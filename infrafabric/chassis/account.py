"""What happened in a task: its figures, whom its ending blames, and the sentence that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.chassis.results import Failure, Figures
from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from infrafabric.chassis.refusal import Refused
    from infrafabric.chassis.task import Task
    from infrafabric.engine import Verdict

_SILENCE = (0, 0, 0)
_new_tuple = tuple.__new__


def figures_of(task: Task, now_ns: int) -> Figures:
    """The readings of a task for which an instance was taken."""
    log, called_ns, started_ns = task.said, task.called_ns, task.started_ns
    return _new_tuple(
        Figures,
        (
            now_ns - called_ns,
            started_ns - called_ns,
            now_ns - started_ns,
            task.cpu_ns,
            task.throttled_ns,
            task.peak_memory_bytes,
            task.fuel_used,
            task.host_calls,
            *(_SILENCE if log is None else (log.count, log.bytes, log.dropped)),
            task.payload_bytes,
        ),
    )


def failure_of_refusal(refused: Refused) -> Failure:
    """The failure of a task that never ran."""
    return Failure(
        code=refused.outcome.code,
        message=refused.message,
        blame=refused.outcome.blame,
        retry_after_seconds=refused.retry_after_seconds,
    )


def failure_of(task: Task, verdict: Verdict, figures: Figures) -> Failure:
    """The failure of a task whose guest did not return."""
    outcome, blame, message = verdict.outcome, verdict.outcome.blame, verdict.message
    if outcome is Outcome.TIMEOUT:
        blame = Blame.CALLER if task.caller_deadline else Blame.GUEST
        message = _overtime(task, figures)
    elif outcome is Outcome.FUEL_EXHAUSTED:
        message = f"it used all its {task.swarm.contract.resource_limits.max_fuel:,} fuel (max_fuel)"
    return Failure(
        code=outcome.code,
        message=message,
        blame=blame,
        trap_code=verdict.trap_code,
        backtrace=verdict.backtrace,
        guest_code=verdict.guest_code,
    )


def _overtime(task: Task, figures: Figures) -> str:
    limit = (task.deadline_ns - task.called_ns) / 1e9
    whose = "the caller's timeout_seconds" if task.caller_deadline else "max_execution_time_seconds"
    parts = [f"it did not finish within {limit:g} s ({whose})"]
    if figures.throttled_ns > figures.execution_ns // 10:
        percent = task.swarm.contract.resource_limits.max_cpu_percent
        parts.append(f"it was paused for {figures.throttled_ns / 1e9:.3f} s of that by max_cpu_percent = {percent:g}")
    if figures.queue_ns > figures.wall_ns // 10:
        parts.append(f"it waited {figures.queue_ns / 1e9:.3f} s before it could start")
    return "; ".join(parts)
