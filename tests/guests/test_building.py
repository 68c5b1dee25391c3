"""Guests are built from their source: what a compiler makes of it today behaves as what is checked in."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from guests import build
from guests.build import BuildError, MissingToolError, build_guest, missing_tool
from guests.built import record_build, staleness
from guests.manifest import GUESTS as FOLDER
from infrafabric.wasm import inspect_module
from tests.guests.behaviour import GUESTS, expect_checks

if TYPE_CHECKING:
    from guests.manifest import Guest
    from infrafabric.chassis import IFChassis

SCRIPT = FOLDER / "build.py"


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run build.py from another folder."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd="/",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def signatures(module: bytes, guest: Guest) -> dict[str, str]:
    """What the tasks of a module take and answer."""
    return {item.name: str(item.type) for item in inspect_module(module).exports if item.name in guest.tasks}


# --- what is checked in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)
def test_a_checked_in_module_was_built_from_the_source_beside_it(guest: Guest) -> None:
    """Nobody changed one and forgot the other."""
    assert staleness(guest) is None, f"run: python guests/build.py {guest.name}"


@pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)
def test_the_manifest_names_every_source_of_a_guest(guest: Guest) -> None:
    """A file that is compiled in but not listed could change unseen."""
    beside = {path for path in (FOLDER / guest.name).iterdir() if path.suffix != ".wasm"}
    assert beside <= {FOLDER / name for name in guest.sources}


def test_every_module_belongs_to_a_guest() -> None:
    """No module lies here that nobody knows how to build."""
    assert set(FOLDER.rglob("*.wasm")) == {guest.wasm for guest in GUESTS.values()}


# --- what is built now -----------------------------------------------------------------------------------


@pytest.mark.timeout(900)  # a first build compiles Go's runtime
@pytest.mark.parametrize(
    "guest",
    [
        pytest.param(guest, marks=pytest.mark.requires_tool(guest.toolchain.tool.name), id=guest.name)
        for guest in GUESTS.values()
    ],
)
def test_a_rebuilt_guest_behaves_as_the_checked_in_one(chassis: IFChassis, guest: Guest, tmp_path: Path) -> None:
    """The same tasks with the same signatures, and the same answer to every check, whatever the compiler's version."""
    module = build_guest(guest.name, tmp_path).read_bytes()
    assert signatures(module, guest) == signatures(guest.wasm.read_bytes(), guest)
    expect_checks(chassis, guest, module)
    assert [path.name for path in tmp_path.iterdir()] == [f"{guest.name}.wasm"]


# --- the builder -----------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and the record in a folder of their own."""
    shutil.copytree(FOLDER, tmp_path / "guests", ignore=shutil.ignore_patterns("__pycache__", "wordstat.wasm"))
    return tmp_path / "guests"


@pytest.mark.parametrize("changed", ["slug/slug.zig", "slug/slug.wasm"], ids=["source", "module"])
def test_a_change_of_one_side_alone_is_noticed(copy: Path, changed: str) -> None:
    """Until it is built again; the other guests are not touched by it."""
    guest = GUESTS["slug"]
    assert staleness(guest, copy) is None
    with (copy / changed).open("ab") as file:
        file.write(b"\n")
    what = "source" if changed.endswith(".zig") else "module"
    assert staleness(guest, copy) == f"guest 'slug': {what} changed since it was built"
    assert staleness(GUESTS["base64"], copy) is None
    record_build(guest, copy)
    assert staleness(guest, copy) is None


def test_other_flags_are_another_build(copy: Path) -> None:
    """They decide about the module as its source does."""
    guest = dataclasses.replace(GUESTS["slug"], flags=("--stack", "4096"))
    assert staleness(guest, copy) == "guest 'slug': source changed since it was built"


def test_what_was_never_built_is_stale(copy: Path) -> None:
    """Also where there is no record at all."""
    (copy / "built.json").unlink()
    assert staleness(GUESTS["slug"], copy) == "guest 'slug': source and module changed since it was built"


@pytest.mark.requires_tool("wat2wasm")
def test_a_build_in_place_is_recorded_and_one_elsewhere_is_not(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record speaks of the checked-in modules only."""
    noted: list[str] = []
    monkeypatch.setattr(build, "record_build", lambda guest: noted.append(guest.name))
    monkeypatch.setattr("guests.manifest.GUESTS", copy)
    build_guest("fib", tmp_path)
    assert noted == []
    build_guest("fib")
    assert noted == ["fib"]
    assert (copy / "fib/fib.wasm").read_bytes() == (tmp_path / "fib.wasm").read_bytes()


def test_the_tables_of_the_readme_follow_the_manifest(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--check`` tells by its status whether they do and changes nothing; without it they are written."""
    readme = copy / "README.md"
    text = readme.read_text(encoding="utf-8")
    monkeypatch.setattr(build, "_README", readme)
    assert build.main(["--readme", "--check"]) == 0
    readme.write_text(text.replace("buffer", "scalar"), encoding="utf-8")
    assert build.main(["--readme", "--check"]) == 1
    assert "scalar" in readme.read_text(encoding="utf-8").partition("| jsoncheck")[0]
    assert build.main(["--readme"]) == 0
    assert build.main(["--readme", "--check"]) == 0


def test_a_missing_compiler_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An override that does not work is not passed over for what happens to be on PATH."""
    monkeypatch.setenv("WAT2WASM", "no-such-compiler")
    with pytest.raises(MissingToolError, match=r"WAT needs wat2wasm; .*`apt-get install wabt`, or .* in WAT2WASM\."):
        build_guest("fib")
    assert "no-such-compiler" in str(missing_tool("fib"))


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command, so that a person can repeat it; the module that was there stays."""
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "line 3: no such thing"\nexit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("WAT2WASM", str(compiler))
    before = GUESTS["fib"].wasm.read_bytes()
    with pytest.raises(BuildError, match=r"(?s)'fib' did not build: .*compiler .*fib\.wat.*line 3: no such thing"):
        build_guest("fib")
    assert GUESTS["fib"].wasm.read_bytes() == before
    assert not list((FOLDER / "fib").glob(".build-*"))


def test_a_module_that_holds_a_path_of_this_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would tell where it was built, and differ from everybody else's."""
    compiler = tmp_path / "compiler"
    compiler.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exit 0\nfor out; do :; done\nprintf "{Path.home()}/secret" >"$out"\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("WAT2WASM", str(compiler))
    with pytest.raises(BuildError, match="'fib' has a path of this machine inside"):
        build_guest("fib", tmp_path)
    assert not (tmp_path / "fib.wasm").exists()


def test_the_script_says_what_it_could_not_build(tmp_path: Path) -> None:
    """A guest that was asked for by name is an error; among all of them it is a note."""
    no_tools = {guest.toolchain.tool.variable: "no-such-compiler" for guest in GUESTS.values()}
    one = script("fib", "--out", str(tmp_path), **no_tools)
    assert (one.returncode, one.stdout) == (1, "")
    assert one.stderr.startswith("fib is not built: WAT needs wat2wasm")
    everything = script("--out", str(tmp_path), **no_tools)
    assert (everything.returncode, everything.stdout) == (0, "")
    assert [line.partition(" is skipped: ")[0] for line in everything.stderr.splitlines()] == list(GUESTS)


def test_the_script_refuses_a_guest_that_there_is_not() -> None:
    """And lists those there are."""
    unknown = script("fibb")
    assert unknown.returncode == 2
    assert "no guest is called fibb; there are analyzer, jsoncheck" in unknown.stderr
