"""Compiled code is kept between loads and between processes, and what is damaged is built again."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis import IFChassis
from infrafabric.testing import contract
from tests.engine.driving import python
from tests.guests.behaviour import GUESTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANALYZER = GUESTS["analyzer"].wasm

#: Another process: loads the analyzer from the cache folder argv[1], and runs a task.
PROGRAM = f"""
import json, sys, time
from pathlib import Path
from infrafabric.chassis import IFChassis
from infrafabric.testing import EMPTY, contract

with IFChassis(cache_dir=sys.argv[1]) as chassis:
    chassis.load_swarm("empty", EMPTY, contract("empty"))  # makes the engine, once in a process
    module = Path({str(ANALYZER)!r}).read_bytes()
    began = time.perf_counter()
    chassis.load_swarm("analyzer", module, contract("analyzer"))
    seconds = time.perf_counter() - began
    params = {{"file": "a.py", "source": "eval(x)\\n"}}
    findings = chassis.execute_task("analyzer", "analyze_code", params).output["summary"]["findings"]
print(json.dumps({{"seconds": seconds, "findings": findings}}))
"""


def load_elsewhere(folder: Path) -> dict[str, Any]:
    """Load the analyzer in another process."""
    done = python(PROGRAM, str(folder))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder as a first process left it."""
    folder = tmp_path_factory.mktemp("cache") / "code"
    load_elsewhere(folder)
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return shutil.copytree(filled, tmp_path / "code")


def code_of(folder: Path) -> Path:
    """The analyzer's file: the larger of the two."""
    return max(folder.iterdir(), key=lambda path: path.stat().st_size)


def test_another_process_takes_the_code_from_the_cache(folder: Path) -> None:
    """It compiles nothing: the file stays the one it was."""
    path = code_of(folder)
    inode = path.stat().st_ino
    assert load_elsewhere(folder)["findings"] == 1
    assert path.stat().st_ino == inode
    assert len(list(folder.iterdir())) == 2


def flipped(position: float) -> Callable[[bytes], bytes]:
    """A change of one bit, so far into the file (0 to 1)."""

    def flip(content: bytes) -> bytes:
        at = min(int(len(content) * position), len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first-bit": flipped(0),
    "digest": lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:],
    "code": flipped(0.5),
    "last-bit": flipped(1),
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_noticed_and_built_again(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """It is native code: not one bit of it is run that was not written so."""
    path = code_of(folder)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert load_elsewhere(folder)["findings"] == 1
    assert code_of(folder) == path
    assert path.read_bytes() == whole


@pytest.mark.timing
def test_a_second_load_takes_milliseconds(folder: Path) -> None:
    """110 KB of Rust, the best of five: 5 ms in the same process, and in another one."""
    module, here = ANALYZER.read_bytes(), []
    for _ in range(5):
        with IFChassis(cache_dir=folder) as chassis:
            began = time.perf_counter()
            chassis.load_swarm("analyzer", module, contract("analyzer"))
            here.append(time.perf_counter() - began)
    elsewhere = [load_elsewhere(folder)["seconds"] for _ in range(5)]
    assert min(here) <= 0.005
    assert min(elsewhere) <= 0.005
