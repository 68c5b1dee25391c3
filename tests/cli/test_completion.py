"""Shell completion: the scripts, and what they are answered."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from infrafabric.cli.app import COMMANDS
from infrafabric.cli.contract import COMMANDS as CONTRACT_COMMANDS
from tests.cli.program import Ended, guest, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(infrafabric: Run, shell: str) -> None:
    """Which asks this program, in that shell's words."""
    ended = infrafabric("completion", shell)
    assert (ended.status, ended.err) == (0, "")
    assert f"_INFRAFABRIC_COMPLETE={shell}_complete" in ended.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_parses_in_its_shell(infrafabric: Run, shell: str, tmp_path: Path) -> None:
    """Where the shell is here to say so."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(infrafabric("completion", shell).out)
    subprocess.run([shell, "-n", script], check=True, timeout=60)


def _completions(*words: str) -> list[str]:
    """What the program answers bash for the last of ``words``."""
    line = " ".join(("infrafabric", *words))
    env = {"_INFRAFABRIC_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    ended = run_program(env=env)
    assert (ended.status, ended.err) == (0, "")
    return [line.split(",", 1)[1] for line in ended.out.splitlines() if line]


def test_commands_are_completed() -> None:
    """All of them, or those that begin so."""
    assert _completions("") == list(COMMANDS)
    assert _completions("ins") == ["inspect"]


def test_commands_of_a_group_are_completed() -> None:
    """As those of the program, with their flags."""
    assert _completions("contract", "") == list(CONTRACT_COMMANDS)
    assert _completions("contract", "s") == ["suggest", "show", "schema"]
    assert _completions("contract", "lint", "--format", "s") == ["sarif"]


def test_flags_and_their_words_are_completed() -> None:
    """As far as they are known."""
    assert {"--memory", "--timeout", "--debug"} <= set(_completions("run", "--"))
    assert _completions("inspect", "x", "-o", "") == ["table", "json", "yaml"]


def test_the_tasks_of_the_module_are_completed() -> None:
    """The module stands before, so its tasks are known."""
    assert _completions("run", str(guest("arith")), "") == [
        *("answer", "add", "multiply", "celsius", "hypotenuse", "divmod", "ignore")
    ]
    assert _completions("run", str(guest("arith")), "a") == ["answer", "add"]


def test_a_contract_completes_the_tasks_of_its_module(tmp_path: Path) -> None:
    """As `run` takes either."""
    (tmp_path / "arith.wasm").write_bytes(guest("arith").read_bytes())
    (tmp_path / "sums.yaml").write_text("swarm_id: sums\nmodule: {path: arith.wasm}\n")
    assert _completions("run", str(tmp_path / "sums.yaml"), "d") == ["divmod"]


@pytest.mark.parametrize("content", [None, b"", b"#!/bin/sh", b"\0asm\x01\0\0\0\xff"])
def test_what_is_no_module_completes_to_nothing(tmp_path: Path, content: bytes | None) -> None:
    """In silence: the shell is waiting."""
    path = tmp_path / "x.wasm"
    if content is not None:
        path.write_bytes(content)
    assert _completions("run", str(path), "") == []
    (tmp_path / "x.yaml").write_text("swarm_id: [")
    assert _completions("run", str(tmp_path / "x.yaml"), "") == []
