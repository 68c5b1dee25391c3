"""What loaded swarms cost: memory, address space, threads, file descriptors; and whether many slow each one down."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.contenders.ours import chassis, contract
from benchmarks.curves import LINEAR, Curve
from benchmarks.figures import Row, at_most
from benchmarks.guest_modules import distinct, module
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.density"
_MIB = 1 << 20
_KIB = 1 << 10
#: Tasks that a figure of speed is the mean of.
_TASKS = 400


def measure(effort: Effort) -> Iterator[Row | Curve]:
    """Many swarms of one module, idle and after a task each; many modules."""
    swarms, modules = effort.pick(1_000, 10_000), effort.pick(100, 1_000)
    got = probe(f"{_HERE}:one_module", swarms=swarms)
    idle, used = got["idle"], got["used"]
    yield Row(
        what=f"{swarms:,} loaded swarms of one small module: resident memory of the process",
        ours=idle["memory"] / _MIB,
        unit="MiB",
        bar=at_most(1024, "MiB") if swarms == 10_000 else None,
        note=f"loaded in {got['seconds']:.1f} s",
    )
    yield Row(what="the same after a task in each", ours=used["memory"] / _MIB, unit="MiB")
    yield from _each("a loaded swarm of one module", got["before"], idle, swarms)
    yield from _each("the same after a task in it", got["before"], used, swarms)
    got = probe(f"{_HERE}:many_modules", modules=modules)
    yield from _each(f"each of {modules:,} different small modules", got["before"], got["after"], modules)
    yield Row(what=f"{modules:,} different small modules: compiled and loaded in", ours=got["seconds"], unit="s")
    yield from _growth(swarms)


def _each(what: str, before: dict[str, float], after: dict[str, float], count: int) -> Iterator[Row]:
    """What one more costs, of everything a process can run out of."""
    more = {name: (after[name] - before[name]) / count for name in before}
    yield Row(what=f"{what}: memory", ours=more["memory"] / _KIB, unit="KiB")
    yield Row(
        what=f"{what}: address space",
        ours=more["space"] / _KIB,
        unit="KiB",
        note=(
            f"{more['threads']:.2g} threads, {more['files']:.2g} file descriptors, {more['mappings']:.2g} memory "
            f"mappings; the process has {after['threads']:.0f} threads and {after['files']:.0f} descriptors"
        ),
    )


def _growth(swarms: int) -> Iterator[Curve]:
    """The 10,000th beside the first."""
    places = [count for count in (1, 10, 100, 1_000, 10_000) if count <= swarms]
    got = probe(f"{_HERE}:by_swarms", places=places)
    for what, unit in (("a task", "us"), ("loading one more", "us")):
        yield Curve(
            what="cost by the number of loaded swarms",
            who=what,
            unit=unit,
            points=tuple(zip(map(float, places), got[what], strict=True)),
            bar=LINEAR,
        )


def _held() -> dict[str, float]:
    """What this process holds of what there is an end to."""
    process = psutil.Process()
    memory = process.memory_info()
    maps = Path("/proc/self/maps")
    return {
        "memory": memory.rss,
        "space": memory.vms,
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "mappings": maps.read_bytes().count(b"\n") if maps.exists() else 0,
    }


def one_module(*, swarms: int) -> dict[str, Any]:
    """What is held before, with so many swarms loaded, and after each ran a task."""
    wasm = module("nothing")
    with chassis() as made:
        made.load_swarm("first", wasm, contract("first"))
        made.execute_task("first", "run")
        before, start = _held(), time.perf_counter()
        for number in range(swarms):
            made.load_swarm(f"swarm-{number}", wasm, contract(f"swarm-{number}"))
        seconds, idle = time.perf_counter() - start, _held()
        for number in range(swarms):
            made.execute_task(f"swarm-{number}", "run")
        return {"before": before, "idle": idle, "used": _held(), "seconds": seconds, "python": threading.active_count()}


def many_modules(*, modules: int) -> dict[str, Any]:
    """What is held before, and with so many different modules loaded."""
    wasm = module("nothing")
    with chassis() as made:
        made.load_swarm("first", wasm, contract("first"))
        made.execute_task("first", "run")
        before, start = _held(), time.perf_counter()
        for number in range(modules):
            made.load_swarm(f"swarm-{number}", distinct(wasm, number), contract(f"swarm-{number}"))
        return {"before": before, "after": _held(), "seconds": time.perf_counter() - start}


def by_swarms(*, places: list[int]) -> dict[str, list[float]]:
    """Microseconds of a task in the last swarm, and of loading one more, with so many swarms loaded."""
    wasm = module("nothing")
    tasks, loads = [], []
    with chassis() as made:
        loaded = 0
        for place in places:
            while loaded < place:
                made.load_swarm(f"swarm-{loaded}", wasm, contract(f"swarm-{loaded}"))
                loaded += 1
            last = f"swarm-{loaded - 1}"
            tasks.append(_best_mean(lambda name=last: made.execute_task(name, "run")))
            loads.append(_best_mean(lambda: _load_and_unload(made, wasm), calls=_TASKS // 10))
    return {"a task": tasks, "loading one more": loads}


def _load_and_unload(made: Any, wasm: bytes) -> None:
    made.load_swarm("one-more", wasm, contract("one-more"))
    made.unload_swarm("one-more")


def _best_mean(call: Any, calls: int = _TASKS) -> float:
    """Microseconds of a call: the least mean of five batches."""
    means = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        means.append((time.perf_counter() - start) / calls * 1e6)
    return min(means)
