"""Every field of a contract has an effect: a table, two-sided, that has to have a row for each field of the schema.

Each row runs the real thing twice, with a value just inside of a promise and one just outside. How exactly a promise is
kept is tested where it is kept; this table says that none is a comment.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis import IFChassis
from infrafabric.contract.schema import contract_schema
from infrafabric.errors import InfraFabricError
from infrafabric.testing import contract, wat

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.contract.service_contract import ServiceContract

    Probe = Callable[[IFChassis, dict[str, Any]], Any]

GUEST = wat(
    """(module
      (memory (export "memory") 1)
      (data (i32.const 0) "12")
      (global $count (mut i32) (i32.const 0))
      (func (export "answer") (result i32) i32.const 42)
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
      (func (export "fail") unreachable)
      (func (export "spin") (loop br 0))
      (func (export "work") (param i32) (result i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "reply") (param i32 i32) (result i64) i64.const 2))"""
)
TALKER = wat(
    """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
      (data (i32.const 0) "hello") (func (export "say") (call $log (i32.const 0) (i32.const 5))))"""
)
DICE = wat(
    """(module (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (memory (export "memory") 1) (func (export "roll") (result i64)
        (drop (call $random (i32.const 0) (i32.const 8))) (i64.load (i32.const 0))))"""
)
SLOW_START = wat(
    """(module (func $begin (local i32) (local.set 0 (i32.const 700000000))
      (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))) (start $begin))"""
)
#: A custom section of more than a mebibyte.
LARGE = wat("(module)") + b"\0\x81\x80\xc0\0" + b"\0" * ((1 << 20) + 1)
TURNS = 10_000_000


def load(chassis: IFChassis, parts: dict[str, Any], module: bytes = GUEST) -> None:
    """Load the module as "s" under a generous contract with ``parts``."""
    chassis.load_swarm("s", module, contract(parts.pop("swarm_id", "s"), **parts))


def loads(module: bytes = GUEST) -> Probe:
    """Whether it loads; if not, the code of the error."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> str:
        try:
            load(chassis, parts, module)
        except InfraFabricError as error:
            return error.code
        return "loaded"

    return probe


def ends(task: str, params: Any = None, *before: str, module: bytes = GUEST) -> Probe:
    """How a task ends, after others."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> str:
        load(chassis, parts, module)
        for other in before:
            chassis.execute_task("s", other, check=False)
        return chassis.execute_task("s", task, params, check=False).status

    return probe


def answers(task: str, params: Any = None, times: int = 1, module: bytes = GUEST) -> Probe:
    """What a task answers the last time."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> Any:
        load(chassis, parts, module)
        return [chassis.execute_task("s", task, params).output for _ in range(times)][-1]

    return probe


def used(task: str, params: Any, look: Callable[[Any], Any], module: bytes = GUEST) -> Probe:
    """Something of a task's result."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> Any:
        load(chassis, parts, module)
        return look(chassis.execute_task("s", task, params, check=False))

    return probe


def kept(look: Callable[[ServiceContract], Any]) -> Probe:
    """What the chassis has of the contract, or the code of the error that refuses it."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> Any:
        try:
            load(chassis, parts)
        except InfraFabricError as error:
            return error.code
        found = chassis.get_swarm_contract("s")
        assert found is not None
        return look(found)

    return probe


def beside(look: Callable[[Any, Any], Any]) -> Probe:
    """What becomes of a task beside a running one: ``look(spinning, second)`` are their futures."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> Any:
        load(chassis, parts)
        first = chassis.submit_task("s", "spin", check=False)
        while chassis.swarm_runtimes["s"].gate.running == 0:
            time.sleep(0.001)
        second = chassis.submit_task("s", "answer", check=False)
        return look(first, second)

    return probe


def _ended_while_the_first_ran(first: Any, second: Any) -> bool:
    """Whether the second task ended by itself."""
    try:
        return second.result(timeout=0.3) is not None
    except TimeoutError:
        return False
    finally:
        first.cancel()


def _status_after_the_first(first: Any, second: Any) -> str:
    first.cancel()
    return str(second.result(timeout=10).status)


def slo(objective: str, look: Callable[[Any], Any], task: str | None = None, *tasks: str) -> Probe:
    """Something of an objective after some tasks."""

    def probe(chassis: IFChassis, parts: dict[str, Any]) -> Any:
        load(chassis, parts)
        for name in tasks:
            chassis.execute_task("s", name, [TURNS] if name == "work" else None, check=False)
        snapshot = chassis.slo("s") if task is None else chassis.slo("s", task)
        assert snapshot is not None
        return look(snapshot.objective(objective))

    return probe


def offers(chassis: IFChassis, parts: dict[str, Any]) -> list[str]:
    """The swarms that offer what is looked for."""
    load(chassis, parts)
    return [match.swarm_id for match in chassis.find_swarms(["docs:tutorials"])]


def is_repeatable(chassis: IFChassis, parts: dict[str, Any]) -> bool:
    """Whether random numbers are the same twice."""
    load(chassis, parts, DICE)
    first, second = (chassis.execute_task("s", "roll").output for _ in range(2))
    return bool(first == second)


def period(chassis: IFChassis, parts: dict[str, Any]) -> float:
    """Over how many seconds the swarm is judged."""
    load(chassis, parts)
    snapshot = chassis.slo("s")
    assert snapshot is not None
    return snapshot.period_seconds


def waits(chassis: IFChassis, parts: dict[str, Any]) -> bool:
    """Whether a swarm that was shut off asks for more than a minute."""
    load(chassis, parts)
    chassis.execute_task("s", "fail", check=False)
    refused = chassis.execute_task("s", "answer", check=False).to_error()
    return bool(refused.retry_after_seconds > 60)  # type: ignore[attr-defined]


def from_file(chassis: IFChassis, parts: dict[str, Any]) -> str:
    """Whether a contract's file loads with its module, which is ``built/m.wasm``."""
    folder = Path(parts.pop("folder"))
    (folder / "built").mkdir()
    (folder / "built" / "m.wasm").write_bytes(GUEST)
    path = folder / "s.json"
    path.write_text(json.dumps({"swarm_id": "s", "module": {"path": "built/m.wasm", **parts["module"]}}))
    try:
        return chassis.load_contract(path)
    except InfraFabricError as error:
        return error.code


