"""One contract's file and its module, read: what can be loaded, or why nothing can."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract.files import FORMATS, check_file
from infrafabric.contract.report import format_problems
from infrafabric.errors import ContractError, ContractValidationError, InfraFabricError, ModuleTooLarge, escape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infrafabric.contract import ServiceContract
    from infrafabric.contract.defaults import DeploymentDefaults

#: What says that a file is as it was: time of change, size and number of each file that was read.
Signature = tuple[tuple[int, int, int] | None, ...]


@attrs.frozen
class LoadFailure:
    """A contract that could not be loaded: ``report`` shows why, over several lines, safe to print."""

    path: Path
    error: InfraFabricError
    report: str


@attrs.frozen
class Reading:
    """What one look at a file found: a contract with its module, or why there is none."""

    signature: Signature
    module_path: Path | None
    failure: LoadFailure | None
    contract: ServiceContract | None = None
    module: bytes = b""

    def require(self) -> tuple[ServiceContract, bytes]:
        """The contract and the module of a reading without failure."""
        if self.contract is None:
            raise ValueError("there is a failure")
        return self.contract, self.module


@attrs.frozen
class Reader:
    """Reads contracts with their modules. ``modules``: files to take instead of those that contracts name, by id."""

    defaults: DeploymentDefaults
    modules: Mapping[str, Path]

    def read(self, path: Path) -> Reading:
        """Read a contract and its module. Stamps are taken before: a change meanwhile is seen at the next look."""
        before = signature_of(path)
        checked = check_file(path, defaults=self.defaults)
        if checked.contract is None:
            report = format_problems(checked.problems, checked.source)
            return Reading((*before, None), None, LoadFailure(path, checked.error(), report))
        module_path = self._module_path(path, checked.contract)
        signature = (*before, *signature_of(module_path))
        try:
            module = self._read_module(path, checked.contract)
        except ContractValidationError as error:
            problems = checked.document.locate(error.problems) if checked.document is not None else error.problems
            failure = LoadFailure(path, error, format_problems(problems, checked.source))
            return Reading(signature, module_path, failure)
        except InfraFabricError as error:
            return Reading(signature, module_path, failure_of(path, error))
        return Reading(signature, module_path, None, checked.contract, module)

    def _module_path(self, path: Path, contract: ServiceContract) -> Path | None:
        named = path.parent / contract.module.path if contract.module is not None else None
        return self.modules.get(contract.swarm_id, named)

    def _read_module(self, path: Path, contract: ServiceContract) -> bytes:
        given = self.modules.get(contract.swarm_id)
        limit = contract.resource_limits.max_module_bytes
        if given is not None:
            module = _read_bytes(given, limit)
            if contract.module is not None:
                contract.module.check(module, str(given))
            return module
        if contract.module is None:
            raise ContractError(
                "the contract names no module; add module: {path: x.wasm}, or give --module "
                f"{escape(contract.swarm_id)}=FILE"
            )
        return contract.module.read(path.parent, limit)


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block, and with it every later look at the files
            raise ContractError(f"the module '{escape(str(path), 200)}' cannot be read: it is not a regular file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise ContractError(f"the module '{escape(str(path), 200)}' cannot be read: {error.strerror}") from None
    if len(data) > max_bytes:
        raise ModuleTooLarge(
            f"'{escape(str(path), 200)}' is larger than the {max_bytes:,} bytes of resource_limits.max_module_mb"
        )
    return data


def failure_of(path: Path, error: InfraFabricError) -> LoadFailure:
    """The failure of a file for an error that has no place in it."""
    return LoadFailure(path, error, f"{escape(str(path))}: error: {error}")


def is_contract(path: Path) -> bool:
    """Whether a file in a folder is meant as a contract, by its name."""
    return path.suffix.lower() in FORMATS and not path.name.startswith((".", "~", "#"))


def signature_of(*paths: Path | None) -> Signature:
    """What says that files are as they were; None for one that is not there."""
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        stat = path.stat() if path is not None else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat is not None else None
