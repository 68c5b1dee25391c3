"""Guests that do nothing, for as long as they can."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, group, run, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.scene import Scene

_POLL = '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))'
_CANCEL_SECONDS = 0.1
_SLEEPERS = 250
#: Two hundred and fifty threads that begin and end.
_CPU_SLACK_SECONDS = 0.15


def sleeping(nanoseconds: int, *, clock: int = 1, absolute: bool = False, count: int = 1) -> str:
    """A guest that sleeps: ``count`` clock subscriptions of 48 bytes at 0."""
    return f"""(module {_POLL} (memory (export "memory") 4)
      (func $sleep (local i32)
        (loop
          (i32.store8 offset=8 (local.get 0) (i32.const 0))
          (i32.store offset=16 (local.get 0) (i32.const {clock}))
          (i64.store offset=24 (local.get 0) (i64.const {nanoseconds}))
          (i32.store16 offset=40 (local.get 0) (i32.const {int(absolute)}))
          (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 48))) (i32.const {48 * count}))))
        (drop (call $poll (i32.const 0) (i32.const 131072) (i32.const {count}) (i32.const 131000))))
      (func (export "run") (call $sleep)))"""


def _sleeps(name: str, tries: str, source: str, *expect: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), calls=run(*(expect or ("timeout",))))


def _cancelled(scene: Scene) -> Iterable[str]:
    future = scene.chassis.submit_task(scene.swarm_id, "run", check=False)
    time.sleep(0.05)
    started = time.monotonic()
    future.cancel()
    result = future.result(10)
    seconds = time.monotonic() - started
    if result.status != "cancelled":
        yield f"a cancelled sleeper ended as {result.status}"
    if seconds > _CANCEL_SECONDS:
        scene.doubts.append(f"cancelling a sleeper took {seconds:.3f} s")


def _many_sleepers(scene: Scene) -> Iterable[str]:
    futures = [scene.chassis.submit_task(scene.swarm_id, "run", check=False) for _ in range(_SLEEPERS)]
    results = [future.result(30) for future in futures]
    endings = {result.status for result in results}
    if endings != {"timeout"}:
        yield f"sleepers ended as {', '.join(sorted(endings))}"
    used = sum(result.usage.cpu_seconds for result in results)
    limits = scene.contract.resource_limits
    if used > limits.max_cpu_percent / 100 * limits.max_execution_time_seconds + _CPU_SLACK_SECONDS:
        scene.doubts.append(f"{_SLEEPERS} sleepers used {used:.2f} s of CPU together")


_YEARS = 10**18

ATTACKS = group(
    "sleep",
    _sleeps("sleep-for-years", "Sleep for thirty years.", sleeping(_YEARS)),
    _sleeps("sleep-for-ever", "Sleep for as long as 64 bits can say.", sleeping(-1)),
    _sleeps("sleep-until-the-far-future", "Sleep until the end of time.", sleeping(-1, clock=0, absolute=True)),
    _sleeps("sleep-many-times", "Sleep on 1,024 clocks at once.", sleeping(_YEARS, count=1024)),
    _sleeps("sleep-until-the-past", "Sleep until a time that has passed.", sleeping(1, absolute=True), "success"),
    _sleeps("sleep-on-no-clock", "Sleep on a clock that does not exist.", sleeping(_YEARS, clock=77), "success"),
    Attack(
        name="sleep-and-be-cancelled",
        tries="Sleep on while the caller cancels.",
        module=text(sleeping(_YEARS)),
        limits={"max_execution_time_seconds": 5},
        perform=_cancelled,
    ),
    Attack(
        name="sleep-in-frozen-time",
        tries="Sleep for years where the clock is frozen, until it is full.",
        module=text(sleeping(-1)),
        contract={"execution": {"deterministic": True}},
        calls=(Call(),) * 3,
    ),
    Attack(
        name="many-sleepers",
        tries="Sleep two hundred and fifty times at once, in as many threads: nobody works, and nobody must wait.",
        module=text(sleeping(_YEARS)),
        limits={"max_concurrent_tasks": _SLEEPERS, "max_memory_mb": 1, "max_execution_time_seconds": 1},
        perform=_many_sleepers,
        late_seconds=0.5,
    ),
)
