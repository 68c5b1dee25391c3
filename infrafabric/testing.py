"""What tests of programs that use infrafabric need: a clock to turn, an observer that remembers, guests and contracts.

.. code-block:: python

    from infrafabric.testing import FakeClock, RecordingObserver, contract, wat

    chassis = IFChassis(observers=[seen := RecordingObserver()])
    chassis.load_swarm("probe", wat('(module (func (export "answer") (result i32) i32.const 42))'), contract("probe"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.chassis import ServiceContract, TaskResult

__all__ = ["ADDER", "EMPTY", "FakeClock", "RecordingObserver", "contract", "wat"]

#: The smallest module there is.
EMPTY = b"\0asm\x01\0\0\0"

#: A module that exports ``add(i32, i32) -> i32``.
ADDER = bytes.fromhex("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b")


class FakeClock:
    """A monotonic clock in nanoseconds that moves when told to.

    >>> clock = FakeClock()
    >>> clock.advance(seconds=1.5)
    >>> clock()
    1500000000
    """

    def __init__(self, start_ns: int = 0) -> None:
        self.now_ns = start_ns

    def __call__(self) -> int:
        """The time now."""
        return self.now_ns

    def advance(self, *, seconds: float = 0.0, ns: int = 0) -> None:
        """Move the clock on."""
        self.now_ns += int(seconds * 1_000_000_000) + ns


class RecordingObserver:
    """An observer that keeps every result, in the order in which tasks ended."""

    def __init__(self) -> None:
        self.results: list[TaskResult] = []

    def __call__(self, result: TaskResult) -> None:
        """Keep one result."""
        self.results.append(result)


def wat(text: str) -> bytes:
    """The binary of a module written in WebAssembly text. Raises ValueError where it does not parse."""
    from infrafabric.engine.wat import wat_to_wasm  # noqa: PLC0415 - the bytes above need no engine

    return wat_to_wasm(text)


def contract(swarm_id: str = "swarm", /, **fields: Any) -> ServiceContract:
    """A contract whose rate and CPU share do not get in a test's way; any field of `ServiceContract` overrides.

    ``resource_limits`` given as a mapping is filled up with the generous ones, not with the defaults.
    """
    from infrafabric.chassis import ServiceContract  # noqa: PLC0415 - the clock above needs no engine

    generous = {"max_api_calls_per_second": 100_000, "max_cpu_percent": 100.0, "max_execution_time_seconds": 10.0}
    limits = {**generous, **dict(fields.pop("resource_limits", {}))}
    return ServiceContract(swarm_id, fields.pop("capabilities", ()), limits, **fields)
