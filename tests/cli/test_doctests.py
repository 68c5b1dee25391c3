"""The examples in the docstrings of the command line are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["console", "limit_flags", "output", "target", "units"])
def test_the_examples_of_a_module_run(name: str) -> None:
    """And there is at least one."""
    results = doctest.testmod(import_module(f"infrafabric.cli.{name}"), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
