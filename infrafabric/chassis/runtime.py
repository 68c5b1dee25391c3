"""`IFChassis`: loads swarms under contracts, runs their tasks, and tells how they do."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import warnings
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any, Self

import attrs

from infrafabric.chassis.arguments import check_call, check_swarm, not_loaded
from infrafabric.chassis.figures import SwarmFigures
from infrafabric.chassis.futures import TaskFuture
from infrafabric.chassis.loading import load
from infrafabric.chassis.objectives import Objectives
from infrafabric.chassis.refusal import Refused, Superseded
from infrafabric.chassis.reporter import Reporter
from infrafabric.chassis.task import Task
from infrafabric.chassis.witness import Witness
from infrafabric.chassis.workers import Workers
from infrafabric.contract.defaults import DeploymentDefaults
from infrafabric.contract.files import check_file
from infrafabric.engine import (
    SCRIBE,
    CacheRefusedError,
    CodeCache,
    EngineInfo,
    default_cache_folder,
    engine_info,
    entry,
)
from infrafabric.errors import (
    ChassisClosedError,
    ContractError,
    InfraFabricError,
    ModuleError,
    SwarmAlreadyLoaded,
    escape,
)
from infrafabric.limits import RateLimiter, RateStorage, open_rate_storage, process_ledger
from infrafabric.schemas.capability import calculate_capability_overlap
from infrafabric.telemetry import BRIDGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.chassis.reporter import ChangeObserver, Observer
    from infrafabric.chassis.results import TaskResult
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.contract import ServiceContract
    from infrafabric.dashboard.serving import DashboardServer
    from infrafabric.telemetry import SloSnapshot

_log = logging.getLogger("infrafabric.chassis")


@attrs.frozen
class SwarmMatch:
    """A loaded swarm, and which share of the required capabilities it offers: above 0, at most 1."""

    swarm_id: str
    overlap: float


class IFChassis:
    """Runs swarms under their contracts. Thread-safe; close it, or use it as a context manager.

    ``witness_enabled``: lifecycle events on the logger ``infrafabric.witness``. ``cache_dir``: where compiled code is
    kept (default: the user's cache folder; it must be private). ``rate_storage``: what rates are counted in: None for
    this process, or ``redis://...`` to share them (extra ``redis``). ``observers``: called with each `TaskResult`.
    ``state_dir``: a folder of this chassis's own, where the SLO history is kept between runs; None: in memory.
    ``on_slo_change``: called with each `StateChange` of an alert or objective and each `EnforcementChange`.

    >>> from infrafabric.testing import ADDER
    >>> with IFChassis() as chassis:
    ...     chassis.load_swarm("adder", ADDER, ServiceContract("adder", ["testing:unit"]))
    ...     chassis.execute_task("adder", "add", [2, 3]).output
    True
    5
    """

    def __init__(
        self,
        *,
        witness_enabled: bool = True,
        cache_dir: str | Path | None = None,
        rate_storage: str | RateStorage | None = None,
        observers: Iterable[Observer] = (),
        state_dir: str | Path | None = None,
        on_slo_change: ChangeObserver | None = None,
    ) -> None:
        self._closed = True  # until everything below stands
        self._generation = entry.process_generation
        self._swarms: dict[str, LoadedSwarm] = {}
        self._loading: set[str] = set()
        self._lock = threading.Lock()
        self._witness = Witness(enabled=witness_enabled)
        self._reporter = Reporter(self._witness, tuple(observers), on_slo_change)
        self._figures = SwarmFigures()
        self._workers = Workers()
        self._cache = _open_cache(cache_dir)
        self._rate_storage = (
            open_rate_storage(rate_storage) if rate_storage is None or isinstance(rate_storage, str) else rate_storage
        )
        self._objectives = Objectives(state_dir, self._witness, self._reporter)
        self._dashboards: list[DashboardServer] = []
        BRIDGE.watch(self._figures)
        self._closed = False

    # --- what is there -------------------------------------------------------------------------------

    @property
    def engine(self) -> EngineInfo:
        """The engine that runs the guests: its name, version and pool."""
        return engine_info()

    @property
    def witness_enabled(self) -> bool:
        """Whether lifecycle events are written."""
        return self._witness.enabled

    @property
    def swarm_runtimes(self) -> dict[str, LoadedSwarm]:
        """The loaded swarms by id, in load order: a copy."""
        return dict(self._swarms)

    @property
    def contracts(self) -> dict[str, ServiceContract]:
        """The contracts of the loaded swarms by id, in load order: a copy."""
        return {swarm_id: swarm.contract for swarm_id, swarm in self.swarm_runtimes.items()}

    def list_loaded_swarms(self) -> list[str]:
        """The ids of the loaded swarms, in load order."""
        return list(self._swarms)

    def get_swarm_contract(self, swarm_id: str) -> ServiceContract | None:
        """The contract of a loaded swarm; None when it is not loaded."""
        swarm = self._swarms.get(swarm_id)
        return swarm.contract if swarm is not None else None

    def get_runtime_stats(self, swarm_id: str) -> dict[str, Any] | None:
        """What a loaded swarm is and has used, as plain data; None when it is not loaded.

        Keys: ``swarm_id loaded_at uptime_seconds contract_version capabilities resource_limits module_sha256
        tasks_total tasks_by_outcome tasks_running tasks_queued usage enforcement`` (None where the contract only
        observes).
        """
        swarm = self._swarms.get(swarm_id)
        return swarm.stats() if swarm is not None else None

    def slo(self, swarm_id: str, task_name: str | None = None) -> SloSnapshot | None:
        """How a loaded swarm, or a task of it, does against its objectives.

        None when the swarm is not loaded, or its contract gives the task no ``slos`` of its own.
        """
        swarm = self._swarms.get(swarm_id)
        return self._objectives.snapshot(swarm, task_name) if swarm is not None else None

    def serve_dashboard(self, host: str = "127.0.0.1", port: int = 0, token: str | None = None) -> DashboardServer:
        """Serve the dashboard from a thread until it, or the chassis, is closed; its ``url`` says where.

        ``port`` 0 takes a free one. ``token``: what whoever looks has to know; needed where ``host`` is more than this
        machine. Raises ValueError for host, port or token, OSError for a taken address, ImportError without the extra.
        """
        self._check_open()
        from infrafabric.dashboard.missing import require_extra  # noqa: PLC0415 - an extra, and above this package

        require_extra()
        from infrafabric.dashboard.serving import serve_dashboard  # noqa: PLC0415 - as above

        server = serve_dashboard(self, host=host, port=port, token=token)
        self._dashboards.append(server)
        return server

    def exclude_from_slo(
        self, swarm_id: str, *, reason: str, author: str, start: float | None = None, end: float | None = None
    ) -> int:
        """Keep what happens between two times (epoch seconds) from burning a swarm's budgets, as in maintenance.

        ``start`` None is now, ``end`` None lasts until `end_slo_exclusion`. Returns the exclusion's number. Snapshots
        show raw and adjusted values, reason and author. Raises `SwarmNotLoadedError`, and ValueError for what is wrong
        with times or texts.
        """
        return self._swarm(swarm_id).slo.exclude(start, end, reason=reason, author=author)

    def end_slo_exclusion(self, swarm_id: str, number: int) -> None:
        """End a running exclusion now. LookupError when there is none of that number, ValueError when it ended."""
        self._swarm(swarm_id).slo.end_exclusion(number)

    # --- loading -------------------------------------------------------------------------------------

    def load_swarm(self, swarm_id: str, wasm_module: bytes, contract: ServiceContract) -> bool:
        """Load a module under a contract: all or nothing. Returns True.

        Raises `ContractError`, `SwarmIdMismatch` or `SwarmAlreadyLoaded` (all ValueError), or a `ModuleError` (a
        RuntimeError, "WASM compilation failed for ...") when the module cannot run under the contract.
        """
        self._check_open()
        check_swarm(swarm_id, wasm_module, contract)
        with self._lock:
            if swarm_id in self._swarms or swarm_id in self._loading:
                raise SwarmAlreadyLoaded(f"Swarm '{escape(swarm_id)}' already loaded")
            self._loading.add(swarm_id)
        try:
            swarm = self._load("load", wasm_module, contract)
            with self._lock:
                self._check_open()
                self._adopt(swarm, None)
        finally:
            self._loading.discard(swarm_id)
        self._witness.event("loaded", swarm_id, **_facts(swarm))
        return True

    def load_contract(self, path: str | Path) -> str:
        """Load the swarm of a contract file with the module it names (``module.path``). Returns the swarm's id.

        The module lies in the contract's folder and has the digest that the contract states. What the contract leaves
        open is filled in from the deployment's defaults (``IFCHASSIS_*``), as on the command line. Raises
        `ContractError` for either file, and what `load_swarm` raises.
        """
        self._check_open()
        began_ns = time.monotonic_ns()
        try:
            contract = check_file(path, defaults=DeploymentDefaults.load()).require()
        except InfraFabricError as error:
            self._reporter.load_ended("validate", began_ns, error)
            raise
        self._reporter.load_ended("validate", began_ns, None)
        if contract.module is None:
            raise ContractError(f"{path}: the contract names no module; add module: {{path: ...}}, or use load_swarm")
        module = contract.module.read(Path(path).parent, contract.resource_limits.max_module_bytes)
        self.load_swarm(contract.swarm_id, module, contract)
        return contract.swarm_id

    def find_swarms(self, required: Iterable[str]) -> list[SwarmMatch]:
        """The loaded swarms that offer any of the ``required`` capabilities, best first, then in load order."""
        wanted = tuple(required)
        matches = [
            SwarmMatch(swarm_id, calculate_capability_overlap(contract.capabilities, wanted))
            for swarm_id, contract in self.contracts.items()
        ]
        return sorted((match for match in matches if match.overlap > 0), key=lambda match: -match.overlap)

    def replace_swarm(self, swarm_id: str, wasm_module: bytes, contract: ServiceContract) -> bool:
        """Swap a loaded swarm for another module or contract, at once and completely. Returns True.

        Tasks that run or wait finish on the old one; every later call sees the new one. On failure (errors as in
        `load_swarm`) the old one stays. Raises `SwarmNotLoadedError` when there is none.
        """
        self._check_open()
        check_swarm(swarm_id, wasm_module, contract)
        self._swarm(swarm_id)
        swarm = self._load("replace", wasm_module, contract)
        with self._lock:
            old = self._swarms.get(swarm_id)
            if old is not None:
                self._adopt(swarm, old)
                old.successor = swarm
        if old is None:
            swarm.retire()
            raise not_loaded(swarm_id)
        old.gate.close(cancel_queued=False)
        self._workers.start(lambda: self._left(old))
        self._witness.event("replaced", swarm_id, old_version=old.contract.version, **_facts(swarm))
        return True

    def _load(self, operation: str, wasm_module: bytes, contract: ServiceContract) -> LoadedSwarm:
        swarm_id, limits, began_ns = contract.swarm_id, contract.resource_limits, time.monotonic_ns()
        try:
            swarm = load(
                bytes(wasm_module),
                contract,
                cache=self._cache,
                rate=RateLimiter(limits.max_api_calls_per_second, swarm_id, storage=self._rate_storage),
                ledger=process_ledger(),
                slo=self._objectives.engine_for(contract),
                task_slos=self._objectives.of_tasks(contract),
                workers=self._workers,
            )
        except InfraFabricError as error:
            self._witness.event("load_failed", swarm_id, level=logging.WARNING, error=str(error), code=error.code)
            self._reporter.load_ended(operation, began_ns, error)
            if isinstance(error, ModuleError):
                error.args = (f"WASM compilation failed for '{escape(swarm_id)}': {error.args[0]}", *error.args[1:])
            raise
        self._reporter.load_ended(operation, began_ns, None)
        return swarm

    def _adopt(self, swarm: LoadedSwarm, old: LoadedSwarm | None) -> None:
        """Take a swarm in that has loaded; every later call sees it."""
        self._objectives.adopt(swarm, old)
        self._figures.loaded(swarm)
        self._swarms[swarm.swarm_id] = swarm

    def unload_swarm(self, swarm_id: str, *, timeout_seconds: float | None = None, cancel: bool = False) -> bool:
        """Unload a swarm and wait for its running tasks; queued ones end as cancelled. False when it is not loaded.

        Tasks still running after ``timeout_seconds`` (None: however long they take; with ``cancel``: at once) are
        cancelled.
        """
        self._check_open()
        with self._lock:
            swarm = self._swarms.pop(swarm_id, None)
        if swarm is None:
            return False
        self._retire(swarm, timeout_seconds=0.0 if cancel else timeout_seconds)
        self._witness.event("unloaded", swarm_id)
        return True

    def _retire(self, swarm: LoadedSwarm, *, timeout_seconds: float | None) -> None:
        swarm.gate.close(cancel_queued=True)
        if not swarm.gate.wait_idle(timeout_seconds):
            for task in list(swarm.tasks):
                task.cancel()
        self._figures.unloaded(swarm)
        self._left(swarm)
        SCRIBE.flush()

    def _left(self, swarm: LoadedSwarm) -> None:
        """After the last task of a swarm: free what it had, keep what it counted."""
        swarm.retire()
        self._figures.retired(swarm)
        self._objectives.leave(swarm)

    # --- running -------------------------------------------------------------------------------------

    def execute_task(
        self,
        swarm_id: str,
        task_name: str,
        task_params: Any = None,
        timeout_seconds: float | None = None,
        *,
        check: bool = True,
        wait: bool = False,
    ) -> TaskResult:
        """Run one task and wait for its result.

        ``task_params``: a list of numbers, or anything JSON can hold, text or bytes (see the calling conventions).
        ``timeout_seconds`` may shorten ``max_execution_time_seconds``, not lengthen it. ``wait=True`` waits for the
        rate within the deadline instead of being refused. Raises a `TaskError` ("Task execution failed: ...") that
        carries the result, unless ``check=False``; `SwarmNotLoadedError` and TypeError are always raised.
        """
        task = self._new_task(swarm_id, task_name, timeout_seconds)
        result = None
        try:
            if get_ident() != entry.MAIN_THREAD:
                result = self._run(task, task_params, wait=wait)
            else:
                with entry.Shielded():  # signals wait until the task has ended and everything is given back
                    result = self._run(task, task_params, wait=wait)
        finally:
            self._reporter.task_ended(task, result)
        return result if not check or result.ok else result.raise_for_status()

    def _run(self, task: Task, task_params: Any, *, wait: bool) -> TaskResult:
        try:
            while True:
                try:
                    task.prepare(task_params)
                    task.admit(wait=wait)
                    break
                except Superseded:
                    task.follow()
                except Refused as refused:
                    return task.refuse(refused)
            return task.execute(self._workers)
        except BaseException:
            task.abandon()
            raise

    def submit_task(
        self,
        swarm_id: str,
        task_name: str,
        task_params: Any = None,
        timeout_seconds: float | None = None,
        *,
        check: bool = True,
        wait: bool = False,
    ) -> TaskFuture:
        """Run one task on another thread: a future whose ``result()`` is that of `execute_task`.

        ``cancel()`` stops a running guest. A refusal is the future's, not this call's.
        """
        task = self._new_task(swarm_id, task_name, timeout_seconds)
        future = TaskFuture(task, self._workers, check=check, ended=self._reporter.task_ended)
        with entry.Shielded():
            future.begin(task_params, wait=wait)
        return future

    async def execute_task_async(
        self,
        swarm_id: str,
        task_name: str,
        task_params: Any = None,
        timeout_seconds: float | None = None,
        *,
        check: bool = True,
        wait: bool = False,
    ) -> TaskResult:
        """Run one task without blocking the event loop. Cancelling the awaiter stops the guest."""
        future = self.submit_task(swarm_id, task_name, task_params, timeout_seconds, check=check, wait=wait)
        return await asyncio.wrap_future(future)

    def _new_task(self, swarm_id: str, task_name: str, timeout_seconds: float | None) -> Task:
        if self._closed or self._generation != entry.process_generation:
            self._check_open()
        if timeout_seconds is not None or type(task_name) is not str:
            check_call(task_name, timeout_seconds)
        entry.require_room()
        task = Task(self._swarm(swarm_id), task_name, timeout_seconds)
        if BRIDGE.tracing is not None or task.called_ns >= BRIDGE.look_ns:
            self._reporter.task_began(task)
        return task

    def _swarm(self, swarm_id: str) -> LoadedSwarm:
        try:
            return self._swarms[swarm_id]
        except KeyError:
            raise not_loaded(swarm_id) from None

    # --- the end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Cancel what runs, unload everything, and refuse further use. May be called again."""
        with self._lock:
            if self._closed or self._generation != entry.process_generation:
                self._closed = True
                return
            self._closed = True
            swarms, self._swarms = list(self._swarms.values()), {}
        for dashboard in self._dashboards:
            dashboard.close()
        for swarm in swarms:
            self._retire(swarm, timeout_seconds=0.0)
            self._witness.event("unloaded", swarm.swarm_id)
        self._workers.close()
        self._objectives.close()
        self._rate_storage.close()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if not getattr(self, "_closed", True):
            _warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
            self._closed = True
            if self._generation == entry.process_generation:
                self._objectives.abandon()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._swarms)} swarms"
        return f"<IFChassis: {state}>"

    def _check_open(self) -> None:
        if self._generation != entry.process_generation:
            raise ChassisClosedError(
                "this chassis belongs to the process that made it; make a new one in the forked child"
            )
        if self._closed:
            raise ChassisClosedError("this chassis is closed; make a new one")


def _open_cache(cache_dir: str | Path | None) -> CodeCache | None:
    """The code cache. A folder that was asked for must be usable; without the default one, each load compiles."""
    try:
        return CodeCache(Path(cache_dir) if cache_dir is not None else default_cache_folder())
    except (CacheRefusedError, RuntimeError) as error:
        if cache_dir is not None:
            raise ValueError(f"cache_dir: {error}") from None
        _log.warning("compiled code is not kept: %s", error)
        return None


def _facts(swarm: LoadedSwarm) -> dict[str, Any]:
    return {"contract_version": swarm.contract.version, "module_sha256": swarm.runtime.program.info.sha256}