DIGEST = hashlib.sha256(GUEST).hexdigest()
WORK = [TURNS]
INTEGERS = {"type": "array", "items": {"type": "integer"}}
SHUT = {"on_consecutive_failures": 1}
FAILURES = ("fail",) * 10

#: Field, what is promised beside it, how to look, and two values each with what is to be seen.
FIELDS: list[tuple[str, dict[str, Any], Probe, tuple[Any, Any], tuple[Any, Any]]] = [
    ("swarm_id", {}, loads(), ("s", "loaded"), ("t", "swarm_id_mismatch")),
    ("version", {}, used("answer", None, lambda r: r.metadata["contract_version"]), ("1.2.3", "1.2.3"), ("2.0", "2.0")),
    ("description", {}, kept(lambda c: len(c.description)), ("x" * 4096, 4096), ("x" * 4097, "contract_invalid")),
    ("metadata", {}, kept(lambda c: c.metadata["a"]), ({"a": 1}, 1), ({"a": "x" * 65_536}, "contract_invalid")),
    ("created_at", {}, kept(lambda c: c.created_at), (0.5, 0.5), (float("nan"), "contract_invalid")),
    ("capabilities", {}, offers, (["docs:tutorials"], ["s"]), (["docs:reference"], [])),
    ("resource_limits.max_memory_mb", {}, answers("grow", [1023]), (64, 1), (63, -1)),
    (
        "resource_limits.max_cpu_percent",
        {},
        used("work", WORK, lambda r: r.usage.throttled_seconds > 0.02),
        (100, False),
        (2, True),
    ),
    (
        "resource_limits.max_api_calls_per_second",
        {},
        ends("answer", None, "answer"),
        (2, "success"),
        (1, "rate_limited"),
    ),
    ("resource_limits.max_execution_time_seconds", {}, ends("work", WORK), (10, "success"), (0.001, "timeout")),
    (
        "resource_limits.max_concurrent_tasks",
        {"resource_limits": {"max_cpu_percent": 50}},
        beside(_ended_while_the_first_ran),
        (2, True),
        (1, False),
    ),
    ("resource_limits.max_queued_tasks", {}, beside(_status_after_the_first), (1, "success"), (0, "busy")),
    ("resource_limits.max_load_seconds", {}, loads(SLOW_START), (60, "loaded"), (0.1, "init_failed")),
    (
        "resource_limits.max_log_bytes_per_second",
        {},
        used("say", None, lambda r: r.usage.log_dropped, TALKER),
        (1000, 0),
        (0, 1),
    ),
    (
        "resource_limits.max_payload_mb",
        {"tasks": {"reply": {"abi": "buffer"}}},
        ends("reply", b"x" * ((1 << 20) + 1)),
        (2, "success"),
        (1, "invalid_params"),
    ),
    ("resource_limits.max_module_mb", {}, loads(LARGE), (2, "loaded"), (1, "module_too_large")),
    ("resource_limits.max_fuel", {}, ends("work", [100_000]), (None, "success"), (100_000, "fuel_exhausted")),
    ("slos.target_latency_ms", {}, slo("latency", lambda o: o.bad_events, None, "work"), (60_000, 0), (0.001, 1)),
    ("slos.target_throughput_rps", {}, slo("throughput", lambda o: o.target), (5, 5), (7, 7)),
    (
        "slos.target_availability_percent",
        {},
        slo("availability", lambda o: o.budget.remaining_ratio < 0, None, "answer", "fail"),
        (40, False),
        (60, True),
    ),
    (
        "slos.latency_objective_percent",
        {"slos": {"target_latency_ms": 0.001}},
        slo("latency", lambda o: round(o.budget.remaining_ratio, 6), None, "work"),
        (50, -1),
        (80, -4),
    ),
    ("slos.throughput_objective_percent", {}, slo("throughput", lambda o: o.objective_ratio), (50, 0.5), (80, 0.8)),
    ("slos.period", {}, period, ("7d", 7 * 86_400), ("1h", 3600)),
    (
        "tasks.add.abi",
        {},
        used("add", [1, 2], lambda r: r.metadata["calling_convention"]),
        ("scalar", "scalar"),
        ("buffer", "buffer"),
    ),
    ("tasks.reply.returns", {}, answers("reply", "x"), ("json", 12), ("text", "12")),
    ("tasks.add.params", {}, ends("add", [1, 2]), (INTEGERS, "success"), ({"type": "object"}, "invalid_params")),
    (
        "tasks.work.slos.target_latency_ms",
        {},
        slo("latency", lambda o: o.bad_events, "work", "work"),
        (60_000, 0),
        (0.001, 1),
    ),
    ("tasks.work.slos.target_throughput_rps", {}, slo("throughput", lambda o: o.target, "work"), (5, 5), (7, 7)),
    (
        "tasks.fail.slos.target_availability_percent",
        {},
        slo("availability", lambda o: round(o.budget.remaining_ratio, 6), "fail", "fail"),
        (50, -1),
        (80, -4),
    ),
    (
        "tasks.work.slos.latency_objective_percent",
        {"slos": {"target_latency_ms": 0.001}},
        slo("latency", lambda o: round(o.budget.remaining_ratio, 6), "work", "work"),
        (50, -1),
        (80, -4),
    ),
    (
        "tasks.work.slos.throughput_objective_percent",
        {},
        slo("throughput", lambda o: o.objective_ratio, "work"),
        (50, 0.5),
        (80, 0.8),
    ),
    ("permissions.log", {}, loads(TALKER), (True, "loaded"), (False, "import_denied")),
    ("permissions.wasi", {}, loads(DICE), ("inert", "loaded"), ("none", "import_denied")),
    ("execution.instance", {}, answers("next", None, 3), ("swarm", 3), ("task", 1)),
    ("execution.deterministic", {}, is_repeatable, (True, True), (False, False)),
    (
        "enforcement.on_exhausted",
        {},
        ends("answer", None, *FAILURES),
        ("observe", "success"),
        ("quarantine", "quarantined"),
    ),
    ("enforcement.on_consecutive_failures", {}, ends("answer", None, "fail"), (2, "success"), (1, "quarantined")),
    ("enforcement.retry_after_seconds", {"enforcement": SHUT}, waits, (60, False), (600, True)),
    ("module.path", {}, from_file, ("built/m.wasm", "s"), ("m.wasm", "contract_invalid")),
    ("module.sha256", {}, from_file, (DIGEST, "s"), ("0" * 64, "contract_invalid")),
]


