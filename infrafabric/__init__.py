"""Run untrusted WebAssembly swarms inside your own process, under a service contract.

.. code-block:: python

    from infrafabric import IFChassis, ServiceContract

    with IFChassis() as chassis:
        chassis.load_swarm("adder", wasm_bytes, ServiceContract("adder", ["testing:unit"]))
        print(chassis.execute_task("adder", "add", [2, 3]).output)

Every public name is here; each is imported from its home when it is first used (PEP 562), so that a program
which only handles `infrafabric.InfraFabricError` does not load the WebAssembly engine. Importing everything at
once was rejected: it costs a tenth of a second in every command line that mentions the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis, ServiceContract, TaskFuture, TaskResult, Usage
    from infrafabric.errors import (
        Blame,
        BoardError,
        ChassisClosedError,
        ChassisInternalError,
        CompileLimitExceeded,
        ContractError,
        ContractSyntaxError,
        ContractValidationError,
        FuelExhausted,
        GuestError,
        HostExhausted,
        ImportDenied,
        InfraFabricError,
        InvalidModule,
        InvalidResult,
        MemoryLimitExceeded,
        ModuleError,
        ModuleTooLarge,
        Outcome,
        Problem,
        RateLimitExceeded,
        SloStateError,
        SwarmAlreadyLoaded,
        SwarmBusy,
        SwarmIdMismatch,
        SwarmInitError,
        SwarmNotLoadedError,
        SwarmQuarantined,
        TaskCancelled,
        TaskError,
        TaskNotFoundError,
        TaskParamsError,
        TaskTimeout,
        TaskTrapped,
        TelemetrySetupError,
    )
    from infrafabric.wasm import inspect_module

    __version__: str

__all__ = [
    "Blame",
    "BoardError",
    "ChassisClosedError",
    "ChassisInternalError",
    "CompileLimitExceeded",
    "ContractError",
    "ContractSyntaxError",
    "ContractValidationError",
    "FuelExhausted",
    "GuestError",
    "HostExhausted",
    "IFChassis",
    "ImportDenied",
    "InfraFabricError",
    "InvalidModule",
    "InvalidResult",
    "MemoryLimitExceeded",
    "ModuleError",
    "ModuleTooLarge",
    "Outcome",
    "Problem",
    "RateLimitExceeded",
    "ServiceContract",
    "SloStateError",
    "SwarmAlreadyLoaded",
    "SwarmBusy",
    "SwarmIdMismatch",
    "SwarmInitError",
    "SwarmNotLoadedError",
    "SwarmQuarantined",
    "TaskCancelled",
    "TaskError",
    "TaskFuture",
    "TaskNotFoundError",
    "TaskParamsError",
    "TaskResult",
    "TaskTimeout",
    "TaskTrapped",
    "TelemetrySetupError",
    "Usage",
    "__version__",
    "inspect_module",
]

#: Where a public name lives, when that is not `infrafabric.errors`.
_HOMES = {
    "IFChassis": "chassis",
    "ServiceContract": "chassis",
    "TaskFuture": "chassis",
    "TaskResult": "chassis",
    "Usage": "chassis",
    "inspect_module": "wasm",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = _version() if name == "__version__" else _resolve(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})


def _resolve(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415 - bare Python has not loaded it

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def _version() -> str:
    """The installed version: pyproject.toml is the only place that states it."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow to import

    try:
        return version(__name__)
    except PackageNotFoundError:  # a source tree on sys.path that nobody installed
        return "0+unknown"
