"""What is remembered of a swarm's last failures and log lines: bounded, through replacements, free for successes."""

from __future__ import annotations

import logging
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from infrafabric.chassis.recent import FAILURES_KEPT, TURNED_AWAY
from infrafabric.chassis.swarm import LoadedSwarm
from infrafabric.engine import SCRIBE
from infrafabric.engine.guestlog import RECENT_CHARACTERS, RECENT_RECORDS
from infrafabric.errors import Blame, Outcome
from infrafabric.testing import contract, wat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import IFChassis

#: ``run(1)`` traps, ``run(0)`` answers, ``spin`` does not end, ``say(n)`` logs n records of 1,000 bytes.
GUEST = wat(
    '(module (import "env" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)'
    '(func (export "run") (param i32) (result i32) (if (local.get 0) (then unreachable)) i32.const 7)'
    '(func (export "spin") (loop (br 0)))'
    '(func (export "say") (param $left i32) (loop $again'
    "  (call $log (i32.const 3) (i32.const 0) (i32.const 1000))"
    "  (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"
    '(data (i32.const 0) "\\1b[31mred"))'
)


@pytest.fixture
def swarm(chassis: IFChassis) -> LoadedSwarm:
    """The guest, loaded."""
    chassis.load_swarm("guest", GUEST, contract("guest", resource_limits={"max_log_bytes_per_second": 50_000_000}))
    return chassis.swarm_runtimes["guest"]


