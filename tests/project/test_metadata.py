"""What pyproject.toml promises about the package is what its source does."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "infrafabric"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


#: Extras that nothing in the package may lean on.
TOOLING = frozenset({"bench", "dev", "test"})

#: Modules of more than 300 lines, each with its reason.
LONGER = {
    "infrafabric/chassis/runtime.py": "IFChassis: the one class that everything is called on, most of it documentation",
    "infrafabric/errors.py": "the whole error tree is read in one place",
}


def _names(requirements: list[str]) -> set[str]:
    """Normalized distribution names of requirement lines."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", line)[0]).lower() for line in requirements}


def _imported() -> set[str]:
    """Top-level modules, not of the standard library, that the package imports anywhere."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"infrafabric"}


def test_every_library_that_the_package_imports_is_declared() -> None:
    """Nothing works only because a development tool happens to bring it."""
    homes = importlib.metadata.packages_distributions()
    declared = _names(PROJECT["dependencies"]) | {
        name
        for extra, lines in PROJECT["optional-dependencies"].items()
        if extra not in TOOLING
        for name in _names(lines)
    }
    undeclared = {module for module in _imported() if not _names(homes.get(module, [module])) & declared}
    assert not undeclared


def test_every_runtime_dependency_is_used() -> None:
    """Nobody installs a library that nothing imports."""
    homes = importlib.metadata.packages_distributions()
    used = {name for module in _imported() for name in _names(homes.get(module, [module]))}
    assert not _names(PROJECT["dependencies"]) - used


def test_every_licence_goes_with_the_wheel() -> None:
    """Ours, and that of each library whose code is in the package."""
    vendored = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*LICENSE*")}
    assert vendored
    assert set(PROJECT["license-files"]) == {"LICENSE"} | vendored


def test_the_package_is_marked_as_typed() -> None:
    """Type checkers of users read our annotations."""
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_is_short(path: Path) -> None:
    """A file over 300 lines has more than one reason to change."""
    name = path.relative_to(ROOT).as_posix()
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 300 or name in LONGER, f"{name} has {lines} lines; split it, or give the reason in LONGER"


def test_no_module_is_a_drawer() -> None:
    """A module is named for what it does."""
    drawers = {"utils", "common", "helpers", "manager", "misc"}
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in drawers or path.parent.name in drawers]
