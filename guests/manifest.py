"""What guests.toml says, as records.

The manifest is data and not Python, so that the tests, the documentation and the builder read the same thing. It is
read with the standard library alone: building a guest needs no installed package.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The directory of the guests; every path in the manifest is relative to it.
GUESTS = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A compiler: the commands it may be, and the shell command that installs it."""

    name: str
    #: Environment variable that names the command to use instead.
    variable: str
    commands: tuple[tuple[str, ...], ...]
    install: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """How one kind of source becomes a module."""

    name: str
    language: str
    tool: Tool
    build: tuple[str, ...]
    probe: tuple[str, ...]
    #: Names of the target, old and new; the first that passes the probe is taken.
    targets: tuple[str, ...] = ("",)
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One task of a guest and how it has to end: what "the same behaviour" means."""

    task: str
    abi: str
    #: What is given to ``execute_task``.
    params: Any = None
    #: What the task answers; None for a task that answers nothing.
    output: Any = None
    outcome: str = "success"
    #: A part of the error's text.
    message: str = ""
    #: Lines in the swarm's log, in order; empty when they do not matter.
    logs: tuple[str, ...] = ()
    returns: str = "auto"
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One example guest."""

    name: str
    toolchain: Toolchain
    #: Relative to `GUESTS`; the first is given to the compiler.
    sources: tuple[str, ...]
    #: Export to calling convention.
    tasks: Mapping[str, str]
    #: ``module.name`` of every import, sorted.
    imports: tuple[str, ...]
    shows: str
    checks: tuple[Check, ...]
    flags: tuple[str, ...] = ()
    #: ``task`` for a fresh instance for each check, ``swarm`` for one that is kept over all of them.
    instance: str = "task"

    @property
    def wasm(self) -> Path:
        """The checked-in module."""
        return GUESTS / self.name / f"{self.name}.wasm"


@cache
def load_guests(path: Path = GUESTS / "guests.toml") -> Mapping[str, Guest]:
    """Every guest by name, in the manifest's order.

    Raises:
        TypeError: a table of the manifest has a key that does not belong there, or lacks one.
        KeyError: a guest names a toolchain, or a toolchain a tool, that the manifest does not have.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    tools = {
        name: Tool(name=name, **{**table, "commands": tuple(map(tuple, table["commands"]))})
        for name, table in document["tools"].items()
    }
    toolchains = {name: _toolchain(name, tools, table) for name, table in document["toolchains"].items()}
    return {name: _guest(name, toolchains, table) for name, table in document["guests"].items()}


def _toolchain(name: str, tools: Mapping[str, Tool], table: dict[str, Any]) -> Toolchain:
    env = tuple(table.pop("env", {}).items())
    tool = tools[table.pop("tool")]
    return Toolchain(name=name, tool=tool, env=env, **_with_tuples(table))


def _guest(name: str, toolchains: Mapping[str, Toolchain], table: dict[str, Any]) -> Guest:
    toolchain = toolchains[table.pop("toolchain")]
    checks = tuple(_check(table["tasks"], **check) for check in table.pop("checks"))
    return Guest(name=name, toolchain=toolchain, checks=checks, **_with_tuples(table))


def _check(
    tasks: Mapping[str, str],
    *,
    task: str,
    params: Any = None,
    params_hex: str | None = None,
    repeat: int = 1,
    output: Any = None,
    output_hex: str | None = None,
    logs: list[str] | None = None,
    **rest: Any,
) -> Check:
    """Hex text becomes bytes, ``repeat`` is applied, the calling convention is that of the guest's task."""
    if params_hex is not None:
        params = bytes.fromhex(params_hex)
    if output_hex is not None:
        output = bytes.fromhex(output_hex)
    params = params * repeat if repeat > 1 else params
    return Check(task=task, abi=tasks[task], params=params, output=output, logs=tuple(logs or ()), **rest)


def _with_tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
