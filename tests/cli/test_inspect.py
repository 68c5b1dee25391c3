"""``infrafabric inspect``: what a module is, wants and offers."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.engine.describe import describe
from infrafabric.testing import wat
from infrafabric.wasm import inspect_module
from tests.cli.program import GUESTS, Ended, guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]

_MANIFEST = tomllib.loads((GUESTS / "guests.toml").read_text())["guests"]

#: Every way in which the planning of exports can go.
_PLANS = {
    "nothing": "(module)",
    "scalar": '(module (func (export "f") (param f64) (result i64) i64.const 0))',
    "underscore": '(module (func (export "_f")) (func (export "_start")) (func (export "_initialize")))',
    "reactor": '(module (func (export "_initialize")) (func (export "f")))',
    "initialize": '(module (func (export "initialize") (result i32) i32.const 0) (func (export "f")))',
    "initialize of another type": '(module (func (export "initialize") (param i32)) (func (export "f")))',
    "allocators": """(module (memory (export "memory") 1) (func (export "f"))
        (func (export "malloc") (param i32) (result i32) i32.const 0) (func (export "free") (param i32))
        (func (export "alloc") (param i32) (result i32) i32.const 0) (func (export "dealloc") (param i32 i32)))""",
    "free without an allocator": '(module (func (export "free") (param i32)) (func (export "malloc") (param i64)))',
    "cabi_realloc": """(module (memory (export "memory") 1) (func (export "f"))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))""",
    "references": """(module (func (export "f") (param externref)) (func (export "g") (result v128) unreachable)
        (func (export "malloc") (param externref) (result i32) i32.const 0))""",
}


@pytest.mark.parametrize("data", [*map(wat, _PLANS.values()), *(guest(name).read_bytes() for name in _MANIFEST)],
                         ids=[*_PLANS, *_MANIFEST])  # fmt: skip
def test_what_is_described_before_loading_is_true_after_it(data: bytes, cache_home: Path) -> None:
    """Tasks, initializers and allocator are those of the loaded program."""
    description = describe(inspect_module(data))
    folder = cache_home / "describe"
    with IFChassis(witness_enabled=False, cache_dir=folder) as chassis:
        chassis.load_swarm("probe", data, ServiceContract("probe"))
        program = chassis.swarm_runtimes["probe"].runtime.program
    assert [task.function.name for task in description.tasks] == list(program.tasks)
    assert [function.name for function in description.initializers] == [item.name for item in program.initializers]
    allocators = [
        None if found is None else (found.function.name, found.deallocate and found.deallocate.name)
        for found in (description.allocator, program.allocator)
    ]
    assert allocators[0] == allocators[1]


@pytest.mark.parametrize("name", _MANIFEST)
def test_every_example_guest_is_loadable_with_the_tasks_of_its_manifest(infrafabric: Run, name: str) -> None:
    """Each task can be called by the convention that the manifest gives."""
    ended = infrafabric("inspect", guest(name))
    found = ended.json
    assert (ended.status, found["loadable"], found["obstacle"]) == (0, True, None)
    conventions = {task["name"]: task["conventions"] for task in found["tasks"]}
    assert conventions.keys() == _MANIFEST[name]["tasks"].keys()
    assert all(abi in conventions[task] for task, abi in _MANIFEST[name]["tasks"].items())
    assert {item["name"] for item in found["imports"]} == set(_MANIFEST[name]["imports"])
    assert all(item["granted"] for item in found["imports"])


def test_a_module_is_described_completely(infrafabric: Run, tmp_path: Path) -> None:
    """Everything that the bytes say, for programs."""
    path = tmp_path / "all.wasm"
    path.write_bytes(
        wat("""(module $counter
          (import "env" "log" (func (param i32 i32)))
          (memory (export "memory") 2 3) (table 4 8 funcref) (func $begin) (start $begin)
          (func (export "_initialize")) (func (export "allocate") (param i32) (result i32) i32.const 8)
          (func (export "add") (param $a i32) (param $b i32) (result i32) i32.const 0)
          (func (export "pick") (param v128)) (func (export "_hidden")))""")
    )
    found = infrafabric("inspect", path).json
    assert found["name"] == "counter"
    assert (found["kind"], found["size_bytes"], len(found["sha256"])) == ("module", path.stat().st_size, 64)
    (memory,) = found["memories"]
    assert (memory["minimum_pages"], memory["maximum_pages"], memory["maximum_bytes"]) == (2, 3, 196_608)
    assert (found["tables"][0]["minimum"], found["tables"][0]["maximum"]) == (4, 8)
    assert found["start"] == {"index": 1, "name": "begin"}
    assert found["initializers"] == ["_initialize"]
    assert found["allocator"] == {"allocate": "allocate", "deallocate": None}
    (task,) = found["tasks"]
    assert task["params"] == [{"name": "a", "type": "i32"}, {"name": "b", "type": "i32"}]
    assert (task["signature"], task["results"]) == ("(i32, i32) -> i32", ["i32"])
    assert task["conventions"] == ["scalar", "buffer"]
    assert task["impossible_conventions"]["cstring"] == "its signature is not (i32) -> i32"
    reasons = {other["name"]: other["reason"] for other in found["other_exports"]}
    assert reasons == {
        "_initialize": "it runs whenever an instance is made",
        "allocate": "the host gets memory for parameters from it",
        "pick": "it takes or returns v128, which cannot leave the guest",
        "_hidden": "names that begin with _ belong to the guest's runtime",
    }


def test_each_import_has_its_verdict_and_the_module_its_status(infrafabric: Run, tmp_path: Path) -> None:
    """What is denied says why and what would change it; the status is that of a module that cannot be loaded."""
    path = tmp_path / "wants.wasm"
    path.write_bytes(
        wat("""(module (import "env" "log" (func (param i32 i32))) (import "env" "tcp_connect" (func))
          (import "wasi_snapshot_preview1" "path_open"
            (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))))""")
    )
    ended = infrafabric("inspect", path)
    assert ended.status == 4
    assert [(item["name"], item["granted"]) for item in ended.json["imports"]] == [
        ("env.log", True),
        ("env.tcp_connect", False),
        ("wasi_snapshot_preview1.path_open", False),
    ]
    denied = ended.json["imports"][2]
    assert "files" in denied["reason"]
    assert denied["fix"]
    assert ended.json["loadable"] is False
    assert ended.json["obstacle"]["code"] == "import_denied"
    assert ended.err.startswith("error: it cannot be loaded under the default contract: 2 of its 3 imports")


@pytest.mark.parametrize(
    ("text", "code", "wanted"),
    [
        ("(module (memory 4097))", "module_too_large", "256.062 MiB of memory; max_memory_mb allows 256 MiB"),
        ("(module (memory 1 1 shared))", "invalid_module", "its memory is shared"),
        ("(module (memory i64 1))", "invalid_module", "its memory is 64-bit"),
        ("(module (memory 1) (memory 1))", "invalid_module", "it has 2 memories"),
    ],
)
def test_a_module_that_the_default_contract_cannot_hold_is_described_and_refused(
    infrafabric: Run, tmp_path: Path, text: str, code: str, wanted: str
) -> None:
    """The description is printed all the same: that is what it is for."""
    (tmp_path / "odd.wasm").write_bytes(wat(text))
    ended = infrafabric("inspect", tmp_path / "odd.wasm")
    assert ended.status == 4
    assert ended.json["obstacle"]["code"] == code
    assert wanted in ended.err
    assert len(ended.json["memories"]) >= 1


def test_as_much_memory_as_the_default_contract_allows_is_no_obstacle(infrafabric: Run, tmp_path: Path) -> None:
    """The other side of the limit."""
    (tmp_path / "full.wasm").write_bytes(wat("(module (memory 4096))"))
    assert infrafabric("inspect", tmp_path / "full.wasm").status == 0


def test_a_contract_is_what_its_module_is_inspected_under(infrafabric: Run, tmp_path: Path) -> None:
    """Grants and limits are the contract's, not the default ones."""
    (tmp_path / "big.wasm").write_bytes(wat('(module (import "env" "log" (func (param i32 i32))) (memory 4097))'))
    contract = tmp_path / "big.yaml"
    contract.write_text("swarm_id: big\nmodule: {path: big.wasm}\nresource_limits: {max_memory_mb: 300}\n")
    assert infrafabric("inspect", contract).status == 0
    contract.write_text(contract.read_text() + "permissions: {log: false}\n")
    ended = infrafabric("inspect", contract)
    assert ended.status == 4
    assert ended.json["imports"][0]["fix"] == "set permissions.log: true"
    assert "it cannot be loaded under its contract" in ended.err


