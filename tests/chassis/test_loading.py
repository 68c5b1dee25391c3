"""`load_swarm`, `replace_swarm`, `unload_swarm` and the queries: all or nothing, with the messages callers match on."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric import errors
from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.testing import ADDER, EMPTY, contract, wat

if TYPE_CHECKING:
    from pathlib import Path

ONE = wat('(module (func (export "answer") (result i32) i32.const 1))')
TWO = wat('(module (func (export "answer") (result i32) i32.const 2))')
PATH_OPEN = (
    '(import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))'
)
SPIN = wat('(module (func (export "spin") (loop br 0)) (func (export "answer") (result i32) i32.const 3))')


def test_loading_returns_true_and_the_queries_know_the_swarm(chassis: IFChassis) -> None:
    """What was loaded is listed, with its contract and its statistics."""
    promised = contract("adder", capabilities=["testing:unit"], version="1.2.0")
    assert chassis.load_swarm("adder", ADDER, promised) is True
    assert chassis.list_loaded_swarms() == ["adder"]
    assert chassis.get_swarm_contract("adder") is promised
    assert chassis.contracts == {"adder": promised}
    assert list(chassis.swarm_runtimes) == ["adder"]
    stats = chassis.get_runtime_stats("adder")
    assert stats is not None
    assert stats["swarm_id"] == "adder"
    assert stats["contract_version"] == "1.2.0"
    assert stats["capabilities"] == ["testing:unit"]
    assert stats["resource_limits"]["max_memory_mb"] == 256
    assert stats["uptime_seconds"] >= 0
    assert stats["tasks_total"] == 0


def test_an_unknown_swarm_has_neither_contract_nor_statistics_nor_objectives(chassis: IFChassis) -> None:
    """Queries about what is not there answer None."""
    assert chassis.get_swarm_contract("nobody") is None
    assert chassis.get_runtime_stats("nobody") is None
    assert chassis.slo("nobody") is None
    assert chassis.list_loaded_swarms() == []


def test_the_chassis_tells_its_engine(chassis: IFChassis) -> None:
    """By name and version, with its pool."""
    assert chassis.engine.name == "wasmtime"
    assert chassis.engine.version.startswith("50.")
    assert chassis.engine.pool_slots in {1000, 250, 62, 15, 3, 0}


def test_an_empty_module_loads(chassis: IFChassis) -> None:
    """Eight bytes are a module."""
    assert chassis.load_swarm("empty", EMPTY, contract("empty"))
    with pytest.raises(
        errors.TaskNotFoundError, match=r"Task 'x' not exported by swarm 'empty', which exports no tasks"
    ):
        chassis.execute_task("empty", "x")


def test_swarms_are_listed_in_load_order(chassis: IFChassis) -> None:
    """Order of loading, not of names."""
    for name in ("c", "a", "b"):
        chassis.load_swarm(name, EMPTY, contract(name))
    assert chassis.list_loaded_swarms() == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("swarm_id", "promised", "kind", "message"),
    [
        ("x", ServiceContract(""), errors.ContractError, "Contract must have swarm_id"),
        ("x", contract("y"), errors.SwarmIdMismatch, "Swarm ID mismatch: x != y"),
    ],
    ids=["no-id", "mismatch"],
)
def test_a_contract_that_does_not_name_the_swarm_is_refused(
    chassis: IFChassis, swarm_id: str, promised: ServiceContract, kind: type[Exception], message: str
) -> None:
    """The messages are matched by callers, as ValueErrors."""
    with pytest.raises(kind) as caught:
        chassis.load_swarm(swarm_id, EMPTY, promised)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == message
    assert chassis.list_loaded_swarms() == []


def test_a_loaded_id_is_taken_until_it_is_unloaded(chassis: IFChassis) -> None:
    """A second load is refused and changes nothing; after unloading the id is free."""
    chassis.load_swarm("adder", ADDER, contract("adder"))
    with pytest.raises(ValueError, match=r"^Swarm 'adder' already loaded$"):
        chassis.load_swarm("adder", EMPTY, contract("adder"))
    assert chassis.execute_task("adder", "add", [1, 2]).output == 3
    assert chassis.unload_swarm("adder") is True
    assert chassis.unload_swarm("adder") is False
    assert chassis.load_swarm("adder", EMPTY, contract("adder"))


def test_of_many_threads_that_load_one_id_one_wins(chassis: IFChassis) -> None:
    """The others are told that it is loaded."""
    outcomes: list[str] = []

    def load() -> None:
        try:
            chassis.load_swarm("adder", ADDER, contract("adder"))
            outcomes.append("loaded")
        except errors.SwarmAlreadyLoaded:
            outcomes.append("refused")

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["loaded", *["refused"] * 7]


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\0asm",
        b"(module)",
        b"<!doctype html>",
        b"\x7fELF\x02",
        gzip.compress(ADDER),
        ADDER[:-1],
        b"\0asm\x02\0\0\0",
    ],
    ids=["empty", "header-only", "wat", "html", "elf", "gzip", "truncated", "version-2"],
)
def test_what_is_no_module_is_refused_by_name(chassis: IFChassis, junk: bytes) -> None:
    """Junk is a RuntimeError that begins as callers expect, and leaves nothing loaded."""
    with pytest.raises(errors.InvalidModule, match=r"^WASM compilation failed for 'junk': ") as caught:
        chassis.load_swarm("junk", junk, contract("junk"))
    assert isinstance(caught.value, RuntimeError)
    assert chassis.list_loaded_swarms() == []


def test_a_component_is_told_from_a_module(chassis: IFChassis) -> None:
    """The other kind of binary gets its own sentence."""
    with pytest.raises(errors.InvalidModule, match="component: not yet supported by this engine"):
        chassis.load_swarm("component", b"\0asm\x0d\0\x01\0", contract("component"))


@pytest.mark.parametrize(
    ("import_text", "name"),
    [
        ('(import "env" "read_file" (func))', "env.read_file"),
        ('(import "env" "tcp_connect" (func (param i32)))', "env.tcp_connect"),
        (
            PATH_OPEN,
            "wasi_snapshot_preview1.path_open",
        ),
        ('(import "env" "memory" (memory 1))', "env.memory"),
    ],
    ids=["read_file", "tcp_connect", "path_open", "memory"],
)
def test_an_import_that_is_not_granted_refuses_the_load(chassis: IFChassis, import_text: str, name: str) -> None:
    """By name, in the message and in the error's data."""
    with pytest.raises(errors.ImportDenied, match=name) as caught:
        chassis.load_swarm("greedy", wat(f"(module {import_text})"), contract("greedy"))
    assert caught.value.imports == (name,)


