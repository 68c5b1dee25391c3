"""`infrafabric` itself: every public name is there, and importing it costs next to nothing."""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
import time

import pytest

import infrafabric
from infrafabric import errors

#: Too heavy for a program that only mentions the package.
HEAVY = ("attrs", "click", "limits", "opentelemetry", "psutil", "rich", "ruamel", "wasmtime")


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_the_package_loads_nothing_heavy() -> None:
    """``import infrafabric`` loads one module of its own and no library."""
    code = f"import sys, infrafabric; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert _python(code) == "[]"


def test_handling_an_error_does_not_load_the_engine() -> None:
    """A program that only catches our errors pays for them alone."""
    assert _python("import sys, infrafabric; infrafabric.TaskTimeout; print('wasmtime' in sys.modules)") == "False"


@pytest.mark.timing
def test_importing_the_package_costs_at_most_40_ms() -> None:
    """The best of several runs beside bare Python in turn, so that a busy machine slows both."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        _python(code)
        return time.perf_counter() - started

    pairs = [(seconds("import infrafabric"), seconds("pass")) for _ in range(10)]
    assert min(ours for ours, _ in pairs) - min(bare for _, bare in pairs) <= 0.040


@pytest.mark.parametrize("name", infrafabric.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    """Each name of ``__all__`` resolves, is documented, and is the same object every time."""
    value = getattr(infrafabric, name)
    assert value is getattr(infrafabric, name)
    assert inspect.getdoc(value)


def test_the_public_names_are_sorted_and_unique() -> None:
    """A reader finds a name where the alphabet puts it."""
    assert infrafabric.__all__ == sorted(set(infrafabric.__all__))


def test_every_error_is_public() -> None:
    """An error that can be raised can be caught by its name in the package."""
    raised = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert raised <= set(infrafabric.__all__)


def test_dir_lists_the_public_names_before_they_are_loaded() -> None:
    """Completion in a shell offers what has not been imported yet."""
    assert _python("import infrafabric; print(set(infrafabric.__all__) - set(dir(infrafabric)))") == "set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as it would in any module."""
    with pytest.raises(AttributeError, match=r"^module 'infrafabric' has no attribute 'IFChasis'$"):
        _ = infrafabric.IFChasis


def test_the_version_is_the_one_that_is_installed() -> None:
    """pyproject.toml alone states the version."""
    assert infrafabric.__version__ == importlib.metadata.version("infrafabric")
