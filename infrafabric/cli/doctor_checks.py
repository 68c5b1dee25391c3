"""What `doctor` looks at: one function a check, each saying what it found and what to do about it.

A check looks at the real thing: it compiles, runs and stops a guest instead of reading settings that should make that
work. A new one is a function and a line of `CHECKS`; it may raise, which is a failure with the error's words.
"""

from __future__ import annotations

import faulthandler
import platform
import resource
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import attrs

import infrafabric
from infrafabric.cli.units import show_seconds, show_size
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable

Status = Literal["ok", "warn", "fail"]

#: ``(module)``: the smallest there is.
EMPTY = bytes.fromhex("0061736d01000000")
#: ``(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))``
ADDER = bytes.fromhex("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b")
#: ``(module (func (export "spin") (loop br 0)))``
SPINNER = bytes.fromhex(
    "0061736d01000000010401600000030201000708010473 70696e00000a0901070003400c000b0b".replace(" ", "")
)

_DEADLINE_SECONDS = 0.05
#: A deadline that is missed by more than this is worth a warning; idle machines miss it by a millisecond.
_LATE_SECONDS = 0.05
#: Each kept instance, compile and connection needs some.
_FEW_FILES = 256


@attrs.frozen
class Finding:
    """What one check found. ``advice`` is the next step where all is not well."""

    check: str
    status: Status
    found: str
    advice: str = ""


def _python() -> Finding:
    name = platform.python_implementation()
    found = f"{name} {platform.python_version()} on {platform.system()} {platform.machine()}"
    if name != "CPython":
        return Finding("python", "warn", found, "only CPython is tested")
    return Finding("python", "ok", f"{found}; infrafabric {infrafabric.__version__}")


