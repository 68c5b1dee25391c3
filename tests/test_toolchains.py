"""Tests that need a tool: run where it is, skipped where it is not, failed where it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import toolchains
from tests.toolchains import REQUIRE_TOOLS_VARIABLE, missing_tool, require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _two_programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(toolchains, "PROGRAMS", {"sh": "install sh", "absent-program": "install absent"})
    monkeypatch.delenv(REQUIRE_TOOLS_VARIABLE, raising=False)
    missing_tool.cache_clear()
    yield
    missing_tool.cache_clear()


def test_a_tool_that_works_lets_the_test_run() -> None:
    """Nothing is said about a tool that is here."""
    require_tool("sh")
    assert missing_tool("sh") is None


def test_a_missing_tool_skips_the_test_and_says_how_to_install_it() -> None:
    """The reason of the skip holds the command that ends it."""
    with pytest.raises(pytest.skip.Exception, match="absent-program is missing; install it with `install absent`"):
        require_tool("sh", "absent-program")


@pytest.mark.parametrize(("value", "outcome"), [("1", "fail"), ("0", "skip"), ("", "skip")])
def test_a_missing_tool_fails_the_test_where_tools_are_required(
    value: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI sets the variable to 1, so that nothing is skipped unseen; 0 and nothing leave it off."""
    monkeypatch.setenv(REQUIRE_TOOLS_VARIABLE, value)
    expected = pytest.fail.Exception if outcome == "fail" else pytest.skip.Exception
    with pytest.raises(expected, match="install it with `install absent`"):
        require_tool("absent-program")


def test_an_unknown_tool_is_an_error_and_not_a_skip() -> None:
    """A misspelt name would otherwise skip its test for ever."""
    with pytest.raises(LookupError, match=r"unknown tool 'rutsc'; known are absent-program, .*sh"):
        require_tool("rutsc")


def test_a_compiler_is_what_the_guests_are_built_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every guest of a compiler has to find its toolchain; the reason is that of the builder."""
    monkeypatch.setattr(toolchains, "missing_guest_tool", lambda guest: "no zig" if guest == "slug" else None)
    assert missing_tool("zig") == "no zig"
    assert missing_tool("rustc") is None


def test_the_marker_reaches_the_test(pytester: pytest.Pytester) -> None:
    """``requires_tool`` on a test, a class or a parameter is honoured before the test starts."""
    pytester.makeconftest("from tests.conftest import pytest_runtest_setup")
    pytester.makepyfile("""
        import pytest

        @pytest.mark.requires_tool("sh")
        def test_runs():
            pass

        @pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.requires_tool("absent-program")), 2])
        def test_some(case):
            pass
    """)
    pytester.makeini("[pytest]\nmarkers = requires_tool")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=2, skipped=1)
