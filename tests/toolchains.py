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
from pathlib import Path

import pytest

from guests.build import missing_tool as missing_guest_tool
from guests.manifest import load_guests

REQUIRE_TOOLS_VARIABLE = "INFRAFABRIC_REQUIRE_TOOLS"

#: The checker of accessibility, a script to be run in a page.
AXE_CORE = Path(__file__).resolve().parents[1] / ".ci" / "node_modules" / "axe-core" / "axe.min.js"

#: Programs beside the compilers, with the commands that install them.
PROGRAMS = {
    "curl": "apt-get install curl",
    "nginx": "apt-get install nginx-light",
    "caddy": "apt-get install caddy",
    "openssl": "apt-get install openssl",
    "chromium": "apt-get install chromium fonts-dejavu-core",
    "promtool": "apt-get install prometheus",
    "prometheus": "apt-get install prometheus",
    "redis-server": "apt-get install redis-server",
    "valgrind": "apt-get install valgrind",
    "wasm-opt": "apt-get install binaryen",
}

#: Files beside the programs, with the commands that bring them.
FILES = {"axe-core": (AXE_CORE, "npm install --prefix .ci")}


@cache
def missing_tool(name: str) -> str | None:
    """Why tests that need ``name`` cannot run here, with the command that changes it; None when they can.

    Raises `LookupError` for a tool that neither the guests, `PROGRAMS` nor `FILES` know: a misspelt name would
    otherwise skip its test for ever.
    """
    if name in PROGRAMS:
        return None if shutil.which(name) else f"{name} is missing; install it with `{PROGRAMS[name]}`."
    if name in FILES:
        path, command = FILES[name]
        return None if path.is_file() else f"{name} is missing; install it with `{command}`."
    guests = [guest.name for guest in load_guests().values() if guest.toolchain.tool.name == name]
    if not guests:
        known = sorted({*PROGRAMS, *FILES, *(guest.toolchain.tool.name for guest in load_guests().values())})
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