def test_every_refused_import_is_named(chassis: IFChassis) -> None:
    """Not only the first."""
    text = '(module (import "env" "a" (func)) (import "env" "log" (func (param i32 i32))) (import "b" "c" (func)))'
    with pytest.raises(errors.ImportDenied, match="2 of its 3 imports") as caught:
        chassis.load_swarm("greedy", wat(text), contract("greedy"))
    assert caught.value.imports == ("env.a", "b.c")


@pytest.mark.parametrize(("pages", "fits"), [(4096, True), (4097, False)], ids=["256-mib", "one-page-more"])
def test_declared_memory_is_measured_against_the_contract(chassis: IFChassis, pages: int, *, fits: bool) -> None:
    """A module may declare just what max_memory_mb grants."""
    module = wat(f'(module (memory (export "memory") {pages}))')
    if fits:
        assert chassis.load_swarm("big", module, contract("big"))
    else:
        with pytest.raises(errors.ModuleTooLarge, match="max_memory_mb allows 256 MiB"):
            chassis.load_swarm("big", module, contract("big"))


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)], ids=["at-the-limit", "one-byte-more"])
def test_the_size_of_a_module_is_limited(chassis: IFChassis, extra: int, *, fits: bool) -> None:
    """By max_module_mb, to the byte."""
    size = (1 << 20) + extra
    padding = size - len(EMPTY) - 5
    custom = b"\x01x" + bytes(padding - 2)
    length = len(custom)
    encoded = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21])
    module = EMPTY + b"\0" + encoded + custom
    assert len(module) == size
    promised = contract("large", resource_limits={"max_module_mb": 1})
    if fits:
        assert chassis.load_swarm("large", module, promised)
    else:
        with pytest.raises(errors.ModuleTooLarge, match="max_module_mb allows 1 MiB"):
            chassis.load_swarm("large", module, promised)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(func $s (loop br 0)) (start $s)", "did not finish within max_load_seconds"),
        ('(func (export "initialize") (result i32) (loop br 0) unreachable)', "did not finish within max_load_seconds"),
        ('(func (export "_initialize") (loop br 0))', "did not finish within max_load_seconds"),
        ('(func (export "initialize") (result i32) i32.const 7)', "'initialize' answered 7"),
        ("(func $s unreachable) (start $s)", "gave up"),
    ],
    ids=["start-spins", "initialize-spins", "reactor-spins", "initialize-refuses", "start-traps"],
)
def test_a_module_whose_start_fails_is_refused(chassis: IFChassis, text: str, why: str) -> None:
    """Within max_load_seconds, with what it answered; the chassis goes on."""
    began = time.monotonic()
    with pytest.raises(errors.SwarmInitError, match=why) as caught:
        chassis.load_swarm("sick", wat(f"(module {text})"), contract("sick", resource_limits={"max_load_seconds": 0.3}))
    assert time.monotonic() - began < 3
    assert caught.value.init_code == (7 if "answered" in why else None)
    assert chassis.load_swarm("adder", ADDER, contract("adder"))


