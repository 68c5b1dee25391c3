"""What a running task is governed by, as others provide it: its swarm's CPU share, and the main thread's signals."""

from __future__ import annotations

from typing import Protocol


class Governor(Protocol):
    """The CPU share of a swarm, as the chassis provides it: all in nanoseconds."""

    def charge(self, cpu_ns: int, now_ns: int) -> int:
        """Take ``cpu_ns`` of CPU time from the share; how long an overspending guest must rest now."""

    def until_empty_ns(self, now_ns: int) -> int:
        """How long one spinning guest may run before it can overspend."""


class Shield(Protocol):
    """Signal handlers held back while a guest runs on the main thread."""

    @property
    def received(self) -> bool:
        """Whether a signal waits for its handler."""

    def deliver(self) -> bool:
        """Run the waiting handlers; False when one raised."""
