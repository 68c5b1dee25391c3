"""The tables of ``infrafabric bench``: latencies and rates, and where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from infrafabric.cli.units import show_seconds, show_size
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from infrafabric.cli.bench.figures import Figures, Measured

_MEANINGS = {
    "prepare, admit": "parameters, rate, slot, shares",
    "instance, call, decode": "instance taken to answer read",
    "  bare engine: instance": "store, start, end",
    "  bare engine: call": "input copied in, the guest",
    "record, result": "objectives, usage, the result",
}


def show(measured: Measured) -> RenderableType:
    """Everything that was measured, for people."""
    threads = "1 thread" if measured.threads == 1 else f"{measured.threads} threads"
    title = f"{escape(measured.swarm_id, 60)}.{escape(measured.task, 60)}: {threads}, {measured.seconds:.1f} s"
    held = (
        f"peak memory of the guest {show_size(measured.peak_memory_bytes)}, CPU time of a task {_us(measured.cpu_us)}"
    )
    return Group(Text(title, style="bold"), _latencies(measured), _steps(measured), Text(held, style="dim"))


def _latencies(measured: Measured) -> Table:
    table = _table("instance", "tasks/s", "p50", "p90", "p99", "max", "bare p50", "overhead")
    for kind, figures in measured.kinds.items():
        if figures.not_measured is None:
            bare = "-" if figures.bare_p50_us is None else _us(figures.bare_p50_us)
            over = "-" if figures.overhead_us is None else _overhead(figures.overhead_us)
            latencies = map(_us, (figures.p50_us, figures.p90_us, figures.p99_us, figures.max_us))
            table.add_row(kind, f"{figures.tasks_per_second:,.0f}", *latencies, bare, over)
        else:
            table.add_row(kind, "not measured")
    return table


def _steps(measured: Measured) -> Table:
    kinds = {kind: figures for kind, figures in measured.kinds.items() if figures.steps is not None}
    table = _table("step (p50)", *kinds)
    table.add_column("is", style="dim")
    rows = {kind: list(_step_values(figures)) for kind, figures in kinds.items()}
    for place, (name, meaning) in enumerate(_MEANINGS.items()):
        table.add_row(name, *("-" if (value := rows[kind][place]) is None else _us(value) for kind in kinds), meaning)
    return table


def _step_values(figures: Figures) -> Iterator[float | None]:
    """In the order of `_MEANINGS`."""
    steps = figures.steps
    if steps is not None:
        yield from (steps.admit_us, steps.run_us, steps.engine_instance_us, steps.engine_call_us, steps.record_us)


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _overhead(microseconds: float) -> str:
    """What is smaller than the difference from run to run may come out below nothing."""
    return _us(microseconds) if microseconds > 0 else "not seen"


def _us(microseconds: float) -> str:
    return show_seconds(max(0.0, microseconds) / 1e6)
