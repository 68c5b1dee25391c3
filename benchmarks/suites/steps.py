"""Where the time of a task goes: its steps, the engine's own part of them, and what each more of it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.contenders import names
from benchmarks.contenders.ours import LIMITS
from benchmarks.figures import Spread
from benchmarks.grids import Grid, Line
from benchmarks.guest_modules import module
from benchmarks.lanes import Contender, probe, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort
    from benchmarks.lanes import Race

_HERE = "benchmarks.suites.steps"
_OBJECTIVES = {"target_latency_ms": 50}


@attrs.frozen
class _Extra:
    """Something more that a task may have: its name, how it is had, what it is compared with, and what it is for."""

    name: str
    arguments: dict[str, Any]
    why: str
    base: str = "fresh"
    main_thread: bool = False


_NUMBERS: dict[str, Any] = {"guest": "arith", "task": "add", "numbers": [2, 3]}
_SCHEMA = {"type": "array", "items": {"type": "integer"}}
EXTRAS = (
    _Extra("on the main thread", {}, "so that Ctrl-C works: signals wait while the guest runs", main_thread=True),
    _Extra(
        "`max_fuel`",
        {"changes": {"resource_limits": {**LIMITS, "max_fuel": 1_000_000}}},
        "opt-in: an engine of its own",
    ),
    _Extra("`execution.deterministic`", {"changes": {"execution": {"deterministic": True}}}, "opt-in"),
    _Extra(
        "objectives of the task's own",
        {"changes": {"tasks": {"run": {"abi": "scalar", "slos": _OBJECTIVES}}}},
        "opt-in: a second record for each task",
    ),
    _Extra(
        "a policy for a spent budget",
        {"changes": {"enforcement": {"on_exhausted": "quarantine"}}},
        "opt-in: asked before each task",
    ),
    _Extra(
        "a schema of its parameters",
        {**_NUMBERS, "changes": {"tasks": {"add": {"abi": "scalar", "params": _SCHEMA}}}},
        "opt-in: wrong parameters never reach the guest",
        base="numbers",
    ),
    _Extra("a witness that somebody listens to", {"listener": True}, "opt-in: a JSON record for each task"),
    _Extra("an observer", {"observed": True}, "opt-in"),
    _Extra("`submit_task` and its result", {"submitted": True}, "a worker thread there and back"),
)


def measure(effort: Effort) -> Iterator[Grid]:
    """Three grids."""
    run = _race(effort)
    yield _steps(effort, run)
    yield _floor(run)
    yield Grid(
        what="What a fresh task pays for more",
        unit="us",
        columns=("adds",),
        lines=tuple(Line(extra.name, (_more(run, extra.name, extra.base),), extra.why) for extra in EXTRAS),
    )


def _race(effort: Effort) -> Race:
    ours, floor = f"{names.OURS}:variant", f"{names.FLOOR}:engine_calls"
    contenders = [
        Contender("fresh", ours),
        Contender("kept", f"{names.OURS}:scalar", {"kept": True}),
        Contender("numbers", ours, _NUMBERS),
        *(Contender(until, floor, {"until": until}) for until in ("store", "guarded", "instance", "call")),
        *(Contender(extra.name, ours, extra.arguments, main_thread=extra.main_thread) for extra in EXTRAS),
    ]
    return race(contenders, effort.pick(7, 20), heats=effort.pick(1, 2))


def _us(run: Race, name: str) -> float:
    return Spread.of(run.rounds[name]).median / 1e3


def _more(run: Race, name: str, base: str) -> float:
    """Microseconds that one takes more than the other, by the median of the rounds' differences."""
    pairs = zip(run.rounds[name], run.rounds[base], strict=True)
    return Spread.of([one - other for one, other in pairs]).median / 1e3


def _floor(run: Race) -> Grid:
    steps = (
        ("a store, made and freed", _us(run, "store"), "nothing is left of one task for the next"),
        (
            "its limits and its deadline",
            _more(run, "guarded", "store"),
            "memory, table and epoch bounds, before any guest code",
        ),
        ("an instance in a slot of the pool", _more(run, "instance", "guarded"), "the slot is cleared for the next"),
        ("the export found and called", _more(run, "call", "instance"), "the guest does nothing here"),
        ("together: the floor of a fresh task", _us(run, "call"), "the same C calls in a bare loop"),
    )
    return Grid(
        what="The engine's own calls for a fresh task",
        unit="us",
        columns=("takes",),
        lines=tuple(Line(name, (value,), why) for name, value, why in steps),
    )


def _steps(effort: Effort, run: Race) -> Grid:
    got = probe(f"{_HERE}:governed", seconds=effort.pick(1, 4))
    fresh, kept = got["fresh"], got["kept"]
    lines = [
        Line(name, (fresh[key], kept[key]), why)
        for name, key, why in (
            ("look up, prepare, admit", "admit", "the export, the parameters; rate, slot, CPU debt, host memory"),
            ("instance, call, decode: the bare engine's part", "engine", "as below, measured beside each task"),
            ("instance, call, decode: ours", "ours", "deadline, CPU clock, signals, reading the answer within bounds"),
            ("record, result", "record", "usage, objectives, events, the result object"),
        )
    ]
    whole = Line("the whole task, timed from outside", (_us(run, "fresh"), _us(run, "kept")), "in a race of its own")
    return Grid(
        what="The steps of a task whose guest does nothing",
        unit="us",
        columns=("fresh instance", "kept instance"),
        lines=(*lines, whole),
    )


def governed(*, seconds: float) -> dict[str, dict[str, float]]:
    """The steps as `infrafabric bench` tells them."""
    from benchmarks.contenders.ours import contract  # noqa: PLC0415 - and the next: in the probe's process only
    from infrafabric.cli.bench.measuring import measure as measure_task  # noqa: PLC0415 - not for --list

    measured = measure_task(module("nothing"), contract("swarm"), "run", None, seconds=seconds, threads=1)
    found = {}
    for kind, figures in measured.kinds.items():
        steps, engine = figures.steps, figures.bare_p50_us
        assert steps is not None
        assert engine is not None
        found[kind] = {
            "admit": steps.admit_us,
            "engine": engine,
            "ours": steps.run_us - engine,
            "record": steps.record_us,
        }
    return found
