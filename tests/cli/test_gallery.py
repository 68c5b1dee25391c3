"""The contracts to start from: each is clean, and the command in its first lines runs its guest under it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infrafabric.cli.contract.lint_command import check
from infrafabric.contract.fmt import is_formatted

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.chassis import IFChassis
    from tests.cli.program import Ended

ROOT = Path(__file__).resolve().parents[2]
GALLERY = sorted((ROOT / "contracts").glob("*.yaml"))

#: A part of what the command in the first lines prints.
ANSWERS = {
    "assemblyscript": "3",
    "code-analyzer": '"findings":[{',
    "go": '"words":3',
    "high-throughput-filter": "-873187034",
    "json-validator": '"valid":true',
    "long-batch-job": "75025",
    "strict-sandbox": "AS SMALL AS CAN BE",
    "text-tool": '"word":"the"',
}

each = pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)


def command_of(path: Path) -> list[str]:
    """The command line in the first lines of a contract."""
    comments = "\n".join(line[1:] for line in path.read_text().splitlines() if line.startswith("#"))
    found = re.search(r"^ {3}infrafabric (run .*(?:\n {5}.*)*)", comments, re.MULTILINE)
    assert found, path
    return shlex.split(found[1].replace("\\\n", ""))


def test_every_contract_of_the_gallery_has_an_answer() -> None:
    """A new contract comes with what its command prints."""
    assert {path.stem for path in GALLERY} == set(ANSWERS)


@each
def test_a_contract_of_the_gallery_is_clean_with_its_guest(path: Path) -> None:
    """No error, no advice, in the one layout, and linked from the gallery's page."""
    command = command_of(path)
    module = ROOT / command[command.index("--module") + 1]
    checked = check(path, module.read_bytes())
    assert checked.problems == ()
    assert checked.contract is not None
    assert checked.contract.swarm_id == path.stem
    assert checked.contract.metadata["guest"] == module.stem
    assert is_formatted(path.read_text())
    assert f"]({path.name})" in path.with_name("README.md").read_text()


@each
def test_the_command_of_a_contract_of_the_gallery_runs_its_guest(
    infrafabric: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """As its first lines say, from the root of the repository."""
    monkeypatch.chdir(ROOT)
    ended = infrafabric(*command_of(path))
    assert (ended.status, ANSWERS[path.stem] in ended.out) == (0, True), ended


@each
def test_a_contract_of_the_gallery_loads_its_guest_as_it_is(chassis: IFChassis, path: Path) -> None:
    """Under the contract alone, without a flag of the command line."""
    command = command_of(path)
    contract = check(path, None).require()
    module = (ROOT / command[command.index("--module") + 1]).read_bytes()
    chassis.load_swarm(contract.swarm_id, module, contract)
    assert set(contract.tasks) <= set(chassis.swarm_runtimes[contract.swarm_id].runtime.program.tasks)
