"""A service contract in memory: what it takes, how it reads, and that nobody can change it afterwards."""

from __future__ import annotations

import copy
import json
import pickle
import time
from typing import Any

import attrs
import pytest

from infrafabric.contract import (
    Execution,
    ModuleReference,
    Permissions,
    ResourceLimits,
    ServiceContract,
    ServiceObjectives,
    TaskContract,
)
from infrafabric.errors import ContractError, ContractValidationError
from infrafabric.schemas.capability import Capability

FULL: dict[str, Any] = {
    "swarm_id": "analyzer-swarm",
    "capabilities": ["code-analysis:python", "code-analysis:rust"],
    "resource_limits": {"max_memory_mb": 64, "max_cpu_percent": 150.5, "max_concurrent_tasks": 2, "max_fuel": 10**9},
    "slos": {"target_latency_ms": 50, "period": "7d"},
    "version": "1.2.0",
    "created_at": 1795132800.25,
    "metadata": {"author": "ada", "tags": ["a", {"b": [None, True, 1, 1.5]}]},
    "description": "Counts\nand checks",
    "tasks": {
        "analyze_code": {"abi": "buffer", "returns": "json", "params": {"type": "object", "required": ["file"]}},
        "_start": {"abi": "command"},
    },
    "permissions": {"log": False, "wasi": "none"},
    "execution": {"deterministic": True},
    "module": {"path": "guests/analyzer.wasm", "sha256": "0" * 64},
}


@pytest.fixture
def full() -> ServiceContract:
    """A contract that says something about everything."""
    return ServiceContract(**FULL)


def test_defaults_are_the_documented_ones() -> None:
    """A contract that says nothing has every limit on, at the value the documentation shows."""
    before = time.time()
    contract = ServiceContract("quiet")
    assert before <= contract.created_at <= time.time()
    assert contract.to_dict() == {
        "swarm_id": "quiet",
        "capabilities": [],
        "resource_limits": {
            "max_memory_mb": 256,
            "max_cpu_percent": 25,
            "max_api_calls_per_second": 10,
            "max_execution_time_seconds": 300,
            "max_concurrent_tasks": 1,
            "max_queued_tasks": 64,
            "max_load_seconds": 10,
            "max_log_bytes_per_second": 65536,
            "max_payload_mb": 8,
            "max_module_mb": 64,
            "max_fuel": None,
        },
        "slos": {
            "target_latency_ms": 100,
            "target_throughput_rps": 10,
            "target_availability_percent": 99.9,
            "latency_objective_percent": 99,
            "throughput_objective_percent": 99,
            "period": "30d",
        },
        "version": "1.0",
        "created_at": contract.created_at,
        "metadata": {},
        "description": "",
        "tasks": {},
        "permissions": {"log": True, "wasi": "inert"},
        "execution": {"instance": "task", "deterministic": False},
        "enforcement": {"on_exhausted": "observe", "on_consecutive_failures": None, "retry_after_seconds": 30},
        "module": None,
    }


def test_python_and_files_have_the_same_defaults() -> None:
    """What the constructor fills in is what the fields declare."""
    assert ServiceContract("s", created_at=1.0) == ServiceContract.from_dict({"swarm_id": "s", "created_at": 1})
    before = time.time()
    assert before <= ServiceContract.from_dict({"swarm_id": "s"}).created_at <= time.time()


