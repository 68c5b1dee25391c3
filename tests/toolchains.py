"""Which compilers and servers this machine has, for the tests that need one.

A test says ``@pytest.mark.requires_tool("rustc")``, or calls `require_tool` where it only knows at run time. Where
the tool is missing the test is skipped with the command that installs it; under ``INFRAFABRIC_REQUIRE_TOOLS=1``,
as CI sets it, it fails instead, so that nothing is skipped unseen.

What a compiler must be able to do is stated once, in guests/guests.toml. A list of its own here was rejected: a test
would run with a toolchain that the guests' builder refuses, or the other way round.
"""

from __future__ import annotations

import os
import shutil
from functools import cache

import pytest

from guests.build import missing_tool as missing_guest_tool
from guests.manifest import load_guests

REQUIRE_TOOLS_VARIABLE = "INFRAFABRIC_REQUIRE_TOOLS"

#: Programs beside the compilers, with the commands that install them.
PROGRAMS = {
    "chromium": "apt-get install chromium fonts-dejavu-core",
    "promtool": "apt-get install prometheus",
    "prometheus": "apt-get install prometheus",
    "redis-server": "apt-get install redis-server",
    "valgrind": "apt-get install valgrind",
    "wasm-opt": "apt-get install binaryen",
}


@cache
def missing_tool(name: str) -> str | None:
    """Why tests that need ``name`` cannot run here, with the command that changes it; None when they can.

    Raises `LookupError` for a tool that neither the guests nor `PROGRAMS` know: a misspelt name would otherwise skip
    its test for ever.
    """
    if name in PROGRAMS:
        return None if shutil.which(name) else f"{name} is missing; install it with `{PROGRAMS[name]}`."
    guests = [guest.name for guest in load_guests().values() if guest.toolchain.tool.name == name]
    if not guests:
        known = sorted({*PROGRAMS, *(guest.toolchain.tool.name for guest in load_guests().values())})
        raise LookupError(f"unknown tool {name!r}; known are {', '.join(known)}")
    return next((reason for guest in guests if (reason := missing_guest_tool(guest))), None)


def require_tool(*names: str) -> None:
    """Skip the running test unless every tool is here; fail it where tools are required."""
    skip_or_fail(*(reason for name in names if (reason := missing_tool(name))))


def skip_or_fail(*reasons: str) -> None:
    """Skip the running test for ``reasons``, or fail it where tools are required; go on when there are none."""
    if not reasons:
        return
    if os.environ.get(REQUIRE_TOOLS_VARIABLE, "0") not in {"", "0"}:
        pytest.fail(f"{REQUIRE_TOOLS_VARIABLE} is set, but: {' '.join(reasons)}", pytrace=False)
    pytest.skip(" ".join(reasons))
