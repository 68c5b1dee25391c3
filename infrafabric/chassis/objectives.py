"""The SLO engines of a chassis: one for each swarm id, and for each task with objectives of its own.

An engine outlives the swarm it measures: loaded again, a swarm goes on with its history, and with a state folder so
does the next run of the program. Keeping the engine in the loaded swarm was rejected: a replacement would forget.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from infrafabric.chassis.history import HistoryFolder
from infrafabric.chassis.keeper import Keeper
from infrafabric.chassis.policy import Policy
from infrafabric.telemetry import ObjectiveTargets, SloEngine

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.chassis.reporter import Reporter
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.chassis.witness import Witness
    from infrafabric.contract import ServiceContract
    from infrafabric.telemetry import SloSnapshot


#: So many histories of swarms that are not loaded are kept in memory, of about 115 KB each; those left longest ago go
#: first. With a state folder they are on disk.
MAX_LEFT = 500


class Objectives:
    """Gives swarms their engines, and has them judged and saved while they are loaded. Thread-safe."""

    def __init__(self, state_dir: str | Path | None, witness: Witness, reporter: Reporter) -> None:
        self._lock = threading.Lock()
        self._engines: dict[str, SloEngine] = {}
        #: How many loaded swarms count into an engine: two while one replaces the other.
        self._users: dict[str, int] = {}
        #: The subjects of engines into which none does, in the order in which they were left.
        self._left: dict[str, None] = {}
        self._reporter = reporter
        self._keeper = Keeper(HistoryFolder(state_dir) if state_dir is not None else None, witness)

    def engine_for(self, contract: ServiceContract, task_name: str | None = None) -> SloEngine:
        """The engine of a swarm about to be loaded, or of its task: the one it has, else a new one with its history."""
        subject = subject_of(contract.swarm_id, task_name)
        known = self._engines.get(subject)
        if known is not None:
            return known
        engine = SloEngine(targets(contract, task_name), subject=subject)
        self._keeper.recall(engine)
        engine.alerts.subscribe(self._reporter.slo_changed)
        return engine

    def of_tasks(self, contract: ServiceContract) -> dict[str, SloEngine]:
        """The engines of the tasks that have objectives of their own, by name."""
        return {
            name: self.engine_for(contract, name) for name, terms in contract.tasks.items() if terms.slos is not None
        }

    def adopt(self, swarm: LoadedSwarm, old: LoadedSwarm | None) -> None:
        """Once a swarm is loaded: its history goes on under the targets of its contract, and so does its policy."""
        for task_name, engine in _engines_of(swarm):
            with self._lock:
                self._engines[engine.subject] = engine
                self._users[engine.subject] = self._users.get(engine.subject, 0) + 1
                self._left.pop(engine.subject, None)
            wanted = targets(swarm.contract, task_name)
            if engine.targets != wanted:
                engine.retarget(wanted)
            self._keeper.watch(engine)
        if old is not None:
            self._leave_policy(old)  # its history is left when its last task has ended
        terms = swarm.contract.enforcement
        if not terms.observes_only:
            swarm.policy = policy = Policy(terms, swarm.swarm_id, self._reporter.enforcement_changed)
            policy.watch(swarm.slo)

    def leave(self, swarm: LoadedSwarm) -> None:
        """The swarm's last task has ended: save its history; without a successor it is watched no more."""
        self._leave_policy(swarm)
        for _, engine in _engines_of(swarm):
            self._keeper.release(engine.subject)
            self._leave(engine.subject)

    def _leave(self, subject: str) -> None:
        with self._lock:
            users = self._users.pop(subject, 1) - 1
            if users:
                self._users[subject] = users
                return
            self._left[subject] = None
            while len(self._left) > MAX_LEFT:
                oldest = next(iter(self._left))
                del self._left[oldest]
                self._engines.pop(oldest, None)

    def snapshot(self, swarm: LoadedSwarm, task_name: str | None) -> SloSnapshot | None:
        """How a swarm does, or a task of it; None when the task has no objectives of its own."""
        engine = swarm.slo if task_name is None else swarm.task_slos.get(task_name)
        if engine is None:
            return None
        policy = swarm.policy
        return engine.snapshot(enforcement="closed" if policy is None else policy.state.value)

    def close(self) -> None:
        """Save everything; another chassis may have the folder then."""
        self._keeper.close()

    def abandon(self) -> None:
        """End without saving: the chassis was forgotten."""
        self._keeper.abandon()

    @staticmethod
    def _leave_policy(swarm: LoadedSwarm) -> None:
        if swarm.policy is not None:
            swarm.policy.unwatch()


def subject_of(swarm_id: str, task_name: str | None) -> str:
    """What an engine measures, in one text: ids hold no slash."""
    return swarm_id if task_name is None else f"{swarm_id}/{task_name}"


def targets(contract: ServiceContract, task_name: str | None = None) -> ObjectiveTargets:
    """The contract's objectives, or those of a task that has its own, as the SLO engine takes them."""
    own = contract.tasks[task_name].slos if task_name is not None else None
    slos = contract.slos if own is None else own.over(contract.slos)
    return ObjectiveTargets(
        target_latency_ms=slos.target_latency_ms,
        target_throughput_rps=slos.target_throughput_rps,
        target_availability_percent=slos.target_availability_percent,
        latency_objective_percent=slos.latency_objective_percent,
        throughput_objective_percent=slos.throughput_objective_percent,
        period_seconds=slos.period_seconds,
    )


def _engines_of(swarm: LoadedSwarm) -> tuple[tuple[str | None, SloEngine], ...]:
    return ((None, swarm.slo), *swarm.task_slos.items())
