"""The module of a contract: found beside it, never outside, and only the one that was meant."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ModuleReference
from infrafabric.errors import ContractValidationError, ModuleTooLarge, Problem

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"\0asm\1\0\0\0"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract's folder with a module in it, and one above it that nobody may reach."""
    (tmp_path / "outside.wasm").write_bytes(DATA)
    inside = tmp_path / "contract"
    (inside / "guests").mkdir(parents=True)
    (inside / "guests" / "a.wasm").write_bytes(DATA)
    return inside


def problem_of(folder: Path, path: str, sha256: str | None = None) -> Problem:
    """Why the module is refused."""
    with pytest.raises(ContractValidationError) as caught:
        ModuleReference(path=path, sha256=sha256).read(folder, 100)
    (problem,) = caught.value.problems
    assert str(problem).isprintable()
    return problem


def test_the_module_is_read_from_the_contracts_folder(folder: Path) -> None:
    """The path begins at the contract; with the right digest, or none, the bytes come back."""
    assert ModuleReference(path="guests/a.wasm").read(folder, 100) == DATA
    assert ModuleReference(path="guests/a.wasm", sha256=DIGEST).read(folder, len(DATA)) == DATA


def test_another_file_of_that_name_is_refused(folder: Path) -> None:
    """A digest that differs is named with the file's own, so that a reviewed change can be written down."""
    problem = problem_of(folder, "guests/a.wasm", "0" * 64)
    assert (problem.rule, problem.path) == ("IF114", "module.sha256")
    assert DIGEST in problem.message


def test_size_is_bounded_before_anything_is_kept(folder: Path) -> None:
    """A file of exactly the bound is read, one byte more is not."""
    with pytest.raises(ModuleTooLarge, match=r"guests/a\.wasm is larger than the 7 bytes of .*max_module_mb"):
        ModuleReference(path="guests/a.wasm").read(folder, len(DATA) - 1)


def test_links_do_not_lead_out(folder: Path) -> None:
    """A link inside the folder is followed, one to a file or folder outside is refused, as is a circle."""
    (folder / "inner.wasm").symlink_to("guests/a.wasm")
    assert ModuleReference(path="inner.wasm").read(folder, 100) == DATA
    (folder / "outer.wasm").symlink_to("../outside.wasm")
    (folder / "up").symlink_to("..")
    for path in ("outer.wasm", "up/outside.wasm"):
        problem = problem_of(folder, path)
        assert (problem.rule, problem.path) == ("IF112", "module.path")
        assert "outside of" in problem.message
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    assert problem_of(folder, "one").rule == "IF113"


def test_a_contract_reached_by_a_link_finds_its_module(folder: Path, tmp_path: Path) -> None:
    """The folder itself may be a link: what counts is where it really is."""
    (tmp_path / "link").symlink_to(folder)
    assert ModuleReference(path="guests/a.wasm").read(tmp_path / "link", 100) == DATA


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    """A missing file, a folder, a pipe and a file as folder are refused at once, with the reason."""
    os.mkfifo(folder / "pipe")
    for path, words in (
        ("missing.wasm", "No such file"),
        ("guests", "not a regular file"),
        ("pipe", "not a regular file"),
        ("guests/a.wasm/b", "Not a directory"),
        ("x" * 255, "cannot be read"),
    ):
        problem = problem_of(folder, path)
        assert (problem.rule, problem.path) == ("IF113", "module.path")
        assert words in problem.message
