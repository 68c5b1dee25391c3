"""What callers hand in, checked before anything happens: wrong types are TypeErrors, wrong values name themselves."""

from __future__ import annotations

from typing import Any

from infrafabric.contract import ServiceContract
from infrafabric.errors import ContractError, SwarmIdMismatch, SwarmNotLoadedError, escape


def check_swarm(swarm_id: Any, wasm_module: Any, contract: Any) -> None:
    """Refuse arguments of `load_swarm` that cannot belong together."""
    if not isinstance(contract, ServiceContract):
        raise TypeError(f"contract is a ServiceContract, got {type(contract).__name__}")
    if not isinstance(wasm_module, (bytes, bytearray, memoryview)):
        raise TypeError(f"wasm_module is bytes, got {type(wasm_module).__name__}; read the file first")
    if not contract.swarm_id:
        raise ContractError("Contract must have swarm_id")
    if swarm_id != contract.swarm_id:
        raise SwarmIdMismatch(f"Swarm ID mismatch: {escape(str(swarm_id))} != {escape(contract.swarm_id)}")


def check_call(task_name: Any, timeout_seconds: Any) -> None:
    """Refuse a task name that is no text and a timeout that is no time."""
    if not isinstance(task_name, str):
        raise TypeError(f"task_name is text, got {type(task_name).__name__}")
    if timeout_seconds is None:
        return
    if isinstance(timeout_seconds, bool) or not isinstance(timeout_seconds, (int, float)):
        raise TypeError(f"timeout_seconds is a number of seconds, got {type(timeout_seconds).__name__}")
    if not timeout_seconds > 0:
        raise ValueError(f"timeout_seconds must be above 0, got {timeout_seconds}")


def not_loaded(swarm_id: Any) -> SwarmNotLoadedError:
    """The error of a swarm that is not there."""
    return SwarmNotLoadedError(f"Swarm '{escape(str(swarm_id))}' not loaded")
