"""What a running task is governed by, as others provide it: its swarm's CPU share, and the main thread's signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from infrafabric.engine.guestlog import SwarmLog


class Governor(Protocol):
    """The CPU share of a swarm, as the chassis provides it: all in nanoseconds."""

    def begin(self, now_ns: int) -> int:
        """How long a new task may run before it can overspend; below zero: how long it must wait first."""

    def charge(self, cpu_ns: int, now_ns: int) -> int:
        """Take ``cpu_ns`` of CPU time from the share; how long an overspending guest must rest now."""

    def until_empty_ns(self, now_ns: int) -> int:
        """How long one spinning guest may run before it can overspend."""

    def settle(self, cpu_ns: int, now_ns: int) -> None:
        """Take ``cpu_ns`` that an ended guest used: nobody rests for it any more."""


@attrs.frozen(kw_only=True, eq=False)
class Terms:
    """What every task of a swarm runs under: its log, its CPU share (None: all it wants), its bounds."""

    log: SwarmLog
    governor: Governor | None = None
    payload_bytes: int = 8 << 20
    deterministic: bool = False


class Shield(Protocol):
    """Signal handlers held back while a guest runs on the main thread."""

    @property
    def received(self) -> bool:
        """Whether a signal waits for its handler."""

    def deliver(self) -> bool:
        """Run the waiting handlers; False when one raised."""
