"""What many short tasks leave behind: nothing that grows with their number."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from infrafabric.chassis.workers import ALARMS
from infrafabric.engine import SCRIBE
from infrafabric.testing import ADDER, contract, wat

if TYPE_CHECKING:
    import pytest

    from infrafabric.chassis import IFChassis

_TASKS = 3000
_FEW = 300

_SHOUTER = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (func (export "run") (local i32) (loop (call $log (i32.const 0) (i32.const 1))
    (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20000))))))"""


def test_a_queued_task_that_has_ended_leaves_no_alarm(chassis: IFChassis) -> None:
    """The alarm for a deadline far away goes with its task: a busy swarm must not hold a day's alarms."""
    limits = {"max_execution_time_seconds": 86_400.0, "max_queued_tasks": _TASKS}
    chassis.load_swarm("adder", ADDER, contract("adder", resource_limits=limits))
    before = len(ALARMS._heap)
    futures = [chassis.submit_task("adder", "add", [1, 2]) for _ in range(_TASKS)]
    assert all(future.result(60).output == 3 for future in futures)
    assert len(ALARMS._heap) - before < _FEW


class _Stuck(logging.Handler):
    """A handler that gets on with nothing until it is let go."""

    def __init__(self, let_go: threading.Event) -> None:
        super().__init__()
        self._let_go = let_go

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - what it says does not matter
        self._let_go.wait(0.001)


def test_a_flood_before_a_slow_handler_is_bounded(chassis: IFChassis, caplog: pytest.LogCaptureFixture) -> None:
    """However many records were written while a handler was busy, what waits for it is bounded by the swarms."""
    logger = logging.getLogger("infrafabric.swarm.shouter")
    caplog.set_level(logging.INFO, logger.name)
    granted = contract("shouter", resource_limits={"max_log_bytes_per_second": 1 << 20})
    chassis.load_swarm("shouter", wat(_SHOUTER), granted)
    let_go = threading.Event()
    handler = _Stuck(let_go)
    logger.addHandler(handler)
    try:
        result = chassis.execute_task("shouter", "run")
        assert result.usage.log_records > _FEW
        assert len(SCRIBE._waiting) < _FEW
    finally:
        let_go.set()
        SCRIBE.flush(30.0)
        logger.removeHandler(handler)
