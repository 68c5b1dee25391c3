"""What a command line points at: a module, and the contract that it runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.contract import ServiceContract
from infrafabric.errors import ModuleTooLarge, escape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: The largest ``max_module_mb`` that a contract can state: nothing larger is read.
MAX_MODULE_BYTES = 256 << 20

#: A command line runs one task for one person: nobody is there to be protected from its CPU share.
MODULE_LIMITS = {"max_cpu_percent": 100}


@attrs.frozen
class Target:
    """A module's bytes under a contract."""

    contract: ServiceContract
    module: bytes


def open_target(path: Path, changes: Mapping[str, Any]) -> Target:
    """The module at ``path`` under a contract made for it, with ``changes`` to the contract's parts.

    Raises `click.UsageError` for a file that cannot be read, and `ContractError` or `ModuleTooLarge`.
    """
    contract = ServiceContract(swarm_id_of(path), resource_limits=MODULE_LIMITS)
    return Target(contract.evolve(**changes), read_module_file(path))


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
