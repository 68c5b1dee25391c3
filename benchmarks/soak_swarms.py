"""The ten swarms of the soak: four that serve, and one of each misbehaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.chassis import ServiceContract
from infrafabric.testing import wat

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from infrafabric.chassis import TaskResult

_WASI = "wasi_snapshot_preview1"

_SERVER = """(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "echo") (param i32 i32) (result i64) (call $log (local.get 0) (local.get 1))
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "sum") (param i32) (result i64) (local i64)
    (loop (local.set 1 (i64.add (local.get 1) (i64.extend_i32_u (local.get 0))))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
  (func (export "count") (result i32) (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))"""

_SPINNER = '(module (func (export "run") (loop (br 0))))'

_GROWER = """(module (memory (export "memory") 1) (func (export "run")
  (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (memory.fill (i32.const 0) (i32.const 7) (i32.mul (memory.size) (i32.const 65536))) (unreachable)))"""

_TRAPPER = """(module (memory (export "memory") 1) (func $deep (call $deep))
  (func (export "run") (param i32)
    (if (i32.eqz (local.get 0)) (then (drop (i32.load (i32.const 70000)))))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.div_u (local.get 0) (i32.const 0)))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (call $deep)))
    (unreachable)))"""

_SHOUTER = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (data (i32.const 0) "\\1b[31m\\0a[WASM:server] forged\\e2\\80\\ae")
  (func (export "run") (loop (call $log (i32.const 0) (i32.const 30)) (br 0))))"""

_SLEEPER = f"""(module (import "{_WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 16) "\\01\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\7f")
  (func (export "run") (drop (call $poll (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 1024)))))"""

_LIAR = """(module (memory (export "memory") 1)
  (func (export "allocate") (param i32) (result i32) (i32.const 64))
  (func (export "run") (param i32 i32) (result i64) (i64.const -1)))"""


@attrs.frozen(kw_only=True)
class Server:
    """A task of a well-behaved swarm: what is asked, and the only right answer."""

    swarm: str
    task: str
    params: Callable[[int], Any]
    answer: Callable[[int], Any]


@attrs.frozen(kw_only=True)
class Offender:
    """A hostile swarm: what is asked of it, and the only ways in which it may end."""

    swarm: str
    params: Callable[[int], Any]
    endings: frozenset[str]


_ROUNDS = 20_000

SERVERS = (
    Server(swarm="adder", task="add", params=lambda n: [n, 1], answer=lambda n: n + 1),
    Server(swarm="echo", task="echo", params=lambda n: {"n": n}, answer=lambda n: {"n": n}),
    Server(swarm="summer", task="sum", params=lambda _: [_ROUNDS], answer=lambda _: _ROUNDS * (_ROUNDS + 1) // 2),
    Server(swarm="counter", task="count", params=lambda _: None, answer=lambda n: n),
)

_REFUSED = frozenset({"rate_limited", "busy", "cancelled"})

OFFENDERS = (
    Offender(swarm="spinner", params=lambda _: None, endings=_REFUSED | {"timeout"}),
    Offender(swarm="grower", params=lambda _: None, endings=_REFUSED | {"trap", "timeout"}),
    Offender(swarm="trapper", params=lambda n: [n % 4], endings=_REFUSED | {"trap", "timeout"}),
    Offender(swarm="shouter", params=lambda _: None, endings=_REFUSED | {"timeout"}),
    Offender(swarm="sleeper", params=lambda _: None, endings=_REFUSED | {"timeout"}),
    Offender(swarm="liar", params=lambda _: {"any": "thing"}, endings=_REFUSED | {"invalid_result", "timeout"}),
)

#: What each offender is granted: together less than a fifth of a core. A neighbour feels what others were granted: with
#: 8 % each, its p99 beside them is two to three times what it is alone, on two processors.
OFFENDER_LIMITS = {
    "max_memory_mb": 16,
    "max_cpu_percent": 3.0,
    "max_api_calls_per_second": 20,
    "max_execution_time_seconds": 0.3,
    "max_concurrent_tasks": 2,
    "max_queued_tasks": 4,
    "max_log_bytes_per_second": 4096,
}
_SERVER_LIMITS = {
    "max_memory_mb": 1,
    "max_cpu_percent": 100.0,
    "max_api_calls_per_second": 100_000,
    "max_execution_time_seconds": 10.0,
    "max_queued_tasks": 1000,
    "max_log_bytes_per_second": 10 << 20,
}
_MODULES = {
    "spinner": _SPINNER,
    "grower": _GROWER,
    "trapper": _TRAPPER,
    "shouter": _SHOUTER,
    "sleeper": _SLEEPER,
    "liar": _LIAR,
}


def swarms() -> list[tuple[str, bytes, ServiceContract]]:
    """Id, module and contract of all ten."""
    loaded = []
    for server in SERVERS:
        execution = {"instance": "swarm" if server.swarm == "counter" else "task"}
        limits = _SERVER_LIMITS | ({} if server.swarm == "counter" else {"max_concurrent_tasks": 8})
        loaded.append((server.swarm, wat(_SERVER), ServiceContract(server.swarm, (), limits, execution=execution)))
    for offender in OFFENDERS:
        execution = {"instance": "swarm" if offender.swarm == "trapper" else "task"}
        limits = OFFENDER_LIMITS | ({"max_concurrent_tasks": 1} if offender.swarm == "trapper" else {})
        module = wat(_MODULES[offender.swarm])
        loaded.append((offender.swarm, module, ServiceContract(offender.swarm, (), limits, execution=execution)))
    return loaded


def passer_by(number: int) -> bytes:
    """A module that nobody has seen before, to be loaded, run and unloaded."""
    return wat(f'(module (func (export "run") (result i32) (i32.const {number})))')


def wrong_ending(offender: Offender, result: TaskResult) -> str | None:
    """What is wrong with how a hostile task ended; None when its limits held."""
    if result.status not in offender.endings:
        return f"{offender.swarm} ended as {result.status}: {result.error}"
    if result.usage.peak_memory_bytes > OFFENDER_LIMITS["max_memory_mb"] * 2**20:
        return f"{offender.swarm} used {result.usage.peak_memory_bytes:,} bytes of memory"
    if any(not record.text.isprintable() for record in result.logs):
        return f"{offender.swarm} wrote what cannot be printed"
    return None


def think_seconds(chance: random.Random) -> float:
    """How long a client rests between two tasks: 3 ms on average."""
    return min(chance.expovariate(1 / 0.003), 0.05)
