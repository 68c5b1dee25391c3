"""Every limit of a contract, just inside and just outside: what is granted is had, and not one bit more."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.attack.party.results import answering
from infrafabric.attack.party.sleep import sleeping
from infrafabric.errors import CompileLimitExceeded, ModuleTooLarge, SwarmInitError
from infrafabric.testing import contract, wat

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis, TaskResult

_MIB = 1 << 20
_MS = 1_000_000
_PAGES_PER_MIB = 16

_GROWER = """(module (memory (export "memory") {pages}) (func (export "run") (param i32) (result i32)
  (memory.grow (local.get 0))))"""
_ECHO = (
    """(module (memory (export "memory") {pages}) (func (export "run") (param i32 i32) (result i32) (local.get 1)))"""
)
_SPIN = '(module (func (export "run") (loop (br 0))))'
_LOG = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (func (export "run") (param i32) (call $log (i32.const 0) (local.get 0))))"""
_COUNTED = """(module (func (export "run") (local i32)
  (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))))"""
#: Fuel of one round of that loop: it is looked at where code repeats or calls, not after each instruction.
_ONE_ROUND = 8


def run(
    chassis: IFChassis, module: str | bytes, params: Any = None, *, task: str = "run", tasks: Any = None, **limits: Any
) -> TaskResult:
    """Load the module under these limits and run one task."""
    data = wat(module) if isinstance(module, str) else module
    chassis.load_swarm("swarm", data, contract("swarm", resource_limits=limits, tasks=tasks or {}))
    return chassis.execute_task("swarm", task, params, check=False)


# --- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mib", "loads"), [(2, True), (1, False)], ids=["at the limit", "a page over"])
def test_declared_memory(chassis: IFChassis, mib: int, *, loads: bool) -> None:
    """A module may declare exactly what is granted."""
    module = wat(f"(module (memory {mib * _PAGES_PER_MIB + (0 if loads else 1)}))")
    if loads:
        assert chassis.load_swarm("swarm", module, contract("swarm", resource_limits={"max_memory_mb": mib}))
    else:
        with pytest.raises(ModuleTooLarge, match="max_memory_mb"):
            chassis.load_swarm("swarm", module, contract("swarm", resource_limits={"max_memory_mb": mib}))


@pytest.mark.parametrize("kept", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize(("pages", "answer"), [(15, 1), (16, -1)], ids=["at the limit", "a page over"])
def test_grown_memory(chassis: IFChassis, pages: int, answer: int, *, kept: bool) -> None:
    """A guest grows to exactly what is granted, and the usage says so."""
    granted = contract(
        "swarm", resource_limits={"max_memory_mb": 1}, execution={"instance": "swarm" if kept else "task"}
    )
    chassis.load_swarm("swarm", wat(_GROWER.format(pages=1)), granted)
    result = chassis.execute_task("swarm", "run", [pages])
    assert result.output == answer
    assert result.usage.peak_memory_bytes == (_MIB if answer == 1 else 65536)


@pytest.mark.parametrize(
    ("size", "status"), [(65536, "success"), (65537, "memory_exceeded")], ids=["the last page", "a byte more"]
)
def test_memory_that_the_host_grows_for_parameters(chassis: IFChassis, size: int, status: str) -> None:
    """Without an allocator, parameters fit into what the guest may still grow, or it is over its limit."""
    result = run(chassis, _ECHO.format(pages=15), b"x" * size, max_memory_mb=1)
    assert result.status == status


# --- payload ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "status"), [(_MIB, "success"), (_MIB + 1, "invalid_params")], ids=["at the limit", "a byte over"]
)
def test_parameters(chassis: IFChassis, size: int, status: str) -> None:
    """Parameters may have exactly max_payload_mb, and more is the caller's mistake."""
    assert run(chassis, _ECHO.format(pages=1), b"x" * size, max_payload_mb=1).status == status


@pytest.mark.parametrize(
    ("size", "status"), [(_MIB, "success"), (_MIB + 1, "invalid_result")], ids=["at the limit", "a byte over"]
)
def test_answers(chassis: IFChassis, size: int, status: str) -> None:
    """An answer may have exactly max_payload_mb."""
    tasks = {"run": {"returns": "bytes"}}
    result = run(chassis, answering(b"x" * size), b"", tasks=tasks, max_payload_mb=1)
    assert result.status == status
    if result.ok:
        assert len(result.output) == size


@pytest.mark.parametrize(
    ("pieces", "status"), [(16, "success"), (17, "invalid_result")], ids=["at the limit", "a piece over"]
)
def test_output_of_a_command(chassis: IFChassis, pieces: int, status: str) -> None:
    """A command may write exactly max_payload_mb."""
    module = f"""(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 2) (data (i32.const 0) "\\80\\00\\00\\00\\00\\00\\01\\00")
      (func (export "_start") (local i32)
        (loop (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
          (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const {pieces}))))))"""
    assert run(chassis, module, task="_start", max_payload_mb=1).status == status


# --- time ------------------------------------------------------------------------------------------


@pytest.mark.timing
@pytest.mark.parametrize(("sleep_ms", "status"), [(60, "success"), (400, "timeout")], ids=["before", "after"])
def test_execution_time(chassis: IFChassis, sleep_ms: int, status: str) -> None:
    """A task has max_execution_time_seconds, and ends right after it."""
    result = run(chassis, sleeping(sleep_ms * _MS), max_execution_time_seconds=0.2)
    assert result.status == status
    assert result.usage.wall_seconds < 0.3


