"""Why a task ended before an instance was taken: every such ending with its sentence, its numbers and the next step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.chassis.policy import PolicyState
from infrafabric.errors import Outcome, escape
from infrafabric.limits import Refusal, Wait

if TYPE_CHECKING:
    from infrafabric.chassis.policy import Turned
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.errors import ContractValidationError

_MIB = 1 << 20
#: So many tasks of a swarm are named to a caller who asked for another.
_NAMED_TASKS = 12
#: So many mistakes in its parameters are told to a caller.
_NAMED_MISTAKES = 5


class Refused(Exception):
    """Inside the chassis: the task ends before an instance was taken."""

    def __init__(self, outcome: Outcome, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(outcome, message, retry_after_seconds)
        self.outcome = outcome
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class Superseded(Exception):
    """Inside the chassis: the swarm was replaced before the task had a place in it; it belongs to the new one."""


def unknown_task(swarm: LoadedSwarm, name: str) -> Refused:
    """The swarm exports no such task, or none that can be called."""
    program = swarm.runtime.program
    text = f"Task '{escape(name, 100)}' not exported by swarm '{escape(swarm.swarm_id)}'"
    export = program.info.export(name)
    names = sorted(program.tasks)
    if export is not None and export.kind == "func":
        text += f" as a task: {escape(str(export.type), 100)} cannot be called, or belongs to the runtime"
    elif names:
        listed = ", ".join(escape(task, 40) for task in names[:_NAMED_TASKS])
        text += f"; it exports {listed}" + (" ..." if len(names) > _NAMED_TASKS else "")
    else:
        text += ", which exports no tasks"
    return Refused(Outcome.UNKNOWN_TASK, text)


def bad_params(name: str, error: ContractValidationError) -> Refused:
    """The parameters do not fit the schema that the contract has for them."""
    mistakes = "; ".join(str(problem) for problem in error.problems[:_NAMED_MISTAKES])
    more = len(error.problems) - _NAMED_MISTAKES
    if more > 0:
        mistakes += f"; and {more} more"
    return Refused(
        Outcome.INVALID_PARAMS,
        f"the parameters do not fit tasks.{escape(name, 100)}.params of the contract: {mistakes}",
    )


def rate_limited(swarm: LoadedSwarm, refusal: Refusal) -> Refused:
    """The rate of this second is used up."""
    seconds = refusal.retry_after_seconds
    if refusal.store_away:
        return Refused(
            Outcome.RATE_LIMITED,
            f"the shared store that counts the rate of swarm '{escape(swarm.swarm_id)}' does not answer, and was "
            f"opened to refuse then; try again in {seconds:.3f} s",
            seconds,
        )
    return Refused(
        Outcome.RATE_LIMITED,
        f"swarm '{escape(swarm.swarm_id)}' has admitted its {swarm.rate.rate_per_second} tasks of this second "
        f"(max_api_calls_per_second); try again in {seconds:.3f} s, or pass wait=True",
        seconds,
    )


def turned_away(swarm: LoadedSwarm, turned: Turned) -> Refused:
    """The contract's budget policy keeps the task out."""
    seconds, throttled = turned.retry_after_seconds, turned.state is PolicyState.THROTTLED
    return Refused(
        Outcome.RATE_LIMITED if throttled else Outcome.QUARANTINED,
        f"swarm '{escape(swarm.swarm_id)}' is {'throttled' if throttled else 'quarantined'} by its contract "
        f"(enforcement): {turned.reason}; try again in {seconds:.3f} s",
        seconds,
    )


def not_granted(swarm: LoadedSwarm, heard: Wait, called_ns: int) -> Refused:
    """The wait for a slot, or for the CPU debt, ended without one."""
    swarm_id, gate = escape(swarm.swarm_id), swarm.gate
    if heard is Wait.FULL:
        return Refused(
            Outcome.BUSY,
            f"swarm '{swarm_id}' runs {gate.max_concurrent} tasks and queues {gate.max_queued} "
            "(max_concurrent_tasks, max_queued_tasks): try again later",
        )
    if heard is Wait.EXPIRED:
        seconds = (time.monotonic_ns() - called_ns) / 1e9
        return Refused(
            Outcome.BUSY, f"the task expired after {seconds:.3f} s, before its turn in the queue of swarm '{swarm_id}'"
        )
    if heard is Wait.CLOSED:
        return Refused(Outcome.CANCELLED, f"swarm '{swarm_id}' was unloaded while the task was queued")
    return Refused(Outcome.CANCELLED, "the task was cancelled while it was queued")


def no_memory(swarm: LoadedSwarm) -> Refused:
    """The host has not the memory that this task may come to use."""
    figures = swarm.ledger.figures(swarm.promise_bytes)
    return Refused(
        Outcome.HOST_EXHAUSTED,
        f"the host has {figures.available_bytes / _MIB:.0f} MiB free, keeps {figures.reserve_bytes / _MIB:.0f} in "
        f"reserve and has promised {figures.promised_bytes / _MIB:.0f} MiB to running tasks: not enough for the "
        f"{figures.asked_bytes / _MIB:.0f} MiB this one may use (max_memory_mb)",
    )
