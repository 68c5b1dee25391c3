"""The reference is complete and true: what is generated is up to date, what is written by hand is checked."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import infrafabric
from infrafabric import IFChassis
from infrafabric.contract import ServiceContract, specs
from infrafabric.contract.record import Part, PartMap
from infrafabric.engine.wasi import INERT
from infrafabric.testing import contract, wat
from tests.docs.blocks import read_console
from tests.docs.page_process import _check_output as check_output
from tests.docs.pages import ROOT, load_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

REFERENCE = ROOT / "docs" / "reference"

#: Error numbers of WASI preview 1, as the reference calls them.
_ERRNO = {"success": 0, "`EBADF`": 8, "`EINVAL`": 28, "`ESPIPE`": 70}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """``.ci/reference.py`` as a module."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / ".ci" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_is_what_the_code_says_today(generator: ModuleType) -> None:
    """No page needs ``python .ci/reference.py``."""
    pages = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")}
    stale = [page.relative_to(ROOT).as_posix() for page, text in pages.items() if generator.filled(text) != text]
    assert not stale, f"run: python .ci/reference.py (stale: {', '.join(stale)})"


def test_every_generated_part_stands_on_a_page(generator: ModuleType) -> None:
    """A part that no page asks for would be checked by nobody."""
    asked = set(
        re.findall(r"<!-- generated: ([a-z-]+) -->", "".join(p.read_text() for p in ROOT.rglob("docs/**/*.md")))
    )
    assert asked == set(generator.PARTS)


def test_a_stale_part_is_written_anew_and_the_text_around_it_stays(generator: ModuleType) -> None:
    """Only what stands between the two comments changes."""
    page = "before\n\n<!-- generated: outcomes -->\nold\n<!-- end of generated -->\n\nafter\n"
    new = generator.filled(page)
    assert new.startswith("before\n\n<!-- generated: outcomes -->\n\n| outcome |")
    assert new.endswith("<!-- end of generated -->\n\nafter\n")
    assert "old" not in new
    assert generator.filled(new) == new


@pytest.mark.parametrize("name", infrafabric.__all__)
def test_every_public_name_is_in_the_api_reference(name: str) -> None:
    """A reader finds each name that ``infrafabric`` exports; the version is no API."""
    page = (REFERENCE / "api.md").read_text(encoding="utf-8")
    assert name == "__version__" or re.search(rf"(?m)^### {name}$|`{name}`", page)


def _api_nouns() -> Iterator[str]:
    """Classes that callers meet, and the parts of a contract."""
    for name in infrafabric.__all__:
        kind = getattr(infrafabric, name)
        if isinstance(kind, type) and not issubclass(kind, Exception):
            yield name
    for spec in specs(ServiceContract).values():
        if isinstance(spec.kind, Part | PartMap):
            yield spec.kind.record.__name__


@pytest.mark.parametrize("noun", sorted(set(_api_nouns())))
def test_every_noun_of_the_api_is_in_the_glossary(noun: str) -> None:
    """Whoever meets a class can look up what its word means."""
    assert f"(`{noun}`)" in (REFERENCE / "glossary.md").read_text(encoding="utf-8")


def test_the_glossary_is_sorted_and_has_no_word_twice() -> None:
    """A word is found where the alphabet puts it."""
    words = re.findall(r"(?m)^\| \*\*([^*]+)\*\*", (REFERENCE / "glossary.md").read_text(encoding="utf-8"))
    assert words == sorted(set(words), key=str.casefold)


def _probe() -> bytes:
    """A module that exports each inert WASI function under its own name, called with zeros but for the descriptor."""
    imports, exports = [], []
    for name, function in INERT.items():
        params, results = function.signature
        signature = f"{''.join(f'(param {kind})' for kind in params)}{''.join(f'(result {kind})' for kind in results)}"
        imports.append(f'(import "wasi_snapshot_preview1" "{name}" (func ${name} {signature}))')
        rest = " ".join(f"({kind}.const 0)" for kind in params[1:])
        if name.startswith("fd_"):
            exports.append(
                f'(func (export "{name}") (param $fd i32) (result i32) (call ${name} (local.get $fd) {rest}))'
            )
    return wat(f'(module {" ".join(imports)} (memory (export "memory") 1) {" ".join(exports)})')


@pytest.fixture(scope="module")
def wasi() -> Iterator[IFChassis]:
    """A chassis with the probe loaded."""
    with IFChassis() as chassis:
        chassis.load_swarm("probe", _probe(), contract("probe"))
        yield chassis


def _answer(chassis: IFChassis, name: str, fd: int) -> Any:
    return chassis.execute_task("probe", name, [fd]).output


@pytest.mark.parametrize("name", sorted(name for name in INERT if name.startswith("fd_")))
def test_a_wasi_function_answers_what_the_reference_says(name: str, wasi: IFChassis, generator: ModuleType) -> None:
    """Standard streams answer the error number in the table; every other descriptor is unknown."""
    says = generator.WASI[name]
    word = next((word for word in _ERRNO if says.startswith(word)), None)
    if word is not None:
        assert [_answer(wasi, name, fd) for fd in (0, 1, 2)] == [_ERRNO[word]] * 3
    assert [_answer(wasi, name, fd) for fd in (3, 9, -1)] == [_ERRNO["`EBADF`"]] * 3


def test_the_demo_prints_what_the_readme_shows() -> None:
    """A newcomer sees what was promised."""
    readme = load_page(ROOT / "README.md")
    block = next(block for block in readme.blocks if "dev.py demo" in block.text)
    (command,) = read_console(readme.name, block)
    demo = subprocess.run(
        [sys.executable, ROOT / "examples" / "01_analyze_source.py"], capture_output=True, text=True, check=True
    )
    assert command.output
    check_output(command.output, demo.stdout)
