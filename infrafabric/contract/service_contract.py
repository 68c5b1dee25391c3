"""`ServiceContract`: everything that was promised about one swarm, checked when it is made, frozen from then on."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.contract import rules
from infrafabric.contract.data import Data
from infrafabric.contract.enforcement import Enforcement
from infrafabric.contract.fields import field
from infrafabric.contract.frozen import FrozenList, FrozenMapping
from infrafabric.contract.grants import Execution, Permissions
from infrafabric.contract.kinds import TextList
from infrafabric.contract.module_reference import ModuleReference
from infrafabric.contract.objectives import ServiceObjectives
from infrafabric.contract.problems import Problems, join
from infrafabric.contract.record import Part, PartMap, Record
from infrafabric.contract.resource_limits import ResourceLimits
from infrafabric.contract.tasks import TaskContract, check_names
from infrafabric.contract.texts import (
    CAPABILITY,
    FILE_SWARM_ID,
    PROSE,
    SWARM_ID,
    TASK_NAME,
    VERSION,
    VersionKey,
    version_key,
)
from infrafabric.contract.times import Timestamp

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping

    from infrafabric.contract.defaults import DeploymentDefaults
    from infrafabric.contract.document import Format

#: An empty mapping: every key has its default.
_DEFAULTS: Final[FrozenMapping[Any]] = FrozenMapping()
_NOT_DIGESTED: Final = frozenset({"created_at"})


@attrs.frozen(eq=False, init=False)  # its own __init__ says in types that parts may be mappings
class ServiceContract(Record):
    """What one swarm may do, how much it may use and how well it must serve.

    Nested parts are taken as their records or as plain mappings, filled with defaults. Raises
    `ContractValidationError` with every problem at once. A contract reads like a mapping, equals an equal one,
    and can be hashed and pickled.

    >>> contract = ServiceContract("counter", ["code-analysis:python"], {"max_memory_mb": 64})
    >>> contract.resource_limits.max_memory_mb, contract["resource_limits"]["max_queued_tasks"]
    (64, 64)
    """

    swarm_id: str = field(
        SWARM_ID,
        "The name of the swarm, unique in its chassis. One without a name can be made but not loaded.",
        enforced_by="chassis",
        broken="load_swarm raises ValueError",
        file_kind=FILE_SWARM_ID,
        examples=("analyzer-swarm",),
    )
    capabilities: FrozenList[str] = field(
        TextList(item=CAPABILITY, max_items=1024),
        "What the swarm offers, as 'category:name'. The known ones are in infrafabric.schemas.capability.",
        enforced_by="chassis",
        factory=FrozenList,
        examples=(["code-analysis:python", "code-analysis:rust"],),
    )
    resource_limits: ResourceLimits = field(
        Part(ResourceLimits), "How much the swarm may use.", enforced_by="engine, limits", factory=ResourceLimits
    )
    slos: ServiceObjectives = field(
        Part(ServiceObjectives), "How well the swarm must serve.", enforced_by="telemetry", factory=ServiceObjectives
    )
    version: str = field(
        VERSION,
        "The version of the contract, as text. 1.0 means 1.0.0.",
        enforced_by="chassis",
        default="1.0",
        examples=("1.2.0",),
    )
    created_at: float = field(
        Timestamp(),
        "When the contract was made: seconds since 1970 in Python, RFC 3339 text in files. No part of the digest.",
        enforced_by="chassis",
        factory=time.time,
        file_kind=Timestamp(in_file=True),
        examples=("2026-11-20T00:00:00Z",),
    )
    metadata: FrozenMapping[Any] = field(
        Data(max_bytes=65_536, max_depth=16),
        "Anything else worth knowing, such as author and language. Kept and shown, never interpreted.",
        enforced_by="contract",
        factory=FrozenMapping,
        examples=({"author": "ada", "language": "rust"},),
    )
    description: str = field(
        PROSE,
        "What the swarm does, for people.",
        enforced_by="contract",
        default="",
        examples=("Counts and checks source files",),
    )
    tasks: FrozenMapping[TaskContract] = field(
        PartMap(record=TaskContract, key=TASK_NAME, max_items=1024),
        "What is promised about single tasks, by their names. Explicit beats detected.",
        enforced_by="engine",
        factory=FrozenMapping,
        examples=({"analyze_code": {"abi": "buffer", "returns": "json"}},),
    )
    permissions: Permissions = field(
        Part(Permissions), "What the guest may import.", enforced_by="engine", factory=Permissions
    )
    execution: Execution = field(
        Part(Execution), "How the swarm's instances live.", enforced_by="engine", factory=Execution
    )

    enforcement: Enforcement = field(
        Part(Enforcement),
        "What a spent error budget and failures in a row cost the swarm.",
        enforced_by="chassis",
        factory=Enforcement,
        examples=({"on_exhausted": "throttle", "on_consecutive_failures": 5},),
    )

    module: ModuleReference | None = field(
        Part(ModuleReference, nullable=True),
        "The module that runs under this contract. Null: whoever loads the swarm brings it.",
        enforced_by="contract",
        broken="contract_invalid at load",
        default=None,
        examples=({"path": "analyzer.wasm"},),
    )

    def __init__(  # noqa: PLR0913 - one parameter a field
        self,
        swarm_id: str,
        capabilities: Collection[str] = (),
        resource_limits: ResourceLimits | Mapping[str, Any] = _DEFAULTS,
        slos: ServiceObjectives | Mapping[str, Any] = _DEFAULTS,
        version: str = "1.0",
        created_at: float | None = None,
        metadata: Mapping[str, Any] = _DEFAULTS,
        *,
        description: str = "",
        tasks: Mapping[str, TaskContract | Mapping[str, Any]] = _DEFAULTS,
        permissions: Permissions | Mapping[str, Any] = _DEFAULTS,
        execution: Execution | Mapping[str, Any] = _DEFAULTS,
        enforcement: Enforcement | Mapping[str, Any] = _DEFAULTS,
        module: ModuleReference | Mapping[str, Any] | None = None,
    ) -> None:
        self.fill(
            {
                "swarm_id": swarm_id,
                "capabilities": capabilities,
                "resource_limits": resource_limits,
                "slos": slos,
                "version": version,
                "created_at": time.time() if created_at is None else created_at,
                "metadata": metadata,
                "description": description,
                "tasks": tasks,
                "permissions": permissions,
                "execution": execution,
                "enforcement": enforcement,
                "module": module,
            }
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], defaults: DeploymentDefaults | None = None) -> ServiceContract:
        """The contract in a YAML, TOML or JSON file.

        Raises `ContractSyntaxError` for a file that cannot be read as such, and `ContractValidationError` with every
        problem, each with its line and column. Files are stricter than Python: a plain swarm id, RFC 3339 times.
        ``defaults`` are a deployment's; they are filled in where the file says nothing.
        """
        from infrafabric.contract.files import check_file  # noqa: PLC0415 - contracts in memory need no parsers

        return check_file(path, defaults=defaults).require()

    @classmethod
    def from_text(cls, text: str, format: Format = "yaml", name: str = "<text>") -> ServiceContract:  # noqa: A002
        """The contract that a text says; ``format`` is yaml, toml or json. Raises as `from_file` does.

        >>> ServiceContract.from_text("swarm_id: counter").resource_limits.max_memory_mb
        256
        """
        from infrafabric.contract.files import check_text  # noqa: PLC0415 - contracts in memory need no parsers

        return check_text(text, format, name).require()

    def to_yaml(self, *, defaults: bool = True) -> str:
        """The contract as a YAML file holds it: `from_text` gives back an equal one.

        Without ``defaults``, what a reader fills in by itself is left out.
        """
        from infrafabric.contract.writing import yaml_text  # noqa: PLC0415 - contracts in memory need no writers

        return yaml_text(self, defaults=defaults)

    def to_json(self, *, defaults: bool = True) -> str:
        """The contract as a JSON file holds it; otherwise as `to_yaml`."""
        from infrafabric.contract.writing import json_text  # noqa: PLC0415 - contracts in memory need no writers

        return json_text(self, defaults=defaults)

    @classmethod
    def cross_check(cls, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        """A kept instance runs one task at a time; tasks are named as tasks can be."""
        execution, limits = values.get("execution", {}), values.get("resource_limits", {})
        if execution.get("instance") == "swarm" and limits.get("max_concurrent_tasks", 1) > 1:
            message = f"instance: swarm needs max_concurrent_tasks 1, got {limits['max_concurrent_tasks']}"
            fix = "set resource_limits.max_concurrent_tasks to 1, or execution.instance to task"
            problems.add(rules.KEPT_INSTANCE_SHARED, join(join(path, "execution"), "instance"), message, fix)
        check_names(values.get("tasks", {}), join(path, "tasks"), problems)

    @property
    def version_key(self) -> VersionKey:
        """What versions are compared by: "1.0" equals "1.0.0", and pre-releases come before their release."""
        return version_key(self.version)

    def canonical_json(self) -> bytes:
        """The contract's one canonical form: RFC 8785 JSON of all fields, defaults included, ``created_at`` not.

        That form sorts keys; capabilities, whose order means nothing, are sorted too. Where the order of a task's
        parameters has a meaning, it is added as ``parameter_names``, so that contracts which call their guests
        differently differ.
        """
        import rfc8785  # noqa: PLC0415 - only digests need it

        plain = {key: value for key, value in self.to_dict().items() if key not in _NOT_DIGESTED}
        plain["capabilities"].sort()
        for name, task in self.tasks.items():
            if task.order_counts:
                plain["tasks"][name]["parameter_names"] = list(task.parameter_names or ())
        return rfc8785.dumps(plain)

    @property
    def digest(self) -> str:
        """The SHA-256 of `canonical_json` in hexadecimal: equal for contracts that promise the same."""
        return hashlib.sha256(self.canonical_json()).hexdigest()
