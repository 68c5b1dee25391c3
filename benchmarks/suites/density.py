"""What a loaded swarm costs in memory, threads and file descriptors."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.contenders.ours import chassis, contract
from benchmarks.figures import Row, at_most
from benchmarks.guest_modules import distinct, module
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.density"
_MIB = 1 << 20


def measure(effort: Effort) -> Iterator[Row]:
    """Many swarms of one module, idle and after a task each; many modules."""
    swarms = effort.pick(1_000, 10_000)
    got = probe(f"{_HERE}:one_module", swarms=swarms)
    bar = at_most(1024, "MiB") if swarms == 10_000 else None
    held = f"{got['threads']} threads, {got['files']} more open files"
    yield Row(
        what=f"{swarms:,} loaded swarms of one small module: resident memory of the process",
        ours=got["idle"] / _MIB,
        unit="MiB",
        bar=bar,
        note=f"{got['idle_each'] / 1024:.1f} KiB each, loaded in {got['seconds']:.1f} s; {held}",
    )
    yield Row(
        what="the same after a task in each",
        ours=got["used"] / _MIB,
        unit="MiB",
        note=f"{got['used_each'] / 1024:.1f} KiB each: the history of three objectives is in it",
    )
    modules = 100
    got = probe(f"{_HERE}:many_modules", modules=modules)
    yield Row(
        what=f"{modules} different small modules: memory of each",
        ours=got["each"] / 1024,
        unit="KiB",
        note=f"{got['maps']:.0f} memory mappings each; compiled and loaded in {got['seconds']:.1f} s",
    )


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def one_module(*, swarms: int) -> dict[str, Any]:
    """Resident bytes with so many swarms loaded, and after each ran a task."""
    wasm = module("nothing")
    with chassis() as made:
        made.load_swarm("first", wasm, contract("first"))
        made.execute_task("first", "run")
        before, files = _resident_bytes(), psutil.Process().num_fds()
        start = time.perf_counter()
        for number in range(swarms):
            made.load_swarm(f"swarm-{number}", wasm, contract(f"swarm-{number}"))
        seconds = time.perf_counter() - start
        idle = _resident_bytes()
        for number in range(swarms):
            made.execute_task(f"swarm-{number}", "run")
        used = _resident_bytes()
        return {
            "idle": idle,
            "idle_each": (idle - before) / swarms,
            "used": used,
            "used_each": (used - before) / swarms,
            "seconds": seconds,
            "threads": threading.active_count(),
            "files": psutil.Process().num_fds() - files,
        }


def many_modules(*, modules: int) -> dict[str, float]:
    """What each of so many different modules costs."""
    wasm = module("nothing")
    with chassis() as made:
        made.load_swarm("first", wasm, contract("first"))
        made.execute_task("first", "run")
        before, maps = _resident_bytes(), _mappings()
        start = time.perf_counter()
        for number in range(modules):
            made.load_swarm(f"swarm-{number}", distinct(wasm, number), contract(f"swarm-{number}"))
        return {
            "each": (_resident_bytes() - before) / modules,
            "maps": (_mappings() - maps) / modules,
            "seconds": time.perf_counter() - start,
        }


def _mappings() -> int:
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0
