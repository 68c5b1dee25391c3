"""What it costs to load a module: never seen, in the cache on disk, in use by another swarm."""

from __future__ import annotations

import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.contenders.ours import chassis, contract
from benchmarks.curves import LINEAR, Curve, size_label
from benchmarks.figures import Row, Spread, at_most, ratios
from benchmarks.guest_modules import distinct, module
from benchmarks.lanes import Contender, probe, race
from infrafabric.chassis import IFChassis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_WASMTIME = "wasmtime-py, Module()"
_EXTISM = "extism, Plugin()"
_COLD, _CACHED = "cold load", "load from the disk cache"
_HERE = "benchmarks.suites.loading"


def measure(effort: Effort) -> Iterator[Row | Curve]:
    """A small Rust module of 330 bytes, and Go's 1.9 MB."""
    yield from _first(effort)
    ours, small = f"{names.OURS}:cached_load", "linecount-simple"
    run = race(
        [
            Contender("cold", f"{names.OURS}:cold_load", {"guest": small}),
            Contender("cached", ours, {"guest": small, "shared": False}),
            Contender("shared", ours, {"guest": small, "shared": True}),
            Contender(_WASMTIME, f"{names.WASMTIME}:cold_load", {"guest": small}),
            Contender(_EXTISM, f"{names.EXTISM}:cold_load", {"guest": small}),
        ],
        effort.pick(9, 25),
    )
    cold, cached = f"{_COLD}, small module", f"{_CACHED}, small module"
    note = "the peer compiles in its own process, without bounds"
    yield run.row(cold, "cold", _WASMTIME, unit="ms", bar=at_most(100, "ms"), note=note)
    yield run.row(cold, "cold", _EXTISM, unit="ms")
    yield run.row(cached, "cached", _WASMTIME, unit="ms", bar=at_most(5, "ms"))
    yield run.row("load of a module in use, small module", "shared", unit="ms")
    yield from _big(effort)
    yield from _hundred(effort)
    yield from _parallel(effort)
    yield from _by_size(effort)


def _by_size(effort: Effort) -> Iterator[Curve]:
    """Modules of more and more functions: compiled, and from the cache."""
    found: dict[str, list[tuple[float, float]]] = {}
    for functions in (10, 100, 1_000, 4_000):
        guest = f"functions-{functions}"
        run = race(
            [
                Contender(_COLD, f"{names.OURS}:cold_load", {"guest": guest}),
                Contender(_CACHED, f"{names.OURS}:cached_load", {"guest": guest, "shared": False}),
                Contender(_WASMTIME, f"{names.WASMTIME}:cold_load", {"guest": guest}),
            ],
            effort.pick(2, 3),
        )
        for who, took in run.rounds.items():
            found.setdefault(who, []).append((float(len(module(guest))), Spread.of(took).median / 1e6))
    for who, points in found.items():
        yield Curve(
            what="loading by the size of the module",
            who=who,
            unit="ms",
            points=tuple(points),
            bar=LINEAR if who in {_COLD, _CACHED} else None,
            label=size_label,
        )


def _parallel(effort: Effort) -> Iterator[Row]:
    """Sixteen modules that nobody has seen, loaded by one thread and by several."""
    took = probe(f"{_HERE}:load_together", rounds=effort.pick(2, 5))
    one = took["1"]
    for threads in ("2", "4"):
        yield Row(
            what=f"16 cold loads by {threads} threads",
            ours=Spread.of(took[threads]).median,
            unit="ms",
            peer="the same by 1 thread",
            theirs=Spread.of(one).median,
            ratio=ratios(took[threads], one),
            note="as many compile at once as there are cores",
        )


def load_together(*, rounds: int) -> dict[str, list[float]]:
    """Milliseconds to load sixteen modules of a hundred functions with 1, 2 and 4 threads."""
    took: dict[str, list[float]] = {"1": [], "2": [], "4": []}
    numbers = itertools.count()
    with chassis() as made:
        made.load_swarm("first", module("nothing"), contract("first"))
        for _ in range(rounds):
            for threads, figures in took.items():
                wasms = {f"swarm-{n}": distinct(module("functions-100"), n) for n in itertools.islice(numbers, 16)}

                def load(name: str, wasms: dict[str, bytes] = wasms) -> None:
                    made.load_swarm(name, wasms[name], contract(name, max_load_seconds=60))

                start = time.perf_counter()
                with ThreadPoolExecutor(int(threads)) as pool:
                    list(pool.map(load, wasms))
                figures.append((time.perf_counter() - start) * 1e3)
                for name in wasms:
                    made.unload_swarm(name)
    return took


def _big(effort: Effort) -> Iterator[Row]:
    big = "wordstat"
    yield race(
        [
            Contender("cold", f"{names.OURS}:cold_load", {"guest": big}),
            Contender(_WASMTIME, f"{names.WASMTIME}:cold_load", {"guest": big}),
        ],
        effort.pick(1, 3),
    ).row(
        "cold load, 1.9 MB of Go",
        "cold",
        _WASMTIME,
        unit="ms",
        note="one core, bounded; the peer takes every core",
    )
    yield race(
        [
            Contender("cached", f"{names.OURS}:cached_load", {"guest": big, "shared": False}),
            Contender("shared", f"{names.OURS}:cached_load", {"guest": big, "shared": True}),
            Contender("wasmtime-py, deserialize", f"{names.WASMTIME}:deserialize", {"guest": big}),
        ],
        effort.pick(5, 15),
    ).row(
        "load from the disk cache, 1.9 MB of Go",
        "cached",
        "wasmtime-py, deserialize",
        unit="ms",
        note="read, checked against its digest, linked, one instance started",
    )


def _first(effort: Effort) -> Iterator[Row]:
    took = [probe(f"{_HERE}:first_load") for _ in range(effort.pick(3, 7))]
    yield Row(
        what="first load of a process, cold, small module",
        ours=Spread.of(took).median,
        unit="ms",
        note="starts the compile server, makes the engines and their pool",
    )


def first_load() -> float:
    """Milliseconds of the first load of this process, with nothing cached and nothing started."""
    wasm = module("linecount-simple")
    with chassis() as made:
        start = time.perf_counter()
        made.load_swarm("swarm", wasm, contract("swarm"))
        return (time.perf_counter() - start) * 1e3


def _hundred(effort: Effort) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="infrafabric-bench-") as folder:
        probe(f"{_HERE}:load_hundred", folder=folder)
        took = [probe(f"{_HERE}:load_hundred", folder=folder) for _ in range(effort.pick(3, 7))]
    yield Row(
        what="start of a chassis with 100 modules from the disk cache",
        ours=Spread.of(took).median,
        unit="ms",
        note="in a new process, imports aside",
    )


def load_hundred(*, folder: str) -> float:
    """Milliseconds to make a chassis on this cache and load a hundred different modules."""
    modules = [distinct(module("linecount-simple"), number) for number in range(100)]
    start = time.perf_counter()
    with IFChassis(cache_dir=folder) as made:
        for number, wasm in enumerate(modules):
            made.load_swarm(f"swarm-{number}", wasm, contract(f"swarm-{number}"))
        return (time.perf_counter() - start) * 1e3