def _wasmtime() -> Finding:
    from infrafabric.engine import binding  # noqa: F401, PLC0415 - loading its library is the check

    return Finding("wasmtime", "ok", _version("wasmtime"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"


def _address_space() -> Finding:
    from infrafabric.engine import engines  # noqa: PLC0415 - the check before says why it cannot be loaded

    if engines.address_space_is_tight():
        return Finding(
            "address space",
            "warn",
            "limited: every access of a guest to its memory is checked in code",
            "lift the limit (ulimit -v unlimited) for faster guests",
        )
    return Finding("address space", "ok", "a terabyte can be reserved")


def _pool() -> Finding:
    from infrafabric.engine import engines  # noqa: PLC0415 - as above

    slots = engines.pool_slots()
    found = f"{slots:,} of {engines.POOL_SLOTS:,} slots for fresh instances"
    if slots == engines.POOL_SLOTS:
        return Finding("instance pool", "ok", found)
    return Finding(
        "instance pool",
        "warn",
        found,
        "more instances are made on demand, which takes about 15 µs longer: allow more address space (ulimit -v)",
    )


def _compile_child() -> Finding:
    from infrafabric.engine.compiler import COMPILER  # noqa: PLC0415 - as above
    from infrafabric.engine.engines import code_kind  # noqa: PLC0415 - as above

    started = time.monotonic()
    COMPILER.compile(EMPTY, code_kind(), 30.0)
    first = time.monotonic()
    COMPILER.compile(EMPTY, code_kind(), 30.0)
    warm = time.monotonic() - first
    return Finding("compiler", "ok", f"ready in {show_seconds(first - started)}, then {show_seconds(warm)} a module")


def _cache() -> Finding:
    from infrafabric.engine import CacheRefusedError, CodeCache, default_cache_folder  # noqa: PLC0415 - as above
    from infrafabric.engine.cache import MAX_CACHE_BYTES  # noqa: PLC0415 - as above

    try:
        folder = CodeCache(default_cache_folder()).folder
    except (CacheRefusedError, RuntimeError) as error:
        return Finding("code cache", "warn", escape(str(error)), "without it, every process compiles each module anew")
    sizes = [path.stat().st_size for path in folder.iterdir() if path.is_file()]
    held = f"{len(sizes):,} files, {show_size(sum(sizes))} of {show_size(MAX_CACHE_BYTES)}"
    return Finding("code cache", "ok", f"{escape(str(folder))}: private; {held}")


def _task() -> Finding:
    from infrafabric.chassis import IFChassis, ServiceContract  # noqa: PLC0415 - as above

    with IFChassis(witness_enabled=False) as chassis:
        chassis.load_swarm("adder", ADDER, ServiceContract("adder"))
        chassis.execute_task("adder", "add", [2, 3])
        result = chassis.execute_task("adder", "add", [2, 3])
    if result.output != 5:
        return Finding("task", "fail", f"2 + 3 was {result.output!r:.40} in a guest", "please report it")
    return Finding("task", "ok", f"2 + 3 took a fresh guest {show_seconds(result.execution_time_seconds)}")


def _deadline() -> Finding:
    from infrafabric.chassis import IFChassis, ServiceContract  # noqa: PLC0415 - as above

    contract = ServiceContract("spinner", resource_limits={"max_cpu_percent": 100})
    with IFChassis(witness_enabled=False) as chassis:
        chassis.load_swarm("spinner", SPINNER, contract)
        result = chassis.execute_task("spinner", "spin", timeout_seconds=_DEADLINE_SECONDS, check=False)
    took = result.usage.wall_seconds
    found = f"a guest that spins ended after {show_seconds(took)}; its deadline was {show_seconds(_DEADLINE_SECONDS)}"
    if result.status != "timeout":
        return Finding("deadline", "fail", f"a guest that spins ended as {result.status}", "please report it")
    if took > _DEADLINE_SECONDS + _LATE_SECONDS:
        return Finding("deadline", "warn", found, "the machine is busy: leave it a core, or look again later")
    return Finding("deadline", "ok", found)


def _ticker() -> Finding:
    from infrafabric.engine import engines  # noqa: PLC0415 - as above

    engine = engines.engine_for(engines.code_kind(), pooled=True) or engines.on_demand_engine(engines.code_kind())
    ticker = engine.ticker
    ticker.arm()
    if not ticker.is_ticking():
        return Finding(
            "ticker", "fail", "its ticks do not arrive", "guests cannot be stopped in time: please report it"
        )
    if ticker.native:
        return Finding("ticker", "ok", "the kernel's timer: busy Python threads cannot delay it")
    advice = "deadlines may come late beside busy Python threads"
    return Finding("ticker", "warn" if sys.platform == "linux" else "ok", "a Python thread", advice)


def _stack() -> Finding:
    from infrafabric.engine import entry  # noqa: PLC0415 - as above

    large: list[bool] = []
    thread = threading.Thread(target=lambda: large.append(entry.THREAD.has_stack))
    thread.start()
    thread.join()
    needed = show_size(entry.MIN_STACK_BYTES)
    if large == [True] and entry.THREAD.has_stack:
        return Finding("thread stacks", "ok", f"{needed} or more, so that guests run where they are called")
    whose = "the main thread's is" if large == [True] else "those of new threads are"
    return Finding(
        "thread stacks",
        "warn",
        f"{whose} smaller than {needed}: each task called there is handed to another thread (40 µs)",
        "raise ulimit -s, or threading.stack_size",
    )


def _faulthandler() -> Finding:
    if faulthandler.is_enabled():
        return Finding("faulthandler", "ok", "on: before each task the engine puts its own signal handlers back")
    return Finding("faulthandler", "ok", "off")


def _memory() -> Finding:
    from infrafabric.contract.resource_limits import ResourceLimits  # noqa: PLC0415 - as above
    from infrafabric.limits import process_ledger  # noqa: PLC0415 - as above

    default = ResourceLimits().max_memory_bytes
    ledger = process_ledger()
    figures = ledger.figures(default)
    room = max(figures.available_bytes - figures.reserve_bytes, 0)
    found = (
        f"{show_size(room)} of {show_size(figures.total_bytes)} for guests: {room // default:,} with the default limit"
    )
    if room < default:
        return Finding("host memory", "warn", found, f"lower max_memory_mb ({default >> 20}), or free memory")
    return Finding("host memory", "ok", found)


def _process_limits() -> Finding:
    files, processes = _limit(resource.RLIMIT_NOFILE), _limit(resource.RLIMIT_NPROC)
    cpu = _limit(resource.RLIMIT_CPU)
    found = f"{_shown(files)} files, {_shown(processes)} processes, {_shown(cpu)} CPU seconds"
    if files is not None and files < _FEW_FILES:
        return Finding("process limits", "warn", found, f"allow {_FEW_FILES} files or more (ulimit -n)")
    if cpu is not None:
        return Finding("process limits", "warn", found, "the process ends when they are used (ulimit -t)")
    return Finding("process limits", "ok", found)


def _limit(which: int) -> int | None:
    soft, _ = resource.getrlimit(which)
    return None if soft == resource.RLIM_INFINITY else soft


def _shown(limit: int | None) -> str:
    return "unlimited" if limit is None else f"{limit:,}"


#: In the order in which they build on each other.
CHECKS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("python", _python),
    ("wasmtime", _wasmtime),
    ("address space", _address_space),
    ("instance pool", _pool),
    ("compiler", _compile_child),
    ("code cache", _cache),
    ("task", _task),
    ("ticker", _ticker),
    ("deadline", _deadline),
    ("thread stacks", _stack),
    ("faulthandler", _faulthandler),
    ("host memory", _memory),
    ("process limits", _process_limits),
)


def examine(checks: tuple[tuple[str, Callable[[], Finding]], ...] = CHECKS) -> list[Finding]:
    """The findings of all checks; one that raises is a failure, and the others go on."""
    findings = []
    for name, check in checks:
        try:
            findings.append(check())
        except Exception as error:  # noqa: BLE001 - the error is the finding
            why = escape(f"{type(error).__name__}: {error}")
            findings.append(Finding(name, "fail", why, "reinstall infrafabric, or report it with this line"))
    return findings
