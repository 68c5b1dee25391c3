"""What was promised: service contracts as checked, frozen data. No engine and no limits in here.

You need this package to make a contract in Python, to read what one promises, or to list what is wrong with one.
"""

from infrafabric.contract.enforcement import Enforcement
from infrafabric.contract.fields import FieldSpec, specs
from infrafabric.contract.grants import Execution, Permissions
from infrafabric.contract.module_reference import ModuleReference
from infrafabric.contract.objectives import ServiceObjectives, TaskObjectives
from infrafabric.contract.resource_limits import ResourceLimits
from infrafabric.contract.rulebook import RULES
from infrafabric.contract.rules import Rule
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.tasks import TaskContract

__all__ = [
    "RULES",
    "Enforcement",
    "Execution",
    "FieldSpec",
    "ModuleReference",
    "Permissions",
    "ResourceLimits",
    "Rule",
    "ServiceContract",
    "ServiceObjectives",
    "TaskContract",
    "TaskObjectives",
    "specs",
]
