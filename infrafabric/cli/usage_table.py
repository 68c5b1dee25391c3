"""What a task used of each limit, and its result, as tables."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import attrs
from rich import box
from rich.table import Table
from rich.text import Text

from infrafabric.cli.console import console, printable
from infrafabric.cli.output import json_for_people
from infrafabric.cli.units import show_seconds, show_size
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infrafabric.chassis import TaskResult
    from infrafabric.cli.target import Target

#: From this part of a limit on, its line is marked.
_NEARLY_ALL = 0.9
_MAX_OUTPUT = 2000


@attrs.frozen
class UsageRow:
    """One limit: its name, what was used, what there is, and the part of it where there is one."""

    name: str
    used: str
    limit: str = ""
    part: float | None = None


def usage_rows(target: Target, params: Any, load_seconds: float, result: TaskResult) -> Iterator[UsageRow]:
    """A row for each limit, in the order of the contract."""
    limits, usage = target.contract.resource_limits, result.usage
    execution = result.execution_time_seconds
    share = 100 * usage.cpu_seconds / execution if execution else 0.0
    yield _row("memory, peak", usage.peak_memory_bytes, limits.max_memory_bytes, show_size)
    yield _row("wall time", usage.wall_seconds, limits.max_execution_time_seconds, show_seconds)
    yield UsageRow("CPU share", f"{share:.0f}% ({show_seconds(usage.cpu_seconds)})", f"{limits.max_cpu_percent:g}%")
    yield UsageRow("  paused by it", show_seconds(usage.throttled_seconds))
    yield UsageRow("  waited before", show_seconds(usage.queue_seconds))
    if limits.max_fuel is None or usage.fuel is None:
        yield UsageRow("fuel", "", "not metered")
    else:
        yield _row("fuel", usage.fuel, limits.max_fuel, lambda count: f"{count:,.0f}")
    dropped = f", {usage.log_dropped:,} dropped" if usage.log_dropped else ""
    yield UsageRow(
        "log",
        f"{show_size(usage.log_bytes)}, {_records(usage.log_records)}{dropped}",
        f"{show_size(limits.max_log_bytes_per_second)}/s",
    )
    if result.metadata["calling_convention"] == "scalar":
        yield UsageRow("parameters", "numbers")
        yield UsageRow("result", "numbers")
    else:
        yield _payload_row("parameters", params, limits.max_payload_bytes)
        yield _payload_row("result", result.output, limits.max_payload_bytes)
    yield _row("module", len(target.module), limits.max_module_bytes, show_size)
    yield _row("loading", load_seconds, limits.max_load_seconds, show_seconds)
    yield UsageRow("host calls", f"{usage.host_calls:,}")


def _row(name: str, used: float, limit: float, show: Callable[[float], str]) -> UsageRow:
    return UsageRow(name, show(used), show(limit), used / limit)


def _payload_row(name: str, value: Any, limit_bytes: int) -> UsageRow:
    """A payload's size; that of JSON is about what it was, since spaces and escapes are not known any more."""
    if value is None or isinstance(value, str | bytes):
        data = value.encode("utf-8", "replace") if isinstance(value, str) else value or b""
        return _row(name, len(data), limit_bytes, show_size)
    size = len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return UsageRow(name, f"about {show_size(size)}", show_size(limit_bytes), size / limit_bytes)


def print_usage(target: Target, params: Any, load_seconds: float, result: TaskResult) -> None:
    """Print what was used of each limit, on stderr."""
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)
    table.add_column("limit")
    table.add_column("used", justify="right")
    table.add_column("of", justify="right")
    table.add_column("", justify="right")
    for row in usage_rows(target, params, load_seconds, result):
        style = "yellow" if row.part is not None and row.part >= _NEARLY_ALL else ""
        table.add_row(row.name, row.used, row.limit, _percent(row.part), style=style)
    console(sys.stderr).print(table)


def _records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def _percent(part: float | None) -> str:
    if part is None:
        return ""
    return "<1%" if 0 < part < 0.01 else f"{100 * part:.0f}%"


def print_result_table(result: TaskResult) -> None:
    """Print a result for people, on stdout."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("task", Text(f"{escape(result.swarm_id, 100)}.{escape(result.task_name, 100)}", style="bold"))
    table.add_row("status", Text(result.status, style="green" if result.ok else "red"))
    if result.error is not None:
        table.add_row("blamed", result.blame.value)
        table.add_row("error", Text(result.error.message))
    else:
        table.add_row("output", Text(_output(result.output)))
    table.add_row("called by", str(result.metadata["calling_convention"] or "nothing was called"))
    table.add_row("time", show_seconds(result.execution_time_seconds))
    table.add_row("CPU time", show_seconds(result.usage.cpu_seconds))
    table.add_row("memory", show_size(result.usage.peak_memory_bytes))
    table.add_row("log", _records(result.usage.log_records))
    console(sys.stdout).print(table)


def _output(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes that are no text"
    text = printable(value) if isinstance(value, str) else json_for_people(value)
    return (
        text if len(text) <= _MAX_OUTPUT else f"{text[:_MAX_OUTPUT]}\n... ({len(text):,} characters; -o json has all)"
    )