def test_arguments_stand_in_the_documented_order() -> None:
    """The seven core arguments can be given by position; the others only by name."""
    arguments: list[Any] = ["s", ["a:b"], {"max_memory_mb": 1}, {"period": "1h"}, "2.0", 5.0, {"k": 1}]
    contract = ServiceContract(*arguments)
    assert (contract.swarm_id, contract.version, contract.created_at) == ("s", "2.0", 5.0)
    assert (contract.resource_limits.max_memory_mb, contract.slos.period) == (1, "1h")
    assert contract.metadata == {"k": 1}
    with pytest.raises(TypeError):
        ServiceContract(*arguments, "description")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("part", "given", "record"),
    [
        ("resource_limits", {"max_memory_mb": 64}, ResourceLimits(max_memory_mb=64)),
        ("slos", {"target_latency_ms": 5}, ServiceObjectives(target_latency_ms=5)),
        ("permissions", {"wasi": "none"}, Permissions(wasi="none")),
        ("execution", {"instance": "swarm"}, Execution(instance="swarm")),
        ("tasks", {"run": {"abi": "cstring"}}, {"run": TaskContract(abi="cstring")}),
        ("module", {"path": "a.wasm"}, ModuleReference(path="a.wasm")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parts_are_taken_as_partial_mappings_or_records(part: str, given: Any, record: Any) -> None:
    """A nested part may be a mapping of some keys or the record itself, with the same meaning."""
    from_mapping = ServiceContract("s", created_at=0.0, **{part: given})
    from_record = ServiceContract("s", created_at=0.0, **{part: record})
    assert from_mapping == from_record
    assert from_mapping.digest == from_record.digest
    assert type(getattr(from_mapping, part)) is type(getattr(from_record, part))


def test_reads_as_attributes_and_as_a_mapping(full: ServiceContract) -> None:
    """Contract and parts answer to attributes, keys, get, in, len, iteration and dict()."""
    limits = full.resource_limits
    assert limits["max_memory_mb"] == limits.max_memory_mb == full["resource_limits"]["max_memory_mb"] == 64
    assert limits.get("max_memory_mb") == 64
    assert limits.get("nothing") is None
    assert limits.get("nothing", 7) == 7
    assert "max_fuel" in limits
    assert "max_memory_bytes" not in limits
    assert list(limits) == list(dict(limits)) == list(limits.to_dict())
    assert len(limits) == 11
    assert len(full) == 13
    assert full["swarm_id"] == full.get("swarm_id") == "analyzer-swarm"
    with pytest.raises(KeyError, match="to_dict"):
        full["to_dict"]  # a method is no key
    assert dict(full)["slos"] is full.slos
    assert full["tasks"]["analyze_code"]["returns"] == "json"


def test_records_equal_mappings_of_the_same_items() -> None:
    """A part equals a complete dict with its values, from either side, and no other."""
    permissions = Permissions(log=False)
    assert permissions == {"log": False, "wasi": "inert"}
    assert permissions == {"log": False, "wasi": "inert"}
    assert permissions != {"log": False}
    assert permissions != {"log": True, "wasi": "inert"}
    assert permissions != Permissions()
    assert permissions != Execution()
    assert hash(permissions) == hash(Permissions(log=False))


def test_capabilities_equal_a_list_and_a_tuple(full: ServiceContract) -> None:
    """`capabilities` is immutable and hashable, and equals the list it was made from."""
    assert full.capabilities == ["code-analysis:python", "code-analysis:rust"]
    assert full.capabilities == ["code-analysis:python", "code-analysis:rust"]
    assert full.capabilities == ("code-analysis:python", "code-analysis:rust")
    assert full.capabilities != ["code-analysis:rust", "code-analysis:python"]
    assert full.capabilities != "code-analysis:python"
    assert hash(full.capabilities) == hash(("code-analysis:python", "code-analysis:rust"))
    assert isinstance(full.capabilities, tuple)


def test_capabilities_may_be_members_of_the_registry() -> None:
    """Enum members are stored as their plain text."""
    contract = ServiceContract("s", [Capability.DOCS_TUTORIALS])
    assert contract.capabilities == ["docs:tutorials"]
    assert type(contract.capabilities[0]) is str
    assert ServiceContract("s", {"b:b", "a:a"}).capabilities == ["a:a", "b:b"]


def test_the_caller_cannot_change_it_afterwards() -> None:
    """Later changes to what the contract was made from, or to its dict, do not reach it."""
    data = copy.deepcopy(FULL)
    contract = ServiceContract(**data)
    data["metadata"]["tags"][1]["b"].append("late")
    data["capabilities"].append("x:y")
    data["resource_limits"]["max_memory_mb"] = 4096
    data["tasks"]["late"] = {}
    contract.to_dict()["metadata"]["tags"].append("late")
    assert contract == ServiceContract(**FULL)
    assert contract.metadata["tags"] == ["a", {"b": [None, True, 1, 1.5]}]


@pytest.mark.parametrize("path", ["swarm_id", "resource_limits.max_memory_mb", "tasks.analyze_code.abi"])
def test_nothing_can_be_assigned(full: ServiceContract, path: str) -> None:
    """Attributes of the contract and its parts are frozen."""
    *parents, name = path.split(".")
    record: Any = full
    for parent in parents:
        record = record[parent]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(record, name, 1)
    with pytest.raises(TypeError):
        record[name] = 1


@pytest.mark.parametrize("name", ["metadata", "tasks"])
def test_nothing_can_be_put_into_its_mappings(full: ServiceContract, name: str) -> None:
    """Metadata and tasks are frozen all the way down."""
    with pytest.raises(TypeError):
        full[name]["new"] = {}
    with pytest.raises(TypeError):
        full.metadata["tags"][1]["b"] = 1
    with pytest.raises(TypeError):
        full.metadata["tags"][0] = 1


def test_round_trips(full: ServiceContract) -> None:
    """Dict, JSON, pickle and copies give back an equal contract with the same hash and digest."""
    for other in (
        ServiceContract.from_dict(full.to_dict()),
        ServiceContract.from_dict(json.loads(json.dumps(full.to_dict()))),
        pickle.loads(pickle.dumps(full)),
        copy.copy(full),
        copy.deepcopy(full),
        attrs.evolve(full),
        full.evolve(),
    ):
        assert other == full
        assert hash(other) == hash(full)
        assert other.digest == full.digest
        assert other.to_dict() == full.to_dict()


def test_evolve_changes_only_what_it_names(full: ServiceContract) -> None:
    """A mapping for a part is laid over the present part; the result is checked as a whole again."""
    changed = full.evolve(version="2.0.0", resource_limits={"max_memory_mb": 32})
    assert changed.resource_limits == {**full.resource_limits, "max_memory_mb": 32}
    assert changed.version == "2.0.0"
    assert changed.slos == full.slos
    assert full.evolve(resource_limits=ResourceLimits()).resource_limits == ResourceLimits()
    with pytest.raises(ContractValidationError, match="max_cpu_percent"):
        full.evolve(resource_limits={"max_concurrent_tasks": 1})
    with pytest.raises(TypeError):
        full.evolve(nothing=1)


def test_equality_includes_when_it_was_made_and_the_digest_does_not() -> None:
    """Two contracts of different times differ but promise the same."""
    one, two = ServiceContract("s", created_at=1.0), ServiceContract("s", created_at=2.0)
    assert one != two
    assert one.digest == two.digest


def test_machine_units_follow_the_limits() -> None:
    """The derived properties give bytes and nanoseconds."""
    limits = ResourceLimits(max_memory_mb=2, max_payload_mb=3, max_module_mb=4, max_execution_time_seconds=0.001)
    assert (limits.max_memory_bytes, limits.max_payload_bytes) == (2 * 2**20, 3 * 2**20)
    assert (limits.max_module_bytes, limits.max_load_ns) == (4 * 2**20, 10 * 10**9)
    assert limits.max_execution_time_ns == 1_000_000


def test_an_empty_swarm_id_can_be_built() -> None:
    """`ServiceContract("")` exists, so that loading it can be what refuses it."""
    assert ServiceContract("").swarm_id == ""
    assert ServiceContract.from_dict(ServiceContract("").to_dict()).swarm_id == ""


@pytest.mark.parametrize(
    "created_at",
    [1795132800, 1795132800.0, "2026-11-20T00:00:00Z", "2026-11-20t01:00:00+01:00", "2026-11-20 00:00:00.000Z"],
)
def test_created_at_is_seconds_or_rfc_3339(created_at: Any) -> None:
    """Every way to write a time means the same seconds since 1970."""
    contract = ServiceContract("s", created_at=created_at)
    assert contract.created_at == 1795132800.0
    assert type(contract.created_at) is float


def test_errors_are_value_errors_and_survive_pickling() -> None:
    """A bad contract raises one error that `except ValueError` catches and that crosses processes."""
    with pytest.raises(ContractValidationError, match="max_memory_mb: expected a whole number from 1") as caught:
        ServiceContract("s", resource_limits={"max_memory_mb": 0})
    assert isinstance(caught.value, ContractError)
    assert isinstance(caught.value, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


def test_unknown_arguments_are_type_errors() -> None:
    """In Python a wrong keyword is what it is everywhere: a TypeError."""
    with pytest.raises(TypeError):
        ServiceContract("s", memory=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        ResourceLimits(max_memory=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        ResourceLimits(1)  # type: ignore[call-arg, misc, unused-ignore]