@pytest.mark.timing
@pytest.mark.parametrize(("sleep_ms", "loads"), [(50, True), (900, False)], ids=["before", "after"])
def test_load_time(chassis: IFChassis, sleep_ms: int, *, loads: bool) -> None:
    """A start function has max_load_seconds."""
    module = wat(sleeping(sleep_ms * _MS).replace('(func (export "run") (call $sleep))', "(start $sleep)"))
    granted = contract("swarm", resource_limits={"max_load_seconds": 0.5})
    started = time.monotonic()
    if loads:
        assert chassis.load_swarm("swarm", module, granted)
    else:
        with pytest.raises((SwarmInitError, CompileLimitExceeded), match="max_load_seconds"):
            chassis.load_swarm("swarm", module, granted)
    assert time.monotonic() - started < 1.0


@pytest.mark.timing
@pytest.mark.parametrize(("percent", "low", "high"), [(10, 0.05, 0.12), (50, 0.2, 0.54), (100, 0.2, 1.01)])
def test_cpu_share(chassis: IFChassis, percent: int, low: float, high: float) -> None:
    """A spinning guest gets its share of a core over a second: not much less, and no more than a burst above."""
    result = run(chassis, _SPIN, max_cpu_percent=percent, max_execution_time_seconds=1.0)
    share = result.usage.cpu_seconds / result.usage.wall_seconds
    assert low < share < high
    assert (result.usage.throttled_seconds > 0) == (percent < 100)


# --- rate, concurrency, queue ----------------------------------------------------------------------


def test_rate(chassis: IFChassis) -> None:
    """Of a burst exactly max_api_calls_per_second are admitted, and one more a second after the first."""
    module = '(module (func (export "run")))'
    chassis.load_swarm("swarm", wat(module), contract("swarm", resource_limits={"max_api_calls_per_second": 20}))
    statuses = [chassis.execute_task("swarm", "run", check=False).status for _ in range(21)]
    assert statuses == ["success"] * 20 + ["rate_limited"]
    refused = chassis.execute_task("swarm", "run", check=False)
    assert refused.error is not None
    assert refused.error.retry_after_seconds is not None
    time.sleep(refused.error.retry_after_seconds)
    assert chassis.execute_task("swarm", "run", check=False).ok


def test_concurrency_and_queue(chassis: IFChassis) -> None:
    """So many run, so many wait, and the next one is refused at once."""
    limits = {"max_concurrent_tasks": 3, "max_queued_tasks": 2, "max_execution_time_seconds": 30.0}
    chassis.load_swarm("swarm", wat(sleeping(10**18)), contract("swarm", resource_limits=limits))
    futures = [chassis.submit_task("swarm", "run", check=False) for _ in range(5)]
    stats = chassis.get_runtime_stats("swarm")
    assert stats is not None
    assert (stats["tasks_running"], stats["tasks_queued"]) == (3, 2)
    assert chassis.execute_task("swarm", "run", check=False).status == "busy"
    for future in futures:
        future.cancel()
    assert {future.result(10).status for future in futures} == {"cancelled"}


def test_never_more_at_once_than_granted(chassis: IFChassis) -> None:
    """However many threads ask, no more guests are inside than max_concurrent_tasks."""
    limits = {"max_concurrent_tasks": 2, "max_queued_tasks": 100, "max_execution_time_seconds": 30.0}
    chassis.load_swarm("swarm", wat(sleeping(5 * _MS)), contract("swarm", resource_limits=limits))
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, (chassis.get_runtime_stats("swarm") or {})["tasks_running"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    futures = [chassis.submit_task("swarm", "run") for _ in range(30)]
    assert all(future.result(30).ok for future in futures)
    done.set()
    watcher.join()
    assert most == 2


# --- log, module, fuel -----------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "kept"), [(968, 1), (969, 0)], ids=["all of the budget", "a byte more"])
def test_log_bytes(chassis: IFChassis, size: int, kept: int) -> None:
    """A record takes its bytes and 32 more of max_log_bytes_per_second; what does not fit is counted, not kept."""
    usage = run(chassis, _LOG, [size], max_log_bytes_per_second=1000).usage
    assert (usage.log_records, usage.log_dropped) == (kept, 1 - kept)


@pytest.mark.parametrize(("extra", "loads"), [(0, True), (1, False)], ids=["at the limit", "a byte over"])
def test_module_size(chassis: IFChassis, extra: int, *, loads: bool) -> None:
    """A module may have exactly max_module_mb."""
    head = wat("(module)")
    size = _MIB + extra - len(head) - 4  # section number, and three bytes of length
    module = (
        head + b"\0" + bytes((size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14)) + b"\x01x" + b"." * (size - 2)
    )
    assert len(module) == _MIB + extra
    granted = contract("swarm", resource_limits={"max_module_mb": 1})
    if loads:
        assert chassis.load_swarm("swarm", module, granted)
    else:
        with pytest.raises(ModuleTooLarge, match="max_module_mb"):
            chassis.load_swarm("swarm", module, granted)


def test_fuel(chassis: IFChassis) -> None:
    """A task may use exactly max_fuel: with a round of its loop less it ends."""
    needed = run(chassis, _COUNTED, max_fuel=100_000).usage.fuel
    assert needed is not None
    chassis.unload_swarm("swarm")
    result = run(chassis, _COUNTED, max_fuel=needed)
    assert (result.status, result.usage.fuel) == ("success", needed)
    chassis.unload_swarm("swarm")
    assert run(chassis, _COUNTED, max_fuel=needed - _ONE_ROUND).status == "fuel_exhausted"
