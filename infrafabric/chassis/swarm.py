"""A loaded swarm: its contract, its runtime in the engine, its limits, and what it has used so far."""

from __future__ import annotations

import copy
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.chassis.recent import RecentFailures
from infrafabric.errors import Outcome
from infrafabric.limits import Gate
from infrafabric.telemetry import BRIDGE

if TYPE_CHECKING:
    from infrafabric.chassis.policy import Policy
    from infrafabric.chassis.results import Figures, TaskResult
    from infrafabric.chassis.task import Task
    from infrafabric.contract import ServiceContract, TaskContract
    from infrafabric.engine import Function, SwarmRuntime
    from infrafabric.limits import MemoryLedger, RateLimiter
    from infrafabric.telemetry import Series, SloEngine


class Totals:
    """What all tasks of a swarm have used together. The swarm's lock guards it."""

    execution_ns = cpu_ns = queue_ns = throttled_ns = 0
    log_records = log_dropped = host_calls = throttled_tasks = 0
    peak_memory_bytes = peak_payload_bytes = peak_fuel = 0

    def add(self, figures: Figures) -> None:
        """Add one task; what most tasks use nothing of is looked at first."""
        _, queue_ns, execution_ns, cpu_ns, throttled_ns, memory_bytes, fuel, host_calls, *log, payload_bytes = figures
        self.execution_ns += execution_ns
        self.cpu_ns += cpu_ns
        self.queue_ns += queue_ns
        if memory_bytes > self.peak_memory_bytes:
            self.peak_memory_bytes = memory_bytes
        if payload_bytes > self.peak_payload_bytes:
            self.peak_payload_bytes = payload_bytes
        if fuel is not None and fuel > self.peak_fuel:
            self.peak_fuel = fuel
        if throttled_ns:
            self.throttled_ns += throttled_ns
            self.throttled_tasks += 1
        if host_calls:
            self.host_calls += host_calls
            self.log_records += log[0]
            self.log_dropped += log[2]

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


@attrs.frozen(kw_only=True)
class TaskPlan:
    """How an export is called, worked out once: what the contract says of it (None: nothing), and its defaults.

    ``without_params`` is the convention and the encoded parameters of a call with none, where no other call is
    possible; None where parameters have to be looked at.
    """

    function: Function
    terms: TaskContract | None
    abi: str | None
    returns: str
    without_params: tuple[Any, Any] | None


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
        #: From the first byte read to the end of its first instance.
        self.load_seconds = 0.0
        self.slo = slo
        #: The engines of tasks that have objectives of their own.
        self.task_slos = task_slos
        #: None where the contract only observes; the chassis sets it when it takes the swarm in.
        self.policy: Policy | None = None
        self._series: dict[str | None, Series] = {}
        self.gate = Gate(limits.max_concurrent_tasks, limits.max_queued_tasks)
        #: None when nothing can be overspent.
        self.cpu_share = runtime.terms.governor
        self.ledger = ledger
        #: Memory promised to each running task; 0 where a kept instance was promised its own at load.
        self.promise_bytes = promise_bytes
        self.kept_promise_bytes = kept_promise_bytes
        self.max_execution_ns = limits.max_execution_time_ns
        #: The tasks that were called so far.
        self.plans: dict[str, TaskPlan] = {}
        #: What `TaskResult.metadata` is made of.
        self.result_context = (contract.version, limits)
        #: What took its place, for tasks that find its gate closed.
        self.successor: LoadedSwarm | None = None
        self.loaded_at = time.time()
        self._loaded_ns = time.monotonic_ns()
        #: Tasks that wait or run, for cancellation.
        self.tasks: set[Task] = set()
        self._lock = threading.Lock()
        self._successes = 0
        #: The other outcomes, by code.
        self._outcomes: dict[str, int] = {}
        self._totals = Totals()
        #: The last failures of the swarm's id.
        self.recent = RecentFailures()
        #: Failed tasks by who has to act.
        self._blames: dict[str, int] = {}

    def plan(self, task_name: str) -> TaskPlan | None:
        """How an export is called; None when there is none of that name that can be."""
        function, terms = self.runtime.function(task_name), self.contract.tasks.get(task_name)
        if function is None:
            return None
        if terms is None:
            plain = self.runtime.prepare_without_params(function)
            plan = TaskPlan(function=function, terms=None, abi=None, returns="auto", without_params=plain)
        else:
            named = _named(function, terms)
            plan = TaskPlan(function=named, terms=terms, abi=terms.abi, returns=terms.returns, without_params=None)
        return self.plans.setdefault(task_name, plan)

    def record(self, outcome: Outcome, figures: Figures) -> None:
        """Add one ended task to the totals."""
        with self._lock:
            if outcome is Outcome.SUCCESS:
                self._successes += 1
            else:
                self._outcomes[outcome.code] = self._outcomes.get(outcome.code, 0) + 1
            self._totals.add(figures)

    def failed(self, result: TaskResult, trace_id: str | None) -> None:
        """Remember how a task failed: apart from its totals, so that those that succeed pay nothing for it."""
        self.recent.add(result, trace_id)
        with self._lock:
            self._blames[result.blame.value] = self._blames.get(result.blame.value, 0) + 1

    def blames(self) -> dict[str, int]:
        """The failed tasks by who has to act: a copy."""
        with self._lock:
            return dict(sorted(self._blames.items()))

    def follow(self, old: LoadedSwarm) -> None:
        """Go on with the last failures and log records of the swarm that this one replaces."""
        self.recent = old.recent
        self.runtime.log.recent = old.runtime.log.recent

    def named(self, function: Function) -> Function:
        """An export of the module with its parameters named as the contract names them, where it does."""
        terms = self.contract.tasks.get(function.name)
        return function if terms is None else _named(function, terms)

    @property
    def uptime_seconds(self) -> float:
        """How long it has been loaded."""
        return (time.monotonic_ns() - self._loaded_ns) / 1e9

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
            outcomes, totals = dict(self._outcomes), copy.copy(self._totals)
            if self._successes:
                outcomes[Outcome.SUCCESS.code] = self._successes
            return outcomes, totals

    def stats(self) -> dict[str, Any]:
        """The figures that `IFChassis.get_runtime_stats` returns."""
        outcomes, totals = self.counts()
        contract = self.contract
        return {
            "swarm_id": self.swarm_id,
            "loaded_at": self.loaded_at,
            "uptime_seconds": self.uptime_seconds,
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