def _placed(path: str, value: Any, others: dict[str, Any]) -> dict[str, Any]:
    """The parts of a contract with ``value`` at ``path``."""
    parts: dict[str, Any] = json.loads(json.dumps(others))
    *above, last = path.split(".")
    inner = parts
    for step in above:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return parts


@pytest.mark.parametrize(("path", "others", "probe", "inside", "outside"), FIELDS, ids=[row[0] for row in FIELDS])
def test_a_field_has_its_effect(
    cache_dir: Path,
    tmp_path: Path,
    path: str,
    others: dict[str, Any],
    probe: Probe,
    inside: tuple[Any, Any],
    outside: tuple[Any, Any],
) -> None:
    """Inside of what is promised one thing is seen, outside of it another."""
    if path.endswith(".params"):
        pytest.importorskip("jsonschema_rs")
    for side, (value, seen) in (("inside", inside), ("outside", outside)):
        folder = tmp_path / side
        folder.mkdir()
        parts = _placed(path, value, others) | ({"folder": str(folder)} if path.startswith("module.") else {})
        with IFChassis(cache_dir=cache_dir) as chassis:
            assert probe(chassis, parts) == seen, side


def _schema_fields(schema: dict[str, Any], definitions: dict[str, Any], above: str = "") -> list[str]:
    """The path of every property that holds a value, as the schema for editors has them."""
    found = []
    for name, declared in schema["properties"].items():
        path = f"{above}{name}"
        below = _record_of(declared, definitions)
        each = _record_of(declared.get("additionalProperties", {}), definitions)
        if below is not None:
            found += _schema_fields(below, definitions, f"{path}.")
        elif each is not None:
            found += _schema_fields(each, definitions, f"{path}.*.")
        else:
            found.append(path)
    return found


def _record_of(declared: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    for part in (declared, *declared.get("anyOf", ())):
        name = part.get("$ref", "").rpartition("/")[2]
        if name and name != "params":
            record: dict[str, Any] = definitions[name]
            return record
    return None


def test_every_field_of_the_schema_is_in_the_table() -> None:
    """A field that nothing enforces must not be added: a row of the table is where to begin."""
    schema = contract_schema()
    in_schema = set(_schema_fields(schema, schema["$defs"])) - {"$schema"}
    in_table = {_without_task(path) for path, *_ in FIELDS}
    assert in_table == in_schema
    assert len(FIELDS) == len(in_table)


def _without_task(path: str) -> str:
    steps = path.split(".")
    return ".".join([steps[0], "*", *steps[2:]]) if steps[0] == "tasks" else path
