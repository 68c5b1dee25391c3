"""A module's inspection as people read it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from infrafabric.cli.units import show_size
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from infrafabric.cli.inspect_command import Inspection
    from infrafabric.engine.describe import ModuleDescription
    from infrafabric.engine.exports import Function

#: More rows than this are for programs (``-o json``).
MAX_ROWS = 40
_MAX_NAME = 60
_MAX_ITEMS = 6
_TAKE_BYTES = frozenset({"cstring", "buffer", "lenptr"})


def module_table(inspection: Inspection) -> RenderableType:
    """The whole inspection: what it is, then what it wants, offers and keeps to itself."""
    description = inspection.description
    parts: list[RenderableType] = [_headline(inspection), _facts(description)]
    if description.imports:
        parts.append(_imports(description))
    if description.tasks:
        parts += [_tasks(description), _impossible(description)]
    if description.others:
        parts.append(_others(description))
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts[:-1]), parts[-1])


def _headline(inspection: Inspection) -> Text:
    name = Text(_name(inspection.path.name), style="bold")
    can, style = ("can", "not bold green") if inspection.obstacle is None else ("cannot", "not bold red")
    return name.append(f"  {can} be loaded under {inspection.contract}", style=style)


def _facts(description: ModuleDescription) -> Table:
    info = description.info
    counts = info.counts
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("kind", f"{'core module' if info.kind == 'module' else 'component'}, {show_size(info.size_bytes)}")
    table.add_row("sha256", info.sha256)
    table.add_row("toolchain", Text(info.toolchain or "not said"))
    if info.kind == "component":
        return table
    table.add_row(
        "code",
        f"{counts.functions - _imported_functions(description):,} functions, {show_size(counts.code_bytes)}; "
        f"{show_size(counts.data_bytes)} of data",
    )
    table.add_row("memory", "; ".join(_memory(description)) or "none")
    table.add_row("tables", "; ".join(_tables(description)) or "none")
    table.add_row("starts with", Text(_starts(description)))
    table.add_row("allocator", Text(_allocator(description)))
    return table


def _imported_functions(description: ModuleDescription) -> int:
    return sum(item.kind == "func" for item in description.info.imports)


def _memory(description: ModuleDescription) -> list[str]:
    lines = []
    for memory in description.info.memories:
        kinds = [
            word
            for word, holds in (("imported", memory.imported), ("shared", memory.shared), ("64-bit", memory.is_64))
            if holds
        ]
        maximum = memory.maximum_bytes
        lines.append(
            f"{show_size(memory.minimum_bytes)} ({_pages(memory.minimum_pages)}) to begin with, "
            + (
                "no maximum"
                if maximum is None
                else f"at most {show_size(maximum)} ({_pages(memory.maximum_pages or 0)})"
            )
            + "".join(f", {kind}" for kind in kinds)
        )
    return lines


def _pages(count: int) -> str:
    return f"{count:,} page{'' if count == 1 else 's'}"


def _tables(description: ModuleDescription) -> list[str]:
    return [
        f"{table.minimum:,} {table.element_type}"
        + ("" if table.maximum is None or table.maximum == table.minimum else f", at most {table.maximum:,}")
        for table in description.info.tables
    ]


def _starts(description: ModuleDescription) -> str:
    info = description.info
    steps = []
    if info.start is not None:
        name = info.function_name(info.start)
        steps.append(f"its start function{f' {_name(name)}' if name else ''}")
    steps += [function.name for function in description.initializers]
    return ", then ".join(steps) or "nothing to run"


def _allocator(description: ModuleDescription) -> str:
    allocator = description.allocator
    if allocator is not None:
        release = allocator.deallocate
        return f"{allocator.function.name}, {f'freed with {release.name}' if release else 'never freed'}"
    takes_bytes = any(fit.possible and fit.abi in _TAKE_BYTES for task in description.tasks for fit in task.fits)
    return "none: the host grows the memory for parameters" if takes_bytes else "none, and no task needs one"


def _section(title: str, *columns: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(title),
        title_justify="left",
        title_style="bold",
        header_style="dim",
        pad_edge=False,
        show_edge=False,
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _more(table: Table, count: int) -> Table:
    if count > MAX_ROWS:
        table.add_row(Text(f"and {count - MAX_ROWS:,} more: -o json shows all", style="dim"))
    return table


def _imports(description: ModuleDescription) -> Table:
    table = _section("Imports", "name", "signature", "verdict")
    denied_first = sorted(description.imports, key=lambda verdict: verdict.granted)
    for verdict in denied_first[:MAX_ROWS]:
        said = Text("granted", style="green")
        if not verdict.granted:
            said = Text("denied", style="red").append(f": {verdict.reason}; {verdict.fix}", style="default")
        table.add_row(Text(verdict.name), Text(verdict.signature), said)
    return _more(table, len(denied_first))


def _tasks(description: ModuleDescription) -> Table:
    table = _section("Tasks", "name", "takes", "answers", "conventions")
    for task in description.tasks[:MAX_ROWS]:
        function = task.function
        table.add_row(
            Text(_name(function.name), style="bold"),
            Text(_takes(function)),
            Text(_few(function.type.results)),
            Text(", ".join(fit.abi for fit in task.fits if fit.possible)),
        )
    return _more(table, len(description.tasks))


def _takes(function: Function) -> str:
    types = function.type.params
    if not function.parameter_names:
        return _few(types)
    return _few([f"{_name(name)}: {kind}" for name, kind in zip(function.parameter_names, types, strict=True)])


def _few(items: Sequence[str]) -> str:
    """The first items, and how many others there are."""
    more = f" and {len(items) - _MAX_ITEMS:,} more" if len(items) > _MAX_ITEMS else ""
    return ", ".join(items[:_MAX_ITEMS]) + more if items else "nothing"


def _impossible(description: ModuleDescription) -> Table:
    """Why not the other conventions: one line for each reason, not for each task."""
    table = _section("Conventions that do not fit", "convention", "why", "tasks")
    reasons: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for task in description.tasks:
        for fit in task.fits:
            if fit.reason is not None:
                reasons[fit.abi][fit.reason].append(task.function.name)
    for abi, reason, names in ((abi, *item) for abi, said in reasons.items() for item in said.items()):
        table.add_row(abi, Text(reason), Text(_listed(names, len(description.tasks))))
    return table


def _listed(names: list[str], total: int) -> str:
    if len(names) == total:
        return "all" if total > 1 else _name(names[0])
    return _few([_name(name) for name in names])


def _others(description: ModuleDescription) -> Table:
    table = _section("Exported functions that are no tasks", "name", "signature", "why")
    for other in description.others[:MAX_ROWS]:
        table.add_row(Text(_name(other.export.name)), Text(escape(str(other.export.type), 100)), Text(other.reason))
    return _more(table, len(description.others))


def _name(text: str) -> str:
    return escape(text, _MAX_NAME)
