"""What a command line loads: no more than it needs, so that it answers at once."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import PROGRAM, guest

if TYPE_CHECKING:
    from pathlib import Path


def _loaded_by(*arguments: object) -> set[str]:
    """The top-level packages that are loaded when a command line has ended."""
    code = (
        "import sys; from infrafabric.cli import main; main(sys.argv[1:]); "
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), ("run", "--help"), ("inspect", "--help"), ("doctor", "--help"), ("contract", "--help")],
)
def test_help_loads_no_engine(arguments: tuple[str, ...]) -> None:
    """Nor rich, nor what only a running swarm needs."""
    assert not _loaded_by(*arguments) & {"wasmtime", "rich", "limits", "psutil", "opentelemetry", "ruamel"}


def test_a_pipe_loads_no_rich() -> None:
    """Tables are for terminals."""
    assert "rich" not in _loaded_by("inspect", guest("arith"))
    assert "rich" not in _loaded_by("run", guest("arith"), "answer")


def test_checking_a_contract_that_names_no_module_loads_no_engine(tmp_path: Path) -> None:
    """Editors and hooks run it all the time."""
    path = tmp_path / "a.yaml"
    path.write_text("swarm_id: a\n")
    for command in (("lint",), ("fmt",), ("digest",), ("show",)):
        assert not _loaded_by("contract", *command, path) & {"wasmtime", "rich", "limits", "psutil", "opentelemetry"}


@pytest.mark.timing
def test_help_is_shown_within_150_ms() -> None:
    """The best of several runs, interpreter included."""

    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run([*PROGRAM, "--help"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(7)) <= 0.150
