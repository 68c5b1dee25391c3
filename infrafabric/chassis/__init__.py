"""The chassis: what a developer holds. It composes contract, engine, limits and telemetry.

Names are imported from their homes when they are first used, so that `ServiceContract` costs no engine.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.chassis.futures import TaskFuture
    from infrafabric.chassis.policy import EnforcementChange
    from infrafabric.chassis.results import Failure, TaskResult, Usage
    from infrafabric.chassis.runtime import IFChassis, SwarmMatch
    from infrafabric.contract import ServiceContract

# A library does not print: where the application configured no logging, records go nowhere.
logging.getLogger("infrafabric").addHandler(logging.NullHandler())

__all__ = [
    "EnforcementChange",
    "Failure",
    "IFChassis",
    "ServiceContract",
    "SwarmMatch",
    "TaskFuture",
    "TaskResult",
    "Usage",
]

_HOMES = {
    "EnforcementChange": "infrafabric.chassis.policy",
    "Failure": "infrafabric.chassis.results",
    "IFChassis": "infrafabric.chassis.runtime",
    "ServiceContract": "infrafabric.contract",
    "SwarmMatch": "infrafabric.chassis.runtime",
    "TaskFuture": "infrafabric.chassis.futures",
    "TaskResult": "infrafabric.chassis.results",
    "Usage": "infrafabric.chassis.results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
