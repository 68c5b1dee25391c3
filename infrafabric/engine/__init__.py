"""How guests run: the only package that imports wasmtime.

It knows modules, instances and deadlines, and nothing of contracts' rates, queues or objectives; the chassis gives it a
`Sandbox`, a deadline and a CPU governor, and gets an output or a `Verdict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.engine.about import EngineInfo, engine_info
    from infrafabric.engine.cache import CacheRefusedError, CodeCache, default_cache_folder
    from infrafabric.engine.exports import Function
    from infrafabric.engine.guestlog import SCRIBE, LogRecord, SwarmLog, TaskLog
    from infrafabric.engine.imports import Grants, ImportVerdict, check_imports, verdicts
    from infrafabric.engine.instance import Sandbox
    from infrafabric.engine.program import Program, load_program
    from infrafabric.engine.running import GuestEnded, Run, Verdict
    from infrafabric.engine.runtime import NoRoomError, SwarmRuntime, stop

_HOME = {
    "CacheRefusedError": "cache",
    "CodeCache": "cache",
    "EngineInfo": "about",
    "Function": "exports",
    "Grants": "imports",
    "GuestEnded": "running",
    "ImportVerdict": "imports",
    "LogRecord": "guestlog",
    "NoRoomError": "runtime",
    "Program": "program",
    "Run": "running",
    "SCRIBE": "guestlog",
    "Sandbox": "instance",
    "SwarmLog": "guestlog",
    "SwarmRuntime": "runtime",
    "TaskLog": "guestlog",
    "Verdict": "running",
    "check_imports": "imports",
    "default_cache_folder": "cache",
    "engine_info": "about",
    "load_program": "program",
    "stop": "runtime",
    "verdicts": "imports",
}

__all__ = [
    "SCRIBE",
    "CacheRefusedError",
    "CodeCache",
    "EngineInfo",
    "Function",
    "Grants",
    "GuestEnded",
    "ImportVerdict",
    "LogRecord",
    "NoRoomError",
    "Program",
    "Run",
    "Sandbox",
    "SwarmLog",
    "SwarmRuntime",
    "TaskLog",
    "Verdict",
    "check_imports",
    "default_cache_folder",
    "engine_info",
    "load_program",
    "stop",
    "verdicts",
]


def __getattr__(name: str) -> Any:
    # Lazy, so that the compile child imports its few modules and not all of them.
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    import importlib  # noqa: PLC0415 - needed once for each name

    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
