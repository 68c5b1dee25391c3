"""One try of one attack: load the hostile module, ask its tasks, and note what does not hold.

A `Scene` is handed to the attack's own checks, so that what needs more than calls (threads, cancellation, a second
swarm) is a function of a few lines beside its guest.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from infrafabric.attack.attack import ANYTHING, LOADED, Attack, Call
from infrafabric.attack.judging import faults_of_load_error, faults_of_result
from infrafabric.contract import ServiceContract
from infrafabric.engine import SCRIBE
from infrafabric.errors import InfraFabricError, escape

if TYPE_CHECKING:
    import logging

    from infrafabric.attack.neighbour import Neighbour
    from infrafabric.attack.watching import LogWatch
    from infrafabric.chassis import IFChassis, TaskResult

#: The hostile swarm's id.
ATTACKER = "attacker"

#: Loading may end so much after max_load_seconds, and unloading take so much longer than its last task.
_LOAD_LATE_SECONDS = 1.0
_UNLOAD_SECONDS = 2.0


def contract_for(attack: Attack) -> ServiceContract:
    """What the hostile guest is granted: the defaults, with short times so that attacks end soon."""
    limits = {
        "max_execution_time_seconds": 0.15,
        "max_load_seconds": 2.0,
        "max_memory_mb": 32,
        "max_payload_mb": 1,
        "max_api_calls_per_second": 10_000,
        **attack.limits,
    }
    return ServiceContract(ATTACKER, resource_limits=limits, **attack.contract)


class Scene:
    """One try of one attack: what happened so far, for its checks to look at."""

    def __init__(self, attack: Attack, chassis: IFChassis, neighbour: Neighbour, log: LogWatch) -> None:
        self.attack = attack
        self.chassis = chassis
        self.neighbour = neighbour
        self.log = log
        self.swarm_id = ATTACKER
        self.contract = contract_for(attack)
        self.module = attack.module()
        self.endings: list[str] = []
        self.results: list[TaskResult] = []
        #: What is certainly wrong, and what a busy machine may have done.
        self.faults: list[str] = []
        self.doubts: list[str] = []

    @property
    def records(self) -> list[logging.LogRecord]:
        """What the logs got since the try began."""
        SCRIBE.flush(2.0)
        return list(self.log.records)

    def execute(self, task: str, params: Any = None, *, swarm_id: str = ATTACKER, **options: Any) -> TaskResult:
        """Run a task as any caller would; the result is looked at like those of the attack's own calls."""
        result = self.chassis.execute_task(swarm_id, task, params, check=False, **options)
        self.look_at(result)
        return result

    def look_at(self, result: TaskResult) -> None:
        """Judge one result by what has to hold always."""
        self.results.append(result)
        self.faults += faults_of_result(result, self.contract, self.attack.late_seconds)
        late = result.usage.wall_seconds - self.contract.resource_limits.max_execution_time_seconds
        if late > self.attack.late_seconds:
            self.doubts.append(f"{escape(result.task_name, 40)} ended {late * 1e3:.0f} ms after its deadline")

    def forget(self) -> None:
        """Let go of module and results, so that what is left in memory is what the host holds."""
        self.module = b""
        self.results.clear()

    # --- the steps of a try --------------------------------------------------------------------------

    def play(self) -> None:
        """Load, call, perform, check, unload."""
        if self._load():
            for call in self.attack.calls:
                self._call(call)
            if self.attack.perform is not None:
                self.faults += self.attack.perform(self)
        if self.attack.check is not None:
            self.faults += self.attack.check(self)
        started = time.monotonic()
        self.chassis.unload_swarm(ATTACKER, cancel=True)
        if time.monotonic() - started > self.attack.late_seconds + _UNLOAD_SECONDS:
            self.doubts.append(f"unloading took {time.monotonic() - started:.1f} s")

    def _load(self) -> bool:
        started, ending = time.monotonic(), LOADED
        try:
            self.chassis.load_swarm(ATTACKER, self.module, self.contract)
        except Exception as error:  # noqa: BLE001 - which errors are right is what is looked at
            ending = error.code if isinstance(error, InfraFabricError) else type(error).__name__
            self.faults += faults_of_load_error(error)
            if ending not in self.attack.load:
                self.faults.append(f"loading it: {escape(str(error), 300)}")
        seconds, limit = time.monotonic() - started, self.contract.resource_limits.max_load_seconds
        self.endings.append(ending if ending == LOADED else f"refused: {ending}")
        if ending not in self.attack.load:
            self.faults.append(f"loading ended as {ending}, expected {' or '.join(self.attack.load)}")
        if seconds > limit + _LOAD_LATE_SECONDS:
            self.doubts.append(f"loading took {seconds:.1f} s and may take {limit:g} s")
        return ending == LOADED

    def _call(self, call: Call) -> None:
        result = self.execute(call.task, call.params, timeout_seconds=call.timeout_seconds)
        task = escape(call.task, 40)
        self.endings.append(f"{task}: {result.status}")
        if result.status not in call.expect:
            why = f" ({escape(str(result.error), 200)})" if result.error else ""
            self.faults.append(f"{task} ended as {result.status}{why}, expected {' or '.join(call.expect)}")
        elif result.ok and call.output is not ANYTHING and result.output != call.output:
            self.faults.append(f"{task} answered {result.output!r:.80}, expected {call.output!r:.80}")
        if call.look is not None:
            self.faults += call.look(result)
