"""``infrafabric contract suggest``: the smallest contract under which a module loads, and the reason for each line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ServiceContract
from infrafabric.contract.fmt import is_formatted
from infrafabric.engine.wat import wat_to_wasm
from tests.guests.behaviour import GUESTS, expect, run, sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from guests.manifest import Guest
    from infrafabric.chassis import IFChassis
    from tests.cli.program import Ended

    Run = Callable[..., Ended]

each = pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)


def _suggested(infrafabric: Run, folder: Path, wat: str) -> tuple[ServiceContract, str]:
    module = folder / "m.wasm"
    module.write_bytes(wat_to_wasm(wat))
    text = infrafabric("contract", "suggest", module).out
    return ServiceContract.from_text(text), text


@each
def test_a_guest_loads_and_runs_its_checks_under_what_is_suggested(
    infrafabric: Run, chassis: IFChassis, tmp_path: Path, guest: Guest
) -> None:
    """What bytes cannot say, how an answer is to be read and whether state is kept, the manifest says beside."""
    module = tmp_path / guest.wasm.name
    module.write_bytes(guest.wasm.read_bytes())
    path = tmp_path / "suggested.yaml"
    assert infrafabric("contract", "suggest", module, "-o", path).status == 0
    contract = ServiceContract.from_file(path)
    assert contract.module is not None
    data = contract.module.read(tmp_path, 1 << 26)
    for checks in sessions(guest):
        tasks = {name: dict(task) for name, task in contract.tasks.items()}
        for check in checks:
            tasks.setdefault(check.task, {})["returns"] = check.returns
        evolved = contract.evolve(tasks=tasks, execution={"instance": guest.instance})
        chassis.load_swarm(guest.name, data, evolved.evolve(swarm_id=guest.name))
        for check in checks:
            expect(run(chassis, guest, check), check)
        chassis.unload_swarm(guest.name)


@each
def test_what_is_suggested_for_a_guest_lints_clean(infrafabric: Run, tmp_path: Path, guest: Guest) -> None:
    """No advice either, in the one layout, with a reason above every line that says something."""
    (tmp_path / guest.wasm.name).write_bytes(guest.wasm.read_bytes())
    path = tmp_path / "suggested.yaml"
    infrafabric("contract", "suggest", tmp_path / guest.wasm.name, "-o", path)
    ended = infrafabric("contract", "lint", "--strict", path)
    assert (ended.status, ended.out) == (0, "")
    text = path.read_text()
    assert is_formatted(text)
    lines = text.splitlines()
    assert all(above.lstrip().startswith("#") for above, line in pairwise(lines) if _says(line))


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


@each
def test_nothing_more_is_granted_than_a_guest_imports(infrafabric: Run, guest: Guest) -> None:
    """Its imports in the manifest say what that is."""
    contract = ServiceContract.from_text(infrafabric("contract", "suggest", guest.wasm).out)
    assert contract.permissions.log == ("env.log" in guest.imports)
    assert (contract.permissions.wasi == "inert") == any(name.startswith("wasi_") for name in guest.imports)


@pytest.mark.parametrize(
    ("memory", "limit"),
    [
        ("", 1),
        ("(memory 1)", 256),
        ("(memory 1 16)", 1),
        ("(memory 1 17)", 2),
        ("(memory 1 4095)", 256),
        ("(memory 1 4096)", 256),
        ("(memory 4096)", 320),
        ("(memory 8192)", 576),
        ("(memory 65536)", 4096),
    ],
)
def test_memory_is_what_the_module_says_or_the_default(
    infrafabric: Run, tmp_path: Path, memory: str, limit: int
) -> None:
    """A page is 64 KiB: less where it can use no more, more where it begins with more."""
    contract, _ = _suggested(infrafabric, tmp_path, f"(module {memory})")
    assert contract.resource_limits.max_memory_mb == limit


def test_a_module_that_no_contract_could_let_load_is_refused_with_the_reason(infrafabric: Run, tmp_path: Path) -> None:
    """A contract that grants it cannot be written."""
    module = tmp_path / "m.wasm"
    module.write_bytes(wat_to_wasm('(module (import "env" "system" (func)))'))
    ended = infrafabric("contract", "suggest", module)
    assert (ended.status, ended.out) == (4, "")
    assert "env.system" in ended.err
    module.write_text("#!/bin/sh")
    assert infrafabric("contract", "suggest", module).status == 4


def test_a_module_outside_of_the_contracts_folder_is_not_named(infrafabric: Run, tmp_path: Path) -> None:
    """Its path could not be read; below the folder it can."""
    inner = tmp_path / "inner"
    inner.mkdir()
    for module, file, named in (
        (tmp_path / "m.wasm", inner / "a.yaml", None),
        (inner / "m.wasm", tmp_path / "b.yaml", "inner/m.wasm"),
    ):
        module.write_bytes(wat_to_wasm("(module)"))
        assert infrafabric("contract", "suggest", module, "-o", file).status == 0
        reference = ServiceContract.from_file(file).module
        assert (None if reference is None else reference.path) == named
        assert infrafabric("contract", "lint", "--strict", file).status == 0


@pytest.mark.parametrize("name", ["a b.wasm", "ünder.wasm", "a\nb.wasm", "a\\b.wasm", "null.wasm", "A" * 100 + ".wasm"])
def test_any_file_name_gives_a_contract(infrafabric: Run, tmp_path: Path, name: str) -> None:
    """The swarm's name is made of what files take; a path that they do not take is left out."""
    module = tmp_path / name
    module.write_bytes(wat_to_wasm('(module (func (export "odd name: #{}\\" \\u{e9}")))'))
    contract = ServiceContract.from_text(infrafabric("contract", "suggest", module).out)
    assert contract.swarm_id
    assert contract.module is None or contract.module.path == name


def test_names_of_tasks_are_written_so_that_they_are_read_back(infrafabric: Run, tmp_path: Path) -> None:
    """They are the module's own text; those that a contract cannot name are left out."""
    body = "(param i32 i32) (result i64) i64.const 0)"
    exports = "".join(
        f'(func (export "{name}") {body}' for name in ("null", "1", "a: b # c", '\\"q\\"', "\\n", "\\u{1f600}")
    )
    contract, _ = _suggested(infrafabric, tmp_path, f'(module (memory (export "memory") 1) {exports})')
    assert set(contract.tasks) == {"null", "1", "a: b # c", '"q"', "\U0001f600"}
    assert {task.abi for task in contract.tasks.values()} == {"buffer"}


def test_a_module_of_many_tasks_gets_a_contract_that_can_be_read(infrafabric: Run, tmp_path: Path) -> None:
    """The first hundred are listed; the others are detected."""
    body = "(param i32 i32) (result i64) i64.const 0)"
    exports = "".join(f'(func (export "task{number}") {body}' for number in range(2000))
    contract, text = _suggested(infrafabric, tmp_path, f'(module (memory (export "memory") 1) {exports})')
    assert len(contract.tasks) == 100
    assert "1,900 more are not listed." in text
