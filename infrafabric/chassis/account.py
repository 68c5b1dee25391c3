"""What happened in a task: its figures, whom its ending blames, and the sentence that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.chassis.results import Failure, Figures
from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from infrafabric.chassis.refusal import Refused
    from infrafabric.chassis.task import Task
    from infrafabric.engine import Run, Verdict


def figures_of(task: Task, run: Run, now_ns: int) -> Figures:
    """The readings of a task whose instance was taken at ``run.started_ns``."""
    log = run.said
    return Figures(
        now_ns - task.called_ns,
        run.started_ns - task.called_ns,
        now_ns - run.started_ns,
        run.cpu_ns,
        run.throttled_ns,
        run.peak_memory_bytes,
        run.fuel_used,
        run.host_calls,
        *((log.count, log.bytes, log.dropped) if log is not None else (0, 0, 0)),
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
