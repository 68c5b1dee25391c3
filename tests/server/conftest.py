"""What the server's tests share: one server with the usual swarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("starlette", reason="needs: pip install 'infrafabric[server]'")

from infrafabric.server import ServerSettings
from tests.server.serving import BUSY, ECHO, TOKEN, Running, load, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import IFChassis


@pytest.fixture
def served(chassis: IFChassis) -> Iterator[Running]:
    """A server with the swarms ``adder``, ``echo`` and ``busy``, open to this machine."""
    load(chassis, "adder")
    load(chassis, "echo", ECHO, tasks={"echo": {"abi": "buffer"}})
    load(chassis, "busy", BUSY)
    with running(chassis, drains=False) as server:
        yield server


@pytest.fixture
def guarded(chassis: IFChassis) -> Iterator[Running]:
    """A server with the swarm ``adder`` that asks for `TOKEN`."""
    load(chassis, "adder")
    with running(chassis, ServerSettings(port=0, token=TOKEN, hosts=("swarms.example",)), drains=False) as server:
        yield server