def test_a_component_is_named_as_one(infrafabric: Run, tmp_path: Path) -> None:
    """The bytes are WebAssembly, only of the other kind."""
    (tmp_path / "part.wasm").write_bytes(b"\0asm\x0d\0\x01\0")
    ended = infrafabric("inspect", tmp_path / "part.wasm")
    assert (ended.status, ended.json["kind"]) == (4, "component")
    assert "component: not yet supported" in ended.err
    table = infrafabric("inspect", tmp_path / "part.wasm", "-o", "table")
    assert "component, 8 B" in table.out


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"#!/bin/sh\n", "it looks like a script"),
        (b"", "there are 0 bytes"),
        (b"(module)", "WebAssembly text (WAT)"),
        (b"\0asm\x01\0\0\0\x01", "byte"),
    ],
)
def test_bytes_that_are_no_module_are_refused_by_name(
    infrafabric: Run, tmp_path: Path, data: bytes, wanted: str
) -> None:
    """Nothing is printed, one line says what it looks like."""
    (tmp_path / "x.wasm").write_bytes(data)
    ended = infrafabric("inspect", tmp_path / "x.wasm")
    assert (ended.status, ended.out) == (4, "")
    assert "x.wasm': " in ended.err
    assert wanted in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_beyond_any_contract_is_not_read_whole(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte over the bound is refused, the bound itself is read."""
    monkeypatch.setattr("infrafabric.cli.target.MAX_MODULE_BYTES", 8)
    (tmp_path / "x.wasm").write_bytes(b"\0asm\x01\0\0\0")
    assert infrafabric("inspect", tmp_path / "x.wasm").status == 0
    (tmp_path / "x.wasm").write_bytes(b"\0asm\x01\0\0\0\0")
    ended = infrafabric("inspect", tmp_path / "x.wasm")
    assert ended.status == 4
    assert "the most that a contract's max_module_mb can allow" in ended.err


# --- for people ------------------------------------------------------------------------------------

_HOSTILE = "[bold]x[/bold] \x1b[31mred \u202e \x9b :smile: [link=file:///etc]"


def test_names_of_a_module_are_neither_markup_nor_terminal_codes(infrafabric: Run, tmp_path: Path) -> None:
    """What a module calls itself is shown, escaped, and obeyed by nobody."""
    quoted = "".join(f"\\{byte:02x}" for byte in _HOSTILE.encode())
    path = tmp_path / "[red]evil.wasm"
    path.write_bytes(
        wat(f'(module (import "env" "{quoted}" (func)) (func (export "{quoted}")) (func (export "_{quoted}")))')
    )
    ended = infrafabric("inspect", path, "-o", "table")
    shown = r"[bold]x[/bold] \x1b[31mred \u202e \x9b :smile: [link=file:///etc]"
    flat = " ".join(ended.out.split())
    assert "[red]evil.wasm cannot be loaded" in flat
    unbroken = ended.out.replace("\n", "").replace(" ", "")
    assert unbroken.count(shown.replace(" ", "")) >= 1
    assert all(character.isprintable() or character == "\n" for character in ended.out + ended.err)
    assert infrafabric("inspect", path).json["tasks"][0]["name"] == _HOSTILE


def test_a_flood_of_exports_is_cut_for_people_and_whole_for_programs(infrafabric: Run, tmp_path: Path) -> None:
    """Forty rows are read, thousands are not."""
    path = tmp_path / "many.wasm"
    functions = "".join(f'(func (export "f{number}"))' for number in range(5000))
    path.write_bytes(wat(f"(module {functions})"))
    table = infrafabric("inspect", path, "-o", "table").out
    assert "f39" in table
    assert "and 4,960 more: -o json shows all" in table
    assert len(table.splitlines()) < 80
    assert len(infrafabric("inspect", path).json["tasks"]) == 5000


def test_a_signature_without_end_is_cut_for_people(infrafabric: Run, tmp_path: Path) -> None:
    """Some parameters, and how many others there are."""
    path = tmp_path / "wide.wasm"
    path.write_bytes(wat(f'(module (func (export "{"x" * 3000}") (param {"i32 " * 900})))'))
    table = " ".join(infrafabric("inspect", path, "-o", "table").out.split())
    assert "and 894 more" in table
    assert len(table) < 4000
    assert len(infrafabric("inspect", path).json["tasks"][0]["params"]) == 900


def test_too_many_exports_are_refused_with_the_name_of_the_file(infrafabric: Run, tmp_path: Path) -> None:
    """What cannot be read whole is not shown in part."""
    path = tmp_path / "flood.wasm"
    exports = "".join(f'(export "f{number}" (func $f))' for number in range(20_001))
    path.write_bytes(wat(f"(module (func $f) {exports})"))
    ended = infrafabric("inspect", path)
    assert (ended.status, ended.out) == (4, "")
    assert f"'{path}': The module has 20,001 exports or more" in ended.err


def test_reasons_are_grouped_by_convention(infrafabric: Run) -> None:
    """One line for each reason, not one for each task and convention."""
    table = infrafabric("inspect", guest("arith"), "-o", "table").out
    assert table.count("it is not _start, () -> ()") == 1
    assert table.count("the module exports no memory") == 1


def test_the_module_may_come_through_a_pipe(infrafabric: Run, tmp_path: Path) -> None:
    """Whatever can be read once is a module's file."""
    import os  # noqa: PLC0415 - only this test
    import threading  # noqa: PLC0415 - only this test

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(guest("arith").read_bytes()))
    writer.start()
    assert len(infrafabric("inspect", pipe).json["tasks"]) == 7
    writer.join()
