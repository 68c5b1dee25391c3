"""``infrafabric inspect``: what a module is, wants and offers, from its bytes alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.target import CONTRACT_SUFFIXES, Target, module_option, open_target
from infrafabric.errors import ModuleError, escape

if TYPE_CHECKING:
    from rich.console import RenderableType

    from infrafabric.engine.describe import ModuleDescription, TaskDescription


@attrs.frozen
class Inspection:
    """A module's description, and what keeps it from being loaded under ``contract``: None, or an error."""

    path: Path
    contract: str
    description: ModuleDescription
    obstacle: ModuleError | None


@click.command(
    "inspect",
    cls=Command,
    short_help="Show what a module is, wants and offers, without running it.",
    epilog="""\b
Examples:
  infrafabric inspect analyzer.wasm
  infrafabric inspect analyzer.yaml -o yaml
  infrafabric inspect analyzer.wasm | jq -r '.tasks[].name'""",
)
@click.argument("target_path", metavar="MODULE|CONTRACT", type=click.Path(path_type=Path))
@module_option
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(target_path: Path, module_path: Path | None, output_format: str | None) -> int:
    """Show what a module is, wants and offers, without running or compiling it.

    MODULE is a .wasm file; CONTRACT a .yaml, .toml or .json file. The exit status is 4 when the module could not be
    loaded under its contract, or else the default one, and the reason is said. That nothing stands against it is no
    promise: code is checked when it is compiled, and its start function when it runs.
    """
    inspection = inspect(target_path, open_target(target_path, {}, module_path))
    print_result(to_dict(inspection), lambda: _table(inspection), output_format)
    if inspection.obstacle is not None:
        raise inspection.obstacle
    return 0


def inspect(path: Path, target: Target) -> Inspection:
    """Inspect a module. Raises `InvalidModule` for bytes that are none, `ModuleTooLarge` for too much of anything."""
    from infrafabric.chassis.loading import read_module  # noqa: PLC0415 - not for --help
    from infrafabric.engine import Grants  # noqa: PLC0415 - as above
    from infrafabric.engine.describe import describe  # noqa: PLC0415 - as above
    from infrafabric.wasm import inspect_module  # noqa: PLC0415 - as above

    permissions = target.contract.permissions
    contract = "its contract" if path.suffix.lower() in CONTRACT_SUFFIXES else "the default contract"
    try:
        info = inspect_module(target.module)
    except ModuleError as error:
        error.args = (f"'{escape(str(path), 200)}': {error.args[0]}", *error.args[1:])
        raise
    description = describe(info, Grants(log=permissions.log, wasi=permissions.wasi == "inert"))
    obstacle = None
    try:
        read_module(target.module, target.contract)
    except ModuleError as error:
        error.args = (f"it cannot be loaded under {contract}: {error.args[0]}", *error.args[1:])
        obstacle = error
    return Inspection(path, contract, description, obstacle)


def _table(inspection: Inspection) -> RenderableType:
    from infrafabric.cli.module_table import module_table  # noqa: PLC0415 - rich is slow to import

    return module_table(inspection)


def to_dict(inspection: Inspection) -> dict[str, Any]:
    """Everything known of the module as plain JSON data. Names are exact: what prints them escapes them."""
    description, obstacle = inspection.description, inspection.obstacle
    info, allocator = description.info, description.allocator
    start = None if info.start is None else {"index": info.start, "name": info.function_name(info.start)}
    return {
        "path": str(inspection.path),
        "kind": info.kind,
        "name": info.module_name,
        "size_bytes": info.size_bytes,
        "sha256": info.sha256,
        "toolchain": info.toolchain,
        "languages": list(info.languages),
        "loadable": obstacle is None,
        "obstacle": None if obstacle is None else {"code": obstacle.code, "message": str(obstacle)},
        "memories": [
            {
                **attrs.asdict(memory),
                "minimum_bytes": memory.minimum_bytes,
                "maximum_bytes": memory.maximum_bytes,
            }
            for memory in info.memories
        ],
        "tables": [attrs.asdict(table) for table in info.tables],
        "start": start,
        "initializers": [function.name for function in description.initializers],
        "allocator": None
        if allocator is None
        else {
            "allocate": allocator.function.name,
            "deallocate": allocator.deallocate.name if allocator.deallocate is not None else None,
        },
        "imports": [attrs.asdict(verdict) for verdict in description.imports],
        "tasks": [_task(task) for task in description.tasks],
        "other_exports": [
            {"name": other.export.name, "signature": str(other.export.type), "reason": other.reason}
            for other in description.others
        ],
        "counts": attrs.asdict(info.counts),
    }


def _task(task: TaskDescription) -> dict[str, Any]:
    function = task.function
    names = function.parameter_names or (None,) * len(function.type.params)
    return {
        "name": function.name,
        "signature": str(function.type),
        "params": [{"name": name, "type": kind} for name, kind in zip(names, function.type.params, strict=True)],
        "results": list(function.type.results),
        "conventions": [fit.abi for fit in task.fits if fit.possible],
        "impossible_conventions": {fit.abi: fit.reason for fit in task.fits if not fit.possible},
    }
