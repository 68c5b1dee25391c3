"""A little of everything in a few seconds: that the benchmarks run, not how fast anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.figures import Row, percentile
from benchmarks.lanes import Contender, probe, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort


def measure(_effort: Effort) -> Iterator[Row]:
    """One race, one probe of each kind, and a peer that cannot be there."""
    peer = "extism, warm plug-in"
    run = race(
        [
            Contender("kept", f"{names.OURS}:scalar", {"kept": True}),
            Contender("fresh", f"{names.OURS}:scalar", {"kept": False}),
            Contender("wasmtime-py", f"{names.WASMTIME}:warm_call"),
            Contender(peer, f"{names.EXTISM}:warm_call"),
        ],
        3,
        batch_ns=500_000,
    )
    yield run.row("governed task, kept instance", "kept", peer)
    yield run.row("governed task, fresh instance", "fresh", "wasmtime-py")
    took = probe("benchmarks.suites.deadlines:deadlines", runs=3, busy_threads=0)
    yield Row(what="50 ms deadline, idle, p50", ours=percentile(took, 50), unit="ms")
    costs = probe("benchmarks.suites.slo:costs", few=10, many=100, rounds=2)
    yield Row(what="SLO record", ours=percentile(costs["record many"], 50), unit="us")
    rates = probe("benchmarks.suites.scaling:asyncio_throughput", rounds=1, tasks=40)
    yield Row(what="awaited tasks", ours=rates[0], unit="tasks/s")
