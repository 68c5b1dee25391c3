"""A clock that moves only when a test says so."""

from __future__ import annotations


class SteppedClock:
    """Reads ``now_ns``, which `advance` moves."""

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        """Read the clock."""
        return self.now_ns

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now_ns += round(seconds * 1e9)