def test_a_failure_is_remembered_and_a_success_is_not(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """What came of a failed task can be read afterwards, newest first."""
    chassis.execute_task("guest", "run", [0])
    chassis.execute_task("guest", "run", [1], check=False)
    chassis.execute_task("guest", "spin", timeout_seconds=0.01, check=False)
    timeout, trap = swarm.recent.newest_first()
    assert (trap.task_name, trap.outcome, trap.blame, trap.trace_id) == ("run", Outcome.TRAP, Blame.GUEST, None)
    assert "unreachable" in trap.message
    assert (timeout.outcome, timeout.blame) == (Outcome.TIMEOUT, Blame.CALLER)
    assert timeout.execution_seconds > 0.005
    assert timeout.at >= trap.at > swarm.loaded_at - 1
    assert swarm.blames() == {"caller": 1, "guest": 1}


@pytest.mark.usefixtures("swarm")
def test_a_success_does_nothing_for_the_failures(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hot path of a success never comes near them."""

    def touched(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(LoadedSwarm, "failed", touched)
    assert chassis.execute_task("guest", "run", [0]).ok
    with pytest.raises(AssertionError):
        chassis.execute_task("guest", "run", [1], check=False)


def test_a_flood_of_refusals_leaves_the_trap(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """Tasks that were turned away do not push out what tasks that ran came to."""
    chassis.execute_task("guest", "run", [1], check=False)
    for _ in range(3 * FAILURES_KEPT):
        chassis.execute_task("guest", "nothing", check=False)
    remembered = swarm.recent.newest_first()
    assert len(remembered) == FAILURES_KEPT + 1
    assert remembered[-1].outcome is Outcome.TRAP
    assert swarm.blames() == {"caller": 3 * FAILURES_KEPT, "guest": 1}


def test_refusals_are_those_before_any_guest_code() -> None:
    """Every outcome that the operator's limits or the caller's mistakes cause, and no other, is apart."""
    assert {outcome.code for outcome in TURNED_AWAY} == {
        *("rate_limited", "busy", "quarantined", "host_exhausted", "invalid_params", "unknown_task"),
    }


def test_the_last_failures_are_kept(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """Fifty of them, from any thread, however many there were."""

    def fail() -> None:
        for _ in range(40):
            chassis.execute_task("guest", "run", [1], check=False)

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(swarm.recent.newest_first()) == FAILURES_KEPT
    assert swarm.blames() == {"guest": 160}


def test_they_go_on_through_a_replacement(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """Whoever replaces a failing swarm still sees why; what failed is counted for each version by itself."""
    chassis.execute_task("guest", "run", [1], check=False)
    chassis.execute_task("guest", "say", [1])
    SCRIBE.flush()
    chassis.replace_swarm("guest", GUEST, contract("guest", version="2.0"))
    replaced = chassis.swarm_runtimes["guest"]
    assert replaced is not swarm
    chassis.execute_task("guest", "spin", timeout_seconds=0.01, check=False)
    assert [failure.outcome for failure in replaced.recent.newest_first()] == [Outcome.TIMEOUT, Outcome.TRAP]
    assert [text[:9] for _, text, _ in replaced.runtime.log.last()] == ["\\x1b[31mr"[:9]]
    assert replaced.blames() == {"caller": 1}


def test_a_swarm_that_is_loaded_again_starts_anew(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """Unloading forgets: memory is that of loaded swarms."""
    chassis.execute_task("guest", "run", [1], check=False)
    chassis.unload_swarm("guest")
    chassis.load_swarm("guest", GUEST, contract("guest"))
    assert swarm.recent.newest_first()
    assert chassis.swarm_runtimes["guest"].recent.newest_first() == []


# --- log lines -------------------------------------------------------------------------------------------


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The guest's logger passes nothing on."""
    caplog.set_level(logging.CRITICAL, logger="infrafabric.swarm.guest")


@pytest.mark.usefixtures("quiet")
def test_the_last_log_lines_are_kept_escaped_and_cut(chassis: IFChassis, swarm: LoadedSwarm) -> None:
    """Two hundred of them, each of bounded length, whether or not a logger wants their level."""
    chassis.execute_task("guest", "say", [900])
    SCRIBE.flush()
    lines = swarm.runtime.log.last()
    assert len(lines) == RECENT_RECORDS
    level, text, created = lines[-1]
    assert (level, text[:8]) == (logging.WARNING, "\\x1b[31m")
    assert len(text) < 5 * RECENT_CHARACTERS
    assert "characters)" in text
    assert created > swarm.loaded_at - 1


@pytest.fixture
def stuck(caplog: pytest.LogCaptureFixture) -> Iterator[threading.Event]:
    """A logging handler that waits until it is let go."""
    entered, let_go = threading.Event(), threading.Event()

    class Stuck(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            entered.set()
            let_go.wait(10)

    logger, handler = logging.getLogger("infrafabric.swarm.guest"), Stuck()
    logger.addHandler(handler)
    caplog.set_level(logging.DEBUG, logger="infrafabric.swarm.guest")
    yield entered
    let_go.set()
    SCRIBE.flush(5)
    logger.removeHandler(handler)


def test_lines_that_wait_for_a_slow_handler_are_shown(
    chassis: IFChassis, swarm: LoadedSwarm, stuck: threading.Event
) -> None:
    """An operator whose logging hangs still sees what the guest says."""
    chassis.execute_task("guest", "say", [50])
    assert stuck.wait(5)
    assert len(swarm.runtime.log.last()) == 50


@pytest.mark.usefixtures("swarm", "quiet")
def test_a_flood_costs_bounded_memory(chassis: IFChassis) -> None:
    """Thousands of failures and log lines leave no more behind than the first few hundred did."""

    def flood(times: int) -> int:
        for _ in range(times):
            chassis.execute_task("guest", "run", [1], check=False)
            chassis.execute_task("guest", "say", [2])
        SCRIBE.flush(5)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = flood(120)
        assert flood(400) - first < 100_000
    finally:
        tracemalloc.stop()


def test_the_log_budget_in_use_is_shown(chassis: IFChassis) -> None:
    """What was written in the last second counts against the limit, and is forgiven as time passes."""
    chassis.load_swarm("slow", GUEST, contract("slow", resource_limits={"max_log_bytes_per_second": 4_000}))
    log = chassis.swarm_runtimes["slow"].runtime.log
    chassis.execute_task("slow", "say", [10])
    now_ns = log._at_ns
    assert 3_000 < log.used_bytes(now_ns) <= 4_000
    assert log.used_bytes(now_ns + 10**9) == 0
    assert log.dropped >= 6