def test_initializers_are_no_tasks(chassis: IFChassis) -> None:
    """They run in each fresh instance, and callers cannot call them."""
    answer = '(func (export "answer") (result i32) i32.const 5)'
    text = f'(module (func (export "initialize") (result i32) i32.const 0) {answer})'
    chassis.load_swarm("well", wat(text), contract("well"))
    assert chassis.execute_task("well", "answer").output == 5
    with pytest.raises(errors.TaskNotFoundError, match="belongs to the runtime"):
        chassis.execute_task("well", "initialize")


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ({"nothing": {}}, r"tasks\.nothing: the module does not export it \(it exports add\)"),
        (
            {"add": {"abi": "buffer"}},
            r"tasks\.add\.abi: 'buffer' does not fit the export: the module exports no memory",
        ),
    ],
    ids=["missing", "misfit"],
)
def test_promises_about_tasks_that_the_module_cannot_keep_are_refused(
    chassis: IFChassis, tasks: dict[str, Any], why: str
) -> None:
    """At load, as the contract's fault."""
    with pytest.raises(errors.ContractError, match=why):
        chassis.load_swarm("adder", ADDER, contract("adder", tasks=tasks))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adder", "text", contract("adder")), "wasm_module is bytes, got str"),
        (("adder", ADDER, {"swarm_id": "adder"}), "contract is a ServiceContract, got dict"),
    ],
    ids=["module", "contract"],
)
def test_arguments_of_the_wrong_type_are_type_errors(chassis: IFChassis, arguments: Any, message: str) -> None:
    """They name what was given."""
    with pytest.raises(TypeError, match=message):
        chassis.load_swarm(*arguments)


def test_replacing_swaps_module_and_contract_at_once(chassis: IFChassis) -> None:
    """Later calls see the new one."""
    chassis.load_swarm("oracle", ONE, contract("oracle", version="1.0"))
    assert chassis.replace_swarm("oracle", TWO, contract("oracle", version="2.0")) is True
    assert chassis.execute_task("oracle", "answer").output == 2
    promised = chassis.get_swarm_contract("oracle")
    assert promised is not None
    assert promised.version == "2.0"


def test_a_failed_replacement_leaves_the_old_swarm(chassis: IFChassis) -> None:
    """All or nothing."""
    chassis.load_swarm("oracle", ONE, contract("oracle"))
    with pytest.raises(errors.InvalidModule):
        chassis.replace_swarm("oracle", b"junk", contract("oracle"))
    assert chassis.execute_task("oracle", "answer").output == 1


def test_replacing_what_is_not_loaded_is_refused(chassis: IFChassis) -> None:
    """There is nothing to replace."""
    with pytest.raises(errors.SwarmNotLoadedError, match="Swarm 'oracle' not loaded"):
        chassis.replace_swarm("oracle", ONE, contract("oracle"))


