"""What every test directory shares: a chassis, tests that need a tool, and how Hypothesis runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.toolchains import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infrafabric.chassis import IFChassis

pytest_plugins = ["pytester"]  # for the tests of what this file does

# How long an example takes depends on what else the machine does; tests marked ``timing`` measure time.
settings.register_profile("infrafabric", parent=settings.default, deadline=None)
settings.load_profile("infrafabric")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour ``@pytest.mark.requires_tool("rustc", ...)``."""
    require_tool(*(name for marker in item.iter_markers("requires_tool") for name in marker.args))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private folder for compiled code, kept for the test run."""
    folder = tmp_path_factory.mktemp("code")
    folder.chmod(0o700)
    return folder


@pytest.fixture
def chassis(cache_dir: Path) -> Iterator[IFChassis]:
    """A chassis that is closed after the test."""
    from infrafabric.chassis import IFChassis  # noqa: PLC0415 - most tests need no engine

    with IFChassis(cache_dir=cache_dir) as chassis:
        yield chassis
