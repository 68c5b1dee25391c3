"""What a linter has to know about a module, told from its bytes: the facts that contracts are judged against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.chassis.loading import read_module
from infrafabric.contract.module_facts import DeniedImport, ExportFacts, ModuleFacts
from infrafabric.engine import Grants
from infrafabric.engine.describe import describe
from infrafabric.errors import ContractValidationError, InvalidModule, ModuleError, escape
from infrafabric.wasm import inspect_module

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.contract import ServiceContract
    from infrafabric.errors import Problem

#: Nothing larger than a contract's max_module_mb can be is read to be judged.
_MOST_BYTES = 256 << 20


def module_of(contract: ServiceContract, folder: Path) -> tuple[bytes | None, tuple[Problem, ...]]:
    """The module that a contract names, from the contract's folder; None with the problems where it cannot be had."""
    if contract.module is None:
        return None, ()
    try:
        return contract.module.read(folder, _MOST_BYTES), ()
    except ContractValidationError as error:
        return None, error.problems


def module_facts(module: bytes, contract: ServiceContract) -> ModuleFacts:
    """What there is to know about a module to judge whether it fits the contract."""
    try:
        info = inspect_module(module)
    except ModuleError as error:
        return ModuleFacts(size_bytes=len(module), refusal=escape(str(error)))
    grants = Grants(log=contract.permissions.log, wasi=contract.permissions.wasi == "inert")
    description = describe(info, grants)
    return ModuleFacts(
        size_bytes=info.size_bytes,
        memory_bytes=max((memory.minimum_bytes for memory in info.memories), default=0),
        denied_imports=tuple(
            DeniedImport(name=verdict.name, reason=verdict.reason, fix=verdict.fix)
            for verdict in dict.fromkeys(description.imports)
            if not verdict.granted
        ),
        refusal=_refusal(module, contract),
        exports={
            task.function.name: ExportFacts(
                signature=f"{task.function.name}{task.function.type}",
                parameter_count=len(task.function.type.params),
                unfit={fit.abi: fit.reason for fit in task.fits if fit.reason is not None},
            )
            for task in description.tasks
        },
    )


def _refusal(module: bytes, contract: ServiceContract) -> str:
    """Why no contract could let the module load; what another contract could change is told field by field."""
    try:
        read_module(module, contract)
    except InvalidModule as error:
        return escape(str(error))
    except ModuleError:
        return ""
    return ""