def test_a_running_task_finishes_on_the_replaced_swarm(chassis: IFChassis) -> None:
    """It is neither stopped nor moved."""
    chassis.load_swarm("oracle", SPIN, contract("oracle"))
    running = chassis.submit_task("oracle", "spin", timeout_seconds=0.5, check=False)
    while chassis.swarm_runtimes["oracle"].gate.running == 0:
        time.sleep(0.001)
    chassis.replace_swarm("oracle", TWO, contract("oracle"))
    assert chassis.execute_task("oracle", "answer").output == 2
    assert not running.done()
    assert running.result().status == "timeout"


def test_unloading_waits_for_running_tasks(chassis: IFChassis) -> None:
    """What has begun ends by itself."""
    chassis.load_swarm("spinner", SPIN, contract("spinner"))
    running = chassis.submit_task("spinner", "spin", timeout_seconds=0.3, check=False)
    while chassis.swarm_runtimes["spinner"].gate.running == 0:
        time.sleep(0.001)
    assert chassis.unload_swarm("spinner") is True
    assert running.result(timeout=1).status == "timeout"
    with pytest.raises(errors.SwarmNotLoadedError):
        chassis.execute_task("spinner", "answer")


@pytest.mark.parametrize("how", [{"cancel": True}, {"timeout_seconds": 0.05}], ids=["cancel", "timeout"])
def test_unloading_can_cancel_running_and_queued_tasks(chassis: IFChassis, how: dict[str, Any]) -> None:
    """At once, or after the time that was given."""
    chassis.load_swarm("spinner", SPIN, contract("spinner"))
    futures = [chassis.submit_task("spinner", "spin", check=False) for _ in range(3)]
    while chassis.swarm_runtimes["spinner"].gate.running == 0:
        time.sleep(0.001)
    began = time.monotonic()
    assert chassis.unload_swarm("spinner", **how) is True
    assert time.monotonic() - began < 2
    assert [future.result(timeout=2).status for future in futures] == ["cancelled"] * 3


def test_objectives_survive_a_reload(chassis: IFChassis) -> None:
    """History is kept by swarm id."""
    chassis.load_swarm("oracle", ONE, contract("oracle"))
    chassis.execute_task("oracle", "answer")
    chassis.unload_swarm("oracle")
    assert chassis.slo("oracle") is None
    chassis.load_swarm("oracle", TWO, contract("oracle", slos={"target_availability_percent": 99.0}))
    chassis.execute_task("oracle", "answer")
    snapshot = chassis.slo("oracle")
    assert snapshot is not None
    availability = snapshot.objective("availability")
    assert availability.good_events == 2
    assert availability.objective_ratio == pytest.approx(0.99)


def test_a_closed_chassis_refuses_everything_but_closing(cache_dir: Path) -> None:
    """With a sentence that says so."""
    chassis = IFChassis(cache_dir=cache_dir)
    chassis.load_swarm("adder", ADDER, contract("adder"))
    chassis.close()
    chassis.close()
    assert chassis.list_loaded_swarms() == []
    for use in (
        lambda: chassis.load_swarm("adder", ADDER, contract("adder")),
        lambda: chassis.execute_task("adder", "add", [1, 2]),
        lambda: chassis.unload_swarm("adder"),
        chassis.__enter__,
    ):
        with pytest.raises(errors.ChassisClosedError, match="closed; make a new one"):
            use()


def test_closing_cancels_what_runs(cache_dir: Path) -> None:
    """No guest outlives its chassis."""
    chassis = IFChassis(cache_dir=cache_dir)
    chassis.load_swarm("spinner", SPIN, contract("spinner"))
    running = chassis.submit_task("spinner", "spin", check=False)
    while chassis.swarm_runtimes["spinner"].gate.running == 0:
        time.sleep(0.001)
    chassis.close()
    assert running.result(timeout=1).status == "cancelled"


def test_a_leaked_chassis_announces_itself(cache_dir: Path) -> None:
    """As open files do."""
    chassis = IFChassis(cache_dir=cache_dir)
    with pytest.warns(ResourceWarning, match="IFChassis"):
        del chassis
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IFChassis(cache_dir=cache_dir).close()


def test_a_cache_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """What lies there is code that this process would run."""
    tmp_path.chmod(0o755)
    with pytest.raises(ValueError, match=r"cache_dir: .* is open to others \(mode 755\): chmod 700 it"):
        IFChassis(cache_dir=tmp_path)


