"""What the command line's tests share: a code cache of the test run's own, and no colours or widths from outside."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from infrafabric.cli import main
from tests.cli.program import Ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the code cache, kept for the test run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, cache_home: Path) -> None:
    """Nothing of the surrounding terminal reaches a test, or the programs that it starts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def infrafabric(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run a command line in this process: ``infrafabric("run", path, ..., stdin=b"")``."""

    def run(*arguments: object, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Ended(status, out, err)

    return run
