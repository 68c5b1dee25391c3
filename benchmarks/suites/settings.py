"""What each setting of the engine costs each kernel, one at a time, in the bare engine: the price of each safety.

Beside the engine's defaults, in the same race. Settings that only shape what is accepted (which proposals are on) cost
a running guest nothing and are not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.contenders import names
from benchmarks.figures import ratios
from benchmarks.grids import Grid, Line
from benchmarks.lanes import Contender, race
from benchmarks.suites.kernels import KERNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_DEFAULTS = "the engine's defaults"
_COMPACT = {"memory_reservation": 0, "memory_guard_size": 65536, "memory_reservation_for_growth": 0}


@attrs.frozen
class _Setting:
    """What is turned on, and when and why infrafabric does so."""

    name: str
    config: dict[str, Any]
    why: str
    pooled: bool = False


SETTINGS = (
    _Setting(
        "epoch checks",
        {"epoch_interruption": True},
        "always on: deadline, CPU share and cancelling; without them a loop is stopped by nothing",
    ),
    _Setting("pooled slots", {}, "for fresh instances: a slot is reused instead of mapped", pooled=True),
    _Setting(
        "wasm stack of 512 KiB",
        {"max_wasm_stack": 512 * 1024},
        "always on: threads of 2 MiB hold the guest, Python and the engine",
    ),
    _Setting(
        "fuel",
        {"consume_fuel": True},
        "only with `max_fuel`: instructions are counted",
    ),
    _Setting(
        "canonical NaNs",
        {"cranelift_nan_canonicalization": True},
        "only with `execution.deterministic`: a NaN has one bit pattern",
    ),
    _Setting(
        "bounds checked by instructions",
        dict(_COMPACT),
        "only under an address-space limit: memories reserve nothing; else guard pages check for free",
    ),
    _Setting(
        "no signal handlers",
        {"signals_based_traps": False},
        "never: faults are the engine's by signal, and `faulthandler` is kept from taking them",
    ),
)


def measure(effort: Effort) -> Iterator[Grid]:
    """A race of all settings for each kernel."""
    columns: list[dict[str, float]] = []
    for kernel in KERNELS:
        contenders = [Contender(_DEFAULTS, f"{names.WASMTIME}:configured", {**kernel.given, "config": {}})]
        contenders += [
            Contender(
                setting.name,
                f"{names.WASMTIME}:configured",
                {**kernel.given, "config": setting.config, "pooled": setting.pooled},
            )
            for setting in SETTINGS
        ]
        run = race(contenders, effort.pick(3, 9), batch_ns=12_000_000)
        base = run.rounds[_DEFAULTS]
        columns.append({name: ratios(took, base).median for name, took in run.rounds.items()})
    yield Grid(
        what="Time of each kernel with one setting on, beside the engine's defaults",
        unit="x the time",
        columns=tuple(kernel.short for kernel in KERNELS),
        lines=tuple(
            Line(setting.name, tuple(column.get(setting.name) for column in columns), setting.why)
            for setting in SETTINGS
        ),
    )