def test_one_module_in_many_swarms_is_held_once(chassis: IFChassis) -> None:
    """Its code is shared; its instances are not."""
    for number in range(50):
        chassis.load_swarm(f"adder-{number}", ADDER, contract(f"adder-{number}"))
    programs = {id(swarm.runtime.program) for swarm in chassis.swarm_runtimes.values()}
    assert len(programs) == 1


def test_a_contract_file_loads_with_its_module(chassis: IFChassis, tmp_path: Path) -> None:
    """The module lies beside the contract, and has the digest that the contract states."""
    (tmp_path / "adder.wasm").write_bytes(ADDER)
    digest = hashlib.sha256(ADDER).hexdigest()
    path = tmp_path / "adder.yaml"
    path.write_text(f"swarm_id: adder\ncapabilities: [testing:unit]\nmodule: {{path: adder.wasm, sha256: {digest}}}\n")
    assert chassis.load_contract(path) == "adder"
    assert chassis.execute_task("adder", "add", [2, 3]).output == 5

    (tmp_path / "adder.wasm").write_bytes(EMPTY)
    chassis.unload_swarm("adder")
    with pytest.raises(errors.ContractValidationError, match="has the SHA-256"):
        chassis.load_contract(path)


def test_a_contract_file_without_a_module_says_so(chassis: IFChassis, tmp_path: Path) -> None:
    """There is nothing to load."""
    path = tmp_path / "adder.yaml"
    path.write_text("swarm_id: adder\ncapabilities: [testing:unit]\n")
    with pytest.raises(errors.ContractError, match="names no module"):
        chassis.load_contract(path)


def test_a_module_outside_the_contracts_folder_is_refused(chassis: IFChassis, tmp_path: Path) -> None:
    """Also behind a link."""
    (tmp_path / "adder.wasm").write_bytes(ADDER)
    folder = tmp_path / "contracts"
    folder.mkdir()
    path = folder / "adder.yaml"
    path.write_text("swarm_id: adder\ncapabilities: [testing:unit]\nmodule: {path: ../adder.wasm}\n")
    with pytest.raises(errors.ContractError):
        chassis.load_contract(path)
    path.write_text("swarm_id: adder\ncapabilities: [testing:unit]\nmodule: {path: adder.wasm}\n")
    (folder / "adder.wasm").symlink_to(tmp_path / "adder.wasm")
    with pytest.raises(errors.ContractError, match="outside of"):
        chassis.load_contract(path)


def test_swarms_are_found_by_what_they_offer(chassis: IFChassis) -> None:
    """Ranked by the share of what is required, then in load order; those that offer none of it are left out."""
    offers = {
        "tests": ["testing:unit"],
        "both": ["code-analysis:python", "testing:unit"],
        "python": ["code-analysis:python"],
        "docs": ["docs:tutorials"],
    }
    for swarm_id, capabilities in offers.items():
        chassis.load_swarm(swarm_id, EMPTY, contract(swarm_id, capabilities=capabilities))
    matches = chassis.find_swarms(["code-analysis:python", "testing:unit"])
    assert [(match.swarm_id, match.overlap) for match in matches] == [("both", 1.0), ("tests", 0.5), ("python", 0.5)]
    assert chassis.find_swarms([]) == []


def test_a_contract_file_is_filled_up_from_the_deployments_defaults(
    chassis: IFChassis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line: what the file says holds, what it leaves open comes from the environment."""
    (tmp_path / "adder.wasm").write_bytes(ADDER)
    path = tmp_path / "adder.yaml"
    path.write_text(
        "swarm_id: adder\ncapabilities: [testing:unit]\nmodule: {path: adder.wasm}\n"
        "resource_limits: {max_load_seconds: 9}\n"
    )
    monkeypatch.setenv("IFCHASSIS_RESOURCE_LIMITS_MAX_MEMORY_MB", "32")
    monkeypatch.setenv("IFCHASSIS_RESOURCE_LIMITS_MAX_LOAD_SECONDS", "3")
    chassis.load_contract(path)
    promised = chassis.get_swarm_contract("adder")
    assert promised is not None
    assert promised.resource_limits.max_memory_mb == 32
    assert promised.resource_limits.max_load_seconds == 9
