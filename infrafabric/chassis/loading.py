"""From bytes and a contract to a loaded swarm: all or nothing.

What can be decided from the bytes alone is decided first (`infrafabric.wasm`), then the imports, then the memory of
the host; only then does the compile child see the module, and only what it made is linked and probed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.chassis.swarm import LoadedSwarm
from infrafabric.engine import (
    SCRIBE,
    CodeCache,
    Grants,
    NoRoomError,
    Sandbox,
    SwarmLog,
    SwarmRuntime,
    check_imports,
    load_program,
)
from infrafabric.engine.abi import fits
from infrafabric.errors import CompileLimitExceeded, ContractError, InvalidModule, ModuleTooLarge, escape
from infrafabric.limits import CpuShare
from infrafabric.wasm import ModuleInfo, inspect_module

if TYPE_CHECKING:
    from infrafabric.chassis.workers import Workers
    from infrafabric.contract import ServiceContract
    from infrafabric.engine.program import Program
    from infrafabric.limits import MemoryLedger, RateLimiter
    from infrafabric.telemetry import SloEngine

_MIB = 1 << 20


def read_module(data: bytes, contract: ServiceContract) -> ModuleInfo:
    """What the module is, once it is known that the contract and this engine can hold it. Raises `ModuleError`."""
    limits = contract.resource_limits
    if len(data) > limits.max_module_bytes:
        raise ModuleTooLarge(f"the module has {len(data):,} bytes; max_module_mb allows {limits.max_module_mb} MiB")
    info = inspect_module(data)
    if info.kind == "component":
        raise InvalidModule("it is a component: not yet supported by this engine; build a core module")
    _check_memories(info, contract)
    check_imports(info, Grants(log=contract.permissions.log, wasi=contract.permissions.wasi == "inert"))
    return info


def _check_memories(info: ModuleInfo, contract: ServiceContract) -> None:
    for what, items in (("memories", info.memories), ("tables", info.tables)):
        if len(items) > 1:
            raise InvalidModule(f"it has {len(items)} {what}; this engine runs modules with one")
    for memory in info.memories:
        if memory.shared or memory.is_64:
            raise InvalidModule(
                f"its memory is {'shared' if memory.shared else '64-bit'}, which this engine does not run"
            )
        if memory.minimum_bytes > contract.resource_limits.max_memory_bytes:
            raise ModuleTooLarge(
                f"it declares {memory.minimum_bytes / _MIB:g} MiB of memory; "
                f"max_memory_mb allows {contract.resource_limits.max_memory_mb} MiB"
            )


def _check_tasks(program: Program, contract: ServiceContract) -> None:
    """Refuse promises about tasks that the module does not have, or that cannot be called as promised."""
    for name, promised in contract.tasks.items():
        function = program.tasks.get(name)
        if function is None:
            exported = ", ".join(escape(task, 40) for task in sorted(program.tasks)[:12]) or "no tasks"
            raise ContractError(f"tasks.{escape(name, 100)}: the module does not export it (it exports {exported})")
        if promised.abi is None:
            continue
        reason = next(
            fit.reason for fit in fits(function, has_memory=program.memory_name is not None) if fit.abi == promised.abi
        )
        if reason is not None:
            raise ContractError(f"tasks.{escape(name, 100)}.abi: '{promised.abi}' does not fit the export: {reason}")


def _promise_bytes(program: Program, contract: ServiceContract) -> int:
    """Memory that one running instance may come to use."""
    host_grows = program.memory_name is not None and program.allocator is None
    if not program.info.memories or not (program.may_grow or host_grows):
        return program.initial_memory_bytes
    return program.grown_memory_bytes(contract.resource_limits.max_memory_bytes)


def load(
    data: bytes,
    contract: ServiceContract,
    *,
    cache: CodeCache | None,
    rate: RateLimiter,
    ledger: MemoryLedger,
    slo: SloEngine,
    task_slos: dict[str, SloEngine],
    workers: Workers,
) -> LoadedSwarm:
    """A swarm that has shown that it starts. Raises `ModuleError` or `ContractError`; nothing is left behind then."""
    limits = contract.resource_limits
    began_ns = time.monotonic_ns()
    deadline_ns = began_ns + limits.max_load_ns
    info = read_module(data, contract)
    program = load_program(
        info,
        data,
        fuel=limits.max_fuel is not None,
        deterministic=contract.execution.deterministic,
        cache=cache,
        timeout_seconds=(deadline_ns - time.monotonic_ns()) / 1e9,
    )
    if time.monotonic_ns() >= deadline_ns:
        raise CompileLimitExceeded(f"compiling it took all of max_load_seconds = {limits.max_load_seconds:g}")
    _check_tasks(program, contract)
    promise_bytes = _promise_bytes(program, contract)
    if not ledger.could_ever_fit(promise_bytes):
        figures = ledger.figures(promise_bytes)
        raise ModuleTooLarge(
            f"one instance may use {promise_bytes / _MIB:.0f} MiB and the host has "
            f"{figures.total_bytes / _MIB:.0f} MiB; lower max_memory_mb"
        )
    sandbox = Sandbox(
        memory_bytes=limits.max_memory_bytes,
        payload_bytes=limits.max_payload_bytes,
        fuel=limits.max_fuel,
        deterministic=contract.execution.deterministic,
    )
    kept = contract.execution.instance == "swarm"
    log = SwarmLog(contract.swarm_id, limits.max_log_bytes_per_second)
    share = CpuShare(limits.max_cpu_percent, max_concurrent_tasks=limits.max_concurrent_tasks)
    governor = None if share.is_unlimited else share
    runtime = SwarmRuntime(program, sandbox, log, keep_instance=kept, governor=governor)
    if not ledger.try_promise(promise_bytes):
        figures = ledger.figures(promise_bytes)
        raise ModuleTooLarge(
            f"its first instance may use {promise_bytes / _MIB:.0f} MiB; the host has "
            f"{figures.available_bytes / _MIB:.0f} MiB free and {figures.promised_bytes / _MIB:.0f} MiB promised"
        )
    probed = False
    try:
        try:
            runtime.probe(deadline_ns)
        except NoRoomError:  # this thread's stack is too small for a guest; a worker's is not
            workers.call(runtime.probe, deadline_ns, on_interrupt=lambda: None)
        probed = True
    finally:
        if not probed:
            SCRIBE.flush()  # what the guest said of its failure comes before the error
        if not (kept and probed):
            ledger.release(promise_bytes)
    swarm = LoadedSwarm(
        contract,
        runtime,
        rate=rate,
        ledger=ledger,
        promise_bytes=0 if kept else promise_bytes,
        kept_promise_bytes=promise_bytes if kept else 0,
        slo=slo,
        task_slos=task_slos,
    )
    swarm.load_seconds = (time.monotonic_ns() - began_ns) / 1e9
    return swarm
