"""What the shell is offered for an argument: nothing here may fail, print, or load the engine's code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infrafabric.cli.ending import ReportedError
from infrafabric.cli.target import open_target
from infrafabric.errors import InfraFabricError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: Shells wait for completion; larger files are not read for it.
_MAX_BYTES = 16 << 20


def task_names(module: bytes) -> list[str]:
    """The names of a module's tasks, in its order. Raises `InvalidModule`."""
    from infrafabric.engine.describe import describe  # noqa: PLC0415 - not for --help
    from infrafabric.wasm import inspect_module  # noqa: PLC0415 - as above

    return [task.function.name for task in describe(inspect_module(module)).tasks]


def complete_task(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tasks of the module that stands before, as far as a shell can be given their names."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only shells ask

    try:
        path = Path(context.params["target_path"])
        module_path = context.params.get("module_path")
        if max(file.stat().st_size for file in (path, module_path) if file is not None) > _MAX_BYTES:
            return []
        names = task_names(open_target(path, {}, module_path).module)
    except (OSError, KeyError, TypeError, InfraFabricError, ReportedError, click.ClickException):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]
