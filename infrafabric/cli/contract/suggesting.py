"""Making a contract for a module, from its bytes alone: what it needs, nothing beside, and why.

What is granted is what the module imports. Limits have the defaults, which are safe, unless the module says that it
needs more or can use no more. A trial run that measures would suggest what one input needs, and run untrusted code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infrafabric.chassis.loading import read_module
from infrafabric.cli.contract.commented import comment, flow, lines_of
from infrafabric.contract import ServiceContract
from infrafabric.contract.texts import MODULE_PATH, TASK_NAME
from infrafabric.engine.describe import describe
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infrafabric.engine.describe import ModuleDescription, TaskDescription
    from infrafabric.wasm import ModuleInfo

_MIB = 1024 * 1024
_WASI_MODULE = "wasi_snapshot_preview1"
#: What a module that begins with more memory than the default is given beyond that, for its parameters and answers.
_ROOM_MB = 64
_MAX_NAMED = 6
#: Tasks that are written down; a contract takes a thousand, and nobody reads a hundred.
_MAX_TASKS = 100
_MOST = {"max_memory_mb": 4096, "max_module_mb": 256}


def suggest(module: bytes, module_path: Path, folder: Path | None) -> str:
    """A contract for a module, as YAML with comments.

    ``folder`` is where the contract will lie (None: beside the module). Raises `ModuleError` for a module that no
    contract could let load.
    """
    info = read_module(module, ServiceContract("any", resource_limits=_MOST))
    description = describe(info)
    parts = [
        ["# Suggested for this module by infrafabric contract suggest, from what its bytes say."],
        lines_of([("swarm_id", swarm_id_of(module_path), "The name that callers load and call it by.")]),
        lines_of([("version", "0.1.0", "Before 1.0.0 a minor version may break a promise.")]),
        _module(info, module_path, folder),
        _tasks(description),
        _limits(info),
        _permissions(description),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def swarm_id_of(path: Path) -> str:
    """A swarm id as files take it, made of a module's file name.

    >>> from pathlib import Path
    >>> swarm_id_of(Path("guests/Count Lines.wasm")), swarm_id_of(Path("_.wasm"))
    ('count-lines', 'swarm')
    """
    word = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")
    return word[:63].rstrip("-._") or "swarm"


def _module(info: ModuleInfo, path: Path, folder: Path | None) -> list[str]:
    relative = path.name
    if folder is not None:
        try:
            relative = path.resolve().relative_to(folder.resolve()).as_posix()
        except ValueError:
            why = "Not named here, because it lies outside of the contract's folder: whoever loads it brings it."
            return [*comment(f"The module. {why}"), f"# module: {flow({'path': relative, 'sha256': info.sha256})}"]
    if not re.fullmatch(MODULE_PATH.pattern, relative) or not relative.isprintable():
        return comment("The module is not named: a path in a contract is plain. Rename it, or bring it when loading.")
    pairs = [
        ("path", relative, "Its file, from the folder of this contract."),
        ("sha256", info.sha256, "This build and no other: whoever can write the file cannot change what runs."),
    ]
    return [*comment("The module that runs under this contract."), "module:", *lines_of(pairs, 2)]


def _tasks(description: ModuleDescription) -> list[str]:
    pairs = [
        (task.function.name, {"abi": abi}, why)
        for task in description.tasks
        if _can_be_named(task.function.name)
        for abi, why in _convention(task, can_allocate=description.allocator is not None)
    ]
    if not pairs:
        return []
    more = f" {len(pairs) - _MAX_TASKS:,} more are not listed." if len(pairs) > _MAX_TASKS else ""
    why = f"Its tasks that can be called in more than one way.{more}"
    return [*comment(why), "tasks:", *lines_of(pairs[:_MAX_TASKS], 2)]


def _can_be_named(name: str) -> bool:
    return bool(name) and name.isprintable() and len(name) <= TASK_NAME.max_characters


def _convention(task: TaskDescription, *, can_allocate: bool) -> list[tuple[str, str]]:
    """The convention of a task that numbers could be sent to as well, where its signature shows what it wants."""
    function = task.function
    possible = {fit.abi for fit in task.fits if fit.possible}
    if "scalar" not in possible or len(possible) == 1:
        return []
    signature = escape(str(function.type), 80)
    if "buffer" in possible and function.type.results == ("i64",):
        return [("buffer", f"{signature} takes bytes and answers where its reply lies; so lists are sent as JSON too.")]
    if "lenptr" in possible and can_allocate:
        return [("lenptr", f"{signature} takes bytes, and writes the length of its reply to the last pointer.")]
    return []


def _limits(info: ModuleInfo) -> list[str]:
    pairs: list[tuple[str, Any, str]] = []
    default = ServiceContract("any").resource_limits
    memory = info.memories[0] if info.memories else None
    if memory is None:
        pairs.append(("max_memory_mb", 1, "It has no memory; 1 MiB is the least that can be said."))
    elif memory.minimum_bytes >= default.max_memory_bytes:
        needed = -(-memory.minimum_bytes // _MIB)
        given = min(needed + _ROOM_MB, _MOST["max_memory_mb"])
        pairs.append(("max_memory_mb", given, f"It begins with {needed:,} MiB; the rest is room for parameters."))
    elif memory.maximum_bytes is not None and memory.maximum_bytes < default.max_memory_bytes:
        most = max(1, -(-memory.maximum_bytes // _MIB))
        pairs.append(("max_memory_mb", most, f"It declares at most {most:,} MiB itself."))
    if info.size_bytes > default.max_module_bytes:
        size = -(-info.size_bytes // _MIB)
        pairs.append(("max_module_mb", size, f"Its file has {size:,} MiB."))
    return (
        [*comment("Everything else is limited by the defaults."), "resource_limits:", *lines_of(pairs, 2)]
        if pairs
        else []
    )


def _permissions(description: ModuleDescription) -> list[str]:
    imports = {(item.module, item.name) for item in description.info.imports}
    wasi = sorted({escape(name, 40) for module, name in imports if module == _WASI_MODULE})
    logs = ("env", "log") in imports
    pairs = [
        ("log", logs, "It imports env.log." if logs else "It does not import env.log."),
        (
            "wasi",
            "inert" if wasi else "none",
            f"It imports {_few(wasi)} of WASI; inert gives it no files, environment or network."
            if wasi
            else "It imports nothing of WASI.",
        ),
    ]
    return [*comment("What it imports, and nothing else."), "permissions:", *lines_of(pairs, 2)]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more functions" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
