"""What every test directory shares: tests that need a tool, and how Hypothesis runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

from tests.toolchains import require_tool

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]  # for the tests of what this file does

# How long an example takes depends on what else the machine does; tests marked ``timing`` measure time.
settings.register_profile("infrafabric", parent=settings.default, deadline=None)
settings.load_profile("infrafabric")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour ``@pytest.mark.requires_tool("rustc", ...)``."""
    require_tool(*(name for marker in item.iter_markers("requires_tool") for name in marker.args))
