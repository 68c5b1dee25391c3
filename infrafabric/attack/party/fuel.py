"""Guests that try to run for longer than their fuel, or to make it count wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, group, run, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.scene import Scene

_FUEL = {"max_fuel": 100_000}
_WASI = "wasi_snapshot_preview1"


def _used_it_all(scene: Scene) -> Iterable[str]:
    for result in scene.results:
        if (result.usage.fuel or 0) > _FUEL["max_fuel"]:
            yield f"it used {result.usage.fuel} fuel of {_FUEL['max_fuel']}"


def _burns(name: str, tries: str, source: str, *expect: str, **contract: object) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=text(source),
        calls=run(*(expect or ("fuel_exhausted",))),
        limits=_FUEL,
        contract=contract,
        check=_used_it_all,
    )


ATTACKS = group(
    "fuel",
    _burns("fuel-loop", "Spin on little fuel.", '(module (func (export "run") (loop br 0)))'),
    _burns(
        "fuel-fill",
        "Fill 32 MiB again and again: one instruction, much work.",
        """(module (memory 512) (func (export "run")
          (loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 33554432)) (br 0))))""",
        *("fuel_exhausted", "timeout"),
    ),
    _burns(
        "fuel-host-calls",
        "Call the host again and again: little fuel, much work.",
        f"""(module (import "{_WASI}" "random_get" (func $ask (param i32 i32) (result i32)))
          (memory (export "memory") 16)
          (func (export "run") (loop (drop (call $ask (i32.const 0) (i32.const 1048576))) (br 0))))""",
        *("fuel_exhausted", "timeout"),
    ),
    _burns(
        "fuel-grow",
        "Grow memory by nothing again and again.",
        '(module (memory 1) (func (export "run") (loop (drop (memory.grow (i32.const 0))) (br 0))))',
        *("fuel_exhausted", "timeout"),
    ),
    _burns(
        "fuel-kept",
        "Spin on little fuel in a kept instance, and hope for more the next time.",
        '(module (func (export "run") (loop br 0)))',
        execution={"instance": "swarm"},
    ),
    Attack(
        name="fuel-in-start",
        tries="Burn all fuel in the start function.",
        module=text('(module (func $start (loop br 0)) (start $start) (func (export "run")))'),
        load=("init_failed",),
        limits=_FUEL,
    ),
)
