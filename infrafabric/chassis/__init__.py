"""The chassis: what a developer holds. It composes contract, engine, limits and telemetry."""

from __future__ import annotations

import logging

from infrafabric.chassis.futures import TaskFuture
from infrafabric.chassis.results import Failure, TaskResult, Usage
from infrafabric.chassis.runtime import IFChassis, SwarmMatch
from infrafabric.contract import ServiceContract

# A library does not print: where the application configured no logging, records go nowhere.
logging.getLogger("infrafabric").addHandler(logging.NullHandler())

__all__ = ["Failure", "IFChassis", "ServiceContract", "SwarmMatch", "TaskFuture", "TaskResult", "Usage"]
