"""What a command line points at: a module, and the contract that it runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.cli.ending import ReportedError
from infrafabric.contract import ServiceContract
from infrafabric.errors import ContractValidationError, ModuleTooLarge, escape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: The largest ``max_module_mb`` that a contract can state: nothing larger is read.
MAX_MODULE_BYTES = 256 << 20

#: Files that end so are contracts; anything else is a module.
CONTRACT_SUFFIXES = frozenset({".yaml", ".yml", ".toml", ".json"})

#: A command line runs one task for one person: nobody is there to be protected from its CPU share.
MODULE_LIMITS: Mapping[str, Any] = {"max_cpu_percent": 100}


@attrs.frozen
class Target:
    """A module's bytes under a contract."""

    contract: ServiceContract
    module: bytes


def open_target(path: Path, changes: Mapping[str, Any]) -> Target:
    """The module at ``path``, or that of the contract there, with ``changes`` to the contract's parts.

    Raises `click.UsageError` for a file that cannot be read, `ReportedError` for a contract with mistakes, and
    `ContractError` or `ModuleTooLarge`.
    """
    if path.suffix.lower() not in CONTRACT_SUFFIXES:
        contract = ServiceContract(swarm_id_of(path), resource_limits=MODULE_LIMITS)
        return Target(_changed(contract, changes), read_module_file(path))
    contract = _changed(_read_contract(path), changes)
    if contract.module is None:
        raise click.UsageError(f"the contract '{escape(str(path), 200)}' names no module: add module: {{path: x.wasm}}")
    return Target(contract, contract.module.read(path.parent, contract.resource_limits.max_module_bytes))


def _read_contract(path: Path) -> ServiceContract:
    from infrafabric.contract.files import check_file  # noqa: PLC0415 - most targets are modules
    from infrafabric.contract.report import format_problems  # noqa: PLC0415 - as above

    checked = check_file(path)
    if checked.contract is None:
        raise ReportedError(
            format_problems(checked.problems, checked.source), ContractValidationError(checked.problems)
        )
    return checked.contract


def _changed(contract: ServiceContract, changes: Mapping[str, Any]) -> ServiceContract:
    """The contract with the changes; what they do not name of a part, or of a task, stays."""
    tasks = {name: {**contract.tasks.get(name, {}), **task} for name, task in changes.get("tasks", {}).items()}
    return contract.evolve(**{**changes, "tasks": {**contract.tasks, **tasks}})


def swarm_id_of(path: Path) -> str:
    r"""A swarm id made of a module's file name.

    >>> from pathlib import Path
    >>> swarm_id_of(Path("guests/Count Lines.wasm")), swarm_id_of(Path("a\n\\b.wasm"))
    ('Count Lines', 'a__b')
    """
    stem = "".join(c if c.isprintable() and c != "\\" else "_" for c in path.stem)
    return stem[:63] or "module"


def read_module_file(path: Path) -> bytes:
    """The bytes of a module's file."""
    name = escape(str(path), 200)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MODULE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise click.UsageError(f"cannot read the module '{name}': {why}") from None
    if len(data) > MAX_MODULE_BYTES:
        raise ModuleTooLarge(
            f"'{name}' has more than {MAX_MODULE_BYTES >> 20} MiB, the most that a contract's max_module_mb can allow"
        )
    return data
