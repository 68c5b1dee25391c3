"""``infrafabric contract init``: what it writes is a contract, says everything, and harms no file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ServiceContract, specs
from infrafabric.contract.fmt import is_formatted
from infrafabric.contract.record import Part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.program import Ended

    Run = Callable[..., Ended]


def test_a_start_is_a_contract_with_the_defaults(infrafabric: Run) -> None:
    """It promises what a contract of that name promises that says nothing."""
    text = infrafabric("contract", "init", "my.swarm-2").out
    contract = ServiceContract.from_text(text)
    silent = ServiceContract("my.swarm-2")
    described = {"version": "0.1.0", "description": "Say what the swarm does", "created_at": contract.created_at}
    assert contract == silent.evolve(**described)
    assert is_formatted(text)


def test_a_start_lints_clean(infrafabric: Run, tmp_path: Path) -> None:
    """Not even advice."""
    path = tmp_path / "start.yaml"
    assert infrafabric("contract", "init", "-o", path).status == 0
    ended = infrafabric("contract", "lint", "--strict", path)
    assert (ended.status, ended.out) == (0, "")


def test_a_start_names_every_field(infrafabric: Run) -> None:
    """With what it does above it; those of parts with theirs."""
    text = infrafabric("contract", "init").out
    for name, spec in specs(ServiceContract).items():
        assert re.search(rf"^(?:# )?{name}:", text, re.MULTILINE), name
        if isinstance(spec.kind, Part) and not spec.kind.nullable:
            for key in specs(spec.kind.record):
                assert re.search(rf"^(?:  |  # |#   ){key}:", text, re.MULTILINE), key


def test_what_is_in_comments_holds_when_it_is_taken_out_of_them(infrafabric: Run) -> None:
    """A part is uncommented as a whole, a field alone: either way there is a contract, with the defaults."""
    text = infrafabric("contract", "init").out
    alone = re.sub(r"^  # (max_|latency_|throughput_|period)", r"  \1", text, flags=re.MULTILINE)
    whole = re.sub(r"^# (execution:|enforcement:|  (?:[a-z#]))", r"\1", alone, flags=re.MULTILINE)
    contract = ServiceContract.from_text(whole)
    assert whole.count("\nexecution:") == 1
    assert contract == ServiceContract.from_text(text).evolve(created_at=contract.created_at)


def test_no_file_is_written_over_unless_asked(infrafabric: Run, tmp_path: Path) -> None:
    """Somebody's work is in it."""
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    ended = infrafabric("contract", "init", "-o", path)
    assert (ended.status, path.read_text()) == (2, "mine")
    assert f"'{path}' exists; --force writes over it" in ended.err
    assert infrafabric("contract", "init", "-o", path, "--force").status == 0
    assert "swarm_id: my-swarm" in path.read_text()


def test_a_file_that_cannot_be_written_is_said(infrafabric: Run, tmp_path: Path) -> None:
    """In one line."""
    ended = infrafabric("contract", "init", "-o", tmp_path / "no" / "a.yaml")
    assert ended.status == 2
    assert ended.err.startswith("error: cannot write '")


@pytest.mark.parametrize("name", ["Big", "a/b", "", "-x" * 40, "a" * 64])
def test_a_name_that_files_do_not_take_is_refused(infrafabric: Run, name: str) -> None:
    """Before anything is written."""
    ended = infrafabric("contract", "init", "--", name)
    assert (ended.status, ended.out) == (2, "")


@pytest.mark.parametrize("name", ["null", "true", "1e5", "0", "a" * 63])
def test_a_name_that_yaml_takes_for_something_else_is_quoted(infrafabric: Run, name: str) -> None:
    """What was asked for is what is in the file."""
    assert ServiceContract.from_text(infrafabric("contract", "init", name).out).swarm_id == name
