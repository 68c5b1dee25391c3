"""A loaded swarm: its contract, its runtime in the engine, its limits, and what it has used so far."""

from __future__ import annotations

import copy
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.limits import CpuShare, Gate, MemoryLedger, RateLimiter
from infrafabric.telemetry import BRIDGE

if TYPE_CHECKING:
    from infrafabric.chassis.policy import Policy
    from infrafabric.chassis.results import Figures
    from infrafabric.chassis.task import Task
    from infrafabric.contract import ServiceContract, TaskContract
    from infrafabric.engine import Function, SwarmRuntime
    from infrafabric.errors import Outcome
    from infrafabric.telemetry import Series, SloEngine


class Totals:
    """What all tasks of a swarm have used together. The swarm's lock guards it."""

    execution_ns = cpu_ns = queue_ns = throttled_ns = 0
    log_records = log_dropped = host_calls = 0
    peak_memory_bytes = 0

    def add(self, figures: Figures) -> None:
        """Add one task; what most tasks use nothing of is looked at first."""
        self.execution_ns += figures.execution_ns
        self.cpu_ns += figures.cpu_ns
        self.queue_ns += figures.queue_ns
        self.peak_memory_bytes = max(self.peak_memory_bytes, figures.peak_memory_bytes)
        if figures.throttled_ns:
            self.throttled_ns += figures.throttled_ns
        if figures.host_calls:
            self.host_calls += figures.host_calls
            self.log_records += figures.log_records
            self.log_dropped += figures.log_dropped

    def to_dict(self) -> dict[str, float]:
        """Plain data: seconds, bytes and counts."""
        return {
            "execution_seconds": self.execution_ns / 1e9,
            "cpu_seconds": self.cpu_ns / 1e9,
            "queue_seconds": self.queue_ns / 1e9,
            "throttled_seconds": self.throttled_ns / 1e9,
            "peak_memory_bytes": self.peak_memory_bytes,
            "log_records": self.log_records,
            "log_dropped": self.log_dropped,
            "host_calls": self.host_calls,
        }


@attrs.frozen
class PromisedTask:
    """An export with what the contract says about it."""

    function: Function
    terms: TaskContract


def _named(function: Function, terms: TaskContract) -> Function:
    """The export with its parameters named as the contract names them, where it names each."""
    names = terms.parameter_names
    if names is None or len(names) != len(function.type.params):
        return function
    return attrs.evolve(function, parameter_names=names)


class LoadedSwarm:
    """Everything a task of one swarm needs, worked out when the swarm was loaded."""

    def __init__(
        self,
        contract: ServiceContract,
        runtime: SwarmRuntime,
        *,
        rate: RateLimiter,
        ledger: MemoryLedger,
        promise_bytes: int,
        kept_promise_bytes: int,
        slo: SloEngine,
        task_slos: dict[str, SloEngine],
    ) -> None:
        limits = contract.resource_limits
        self.contract = contract
        self.swarm_id = contract.swarm_id
        self.runtime = runtime
        self.rate = rate
        self.slo = slo
        #: The engines of tasks that have objectives of their own.
        self.task_slos = task_slos
        #: None where the contract only observes; the chassis sets it when it takes the swarm in.
        self.policy: Policy | None = None
        self._series: dict[str | None, Series] = {}
        self.gate = Gate(limits.max_concurrent_tasks, limits.max_queued_tasks)
        share = CpuShare(limits.max_cpu_percent, max_concurrent_tasks=limits.max_concurrent_tasks)
        #: None when nothing can be overspent.
        self.cpu_share: CpuShare | None = None if share.is_unlimited else share
        self.ledger = ledger
        #: Memory promised to each running task; 0 where a kept instance was promised its own at load.
        self.promise_bytes = promise_bytes
        self.kept_promise_bytes = kept_promise_bytes
        self.max_execution_ns = limits.max_execution_time_ns
        #: The tasks that the contract says something about.
        self.promised = {
            name: PromisedTask(_named(runtime.program.tasks[name], terms), terms)
            for name, terms in contract.tasks.items()
        }
        #: What `TaskResult.metadata` is made of.
        self.result_context = (contract.version, limits)
        self.loaded_at = time.time()
        self._loaded_ns = time.monotonic_ns()
        #: Tasks that wait or run, for cancellation.
        self.tasks: set[Task] = set()
        self._lock = threading.Lock()
        self._outcomes: dict[str, int] = {}
        self._totals = Totals()

    def record(self, outcome: Outcome, figures: Figures) -> None:
        """Add one ended task to the totals."""
        code, outcomes = outcome.code, self._outcomes
        with self._lock:
            outcomes[code] = outcomes.get(code, 0) + 1
            self._totals.add(figures)

    def series(self, task_name: str) -> Series:
        """What spans and measurements of a task are marked with; names that are no task share one."""
        name = task_name if task_name in self.runtime.program.tasks else None
        known = self._series.get(name)
        if known is None:
            known = self._series[name] = BRIDGE.names.series(self.swarm_id, name, self.contract.version)
        return known

    def counts(self) -> tuple[dict[str, int], Totals]:
        """The tasks by outcome, and the totals, of one moment: copies."""
        with self._lock:
            return dict(self._outcomes), copy.copy(self._totals)

    def stats(self) -> dict[str, Any]:
        """The figures that `IFChassis.get_runtime_stats` returns."""
        outcomes, totals = self.counts()
        contract = self.contract
        return {
            "swarm_id": self.swarm_id,
            "loaded_at": self.loaded_at,
            "uptime_seconds": (time.monotonic_ns() - self._loaded_ns) / 1e9,
            "contract_version": contract.version,
            "capabilities": list(contract.capabilities),
            "resource_limits": dict(contract.resource_limits),
            "module_sha256": self.runtime.program.info.sha256,
            "tasks_total": sum(outcomes.values()),
            "tasks_by_outcome": dict(sorted(outcomes.items())),
            "tasks_running": self.gate.running,
            "tasks_queued": self.gate.queued,
            "usage": totals.to_dict(),
            "enforcement": self.policy.to_dict() if self.policy is not None else None,
        }

    def retire(self) -> None:
        """After the last task has left: free what the engine keeps, and the memory promised to it."""
        self.gate.wait_idle()
        self.runtime.close()
        promised, self.kept_promise_bytes = self.kept_promise_bytes, 0
        if promised:
            self.ledger.release(promised)
