"""What a command line points at: a module, and the contract that it runs under."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.cli.ending import ReportedError
from infrafabric.contract import ServiceContract
from infrafabric.errors import ContractValidationError, ModuleTooLarge, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrafabric.contract.defaults import DeploymentDefaults
    from infrafabric.contract.files import CheckedContract

#: The largest ``max_module_mb`` that a contract can state: nothing larger is read.
MAX_MODULE_BYTES = 256 << 20

#: Files that end so are contracts; anything else is a module.
CONTRACT_SUFFIXES = frozenset({".yaml", ".yml", ".toml", ".json"})

#: A command line runs one task for one person: nobody is there to be protected from its CPU share.
MODULE_LIMITS: Mapping[str, Any] = {"max_cpu_percent": 100}


#: ``--module``, for contracts that name none (those to start from), or to try another build.
module_option = click.option(
    "--module",
    "module_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The module to go with a contract.  [default: the one that it names]",
)


@attrs.frozen
class Target:
    """A module's bytes under a contract."""

    contract: ServiceContract
    module: bytes


def open_target(path: Path, changes: Mapping[str, Any], module_path: Path | None = None) -> Target:
    """The module at ``path``, or that of the contract there, with ``changes`` to the contract's parts.

    ``module_path`` is a module to run under the contract at ``path`` instead of the file that it names; a digest that
    the contract states still holds.

    Raises `click.UsageError` for a file that cannot be read, `ReportedError` for a contract with mistakes, and
    `ContractError` or `ModuleTooLarge`.
    """
    if path.suffix.lower() not in CONTRACT_SUFFIXES:
        if module_path is not None:
            raise click.UsageError("--module goes with a contract, and there is a module already")
        contract = ServiceContract(swarm_id_of(path), resource_limits=MODULE_LIMITS)
        return Target(_changed(contract, changes), read_module_file(path))
    contract = _changed(read_contract(path, deployment_defaults()).require(), changes)
    if module_path is not None:
        return Target(contract, _pinned(contract, read_module_file(module_path), module_path))
    if contract.module is None:
        raise click.UsageError(
            f"the contract '{escape(str(path), 200)}' names no module: add module: {{path: x.wasm}}, or give --module"
        )
    return Target(contract, contract.module.read(path.parent, contract.resource_limits.max_module_bytes))


def _pinned(contract: ServiceContract, module: bytes, path: Path) -> bytes:
    """The module, when it is the one whose digest the contract states."""
    if contract.module is not None:
        contract.module.check(module, str(path))
    return module


def deployment_defaults() -> DeploymentDefaults:
    """What this deployment fills in where contracts say nothing. Raises `ContractError` for a mistake in it."""
    from infrafabric.contract.defaults import DeploymentDefaults  # noqa: PLC0415 - most targets are modules

    return DeploymentDefaults.load()


def read_contract(path: Path, defaults: DeploymentDefaults | None = None) -> CheckedContract:
    """The valid contract at ``path``, with its document. Raises `ReportedError` that shows each mistake in its line."""
    from infrafabric.contract.files import check_file  # noqa: PLC0415 - most targets are modules
    from infrafabric.contract.report import format_problems  # noqa: PLC0415 - as above

    checked = check_file(path, defaults=defaults)
    if checked.contract is None:
        raise ReportedError(
            format_problems(checked.problems, checked.source), ContractValidationError(checked.problems)
        )
    return checked


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
