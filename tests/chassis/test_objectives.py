"""Objectives in a chassis: histories that survive, changes that are told, tasks of their own, and enforcement."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis import IFChassis, keeper
from infrafabric.chassis.history import HistoryFolder
from infrafabric.chassis.keeper import Keeper
from infrafabric.chassis.policy import EnforcementChange
from infrafabric.chassis.witness import Witness
from infrafabric.errors import Outcome, RateLimitExceeded, SwarmNotLoadedError, SwarmQuarantined
from infrafabric.telemetry import AlertState, ObjectiveTargets, SloEngine, StateChange
from infrafabric.testing import ADDER, FakeClock, contract, wat
from tests.engine.driving import python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infrafabric.telemetry import SloSnapshot

#: ``run(1)`` traps, ``run(0)`` answers; ``other`` always answers.
SWITCH = wat(
    '(module (func (export "run") (param i32) (result i32) (if (local.get 0) (then unreachable)) i32.const 7)'
    '(func (export "other") (result i32) i32.const 8))'
)


def availability(snapshot: SloSnapshot | None) -> tuple[int, int]:
    """Good and bad events of a snapshot's availability."""
    assert snapshot is not None
    found = snapshot.objective("availability")
    return found.good_events, found.bad_events


def witnessed(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """The witness's records of one event."""
    records = [json.loads(r.getMessage()) for r in caplog.records if r.name == "infrafabric.witness"]
    return [record for record in records if record["event"] == event]


# --- histories on disk -----------------------------------------------------------------------------------


def test_a_history_goes_on_in_the_next_chassis(cache_dir: Path, tmp_path: Path) -> None:
    """What one chassis counted, the next one with that state_dir shows; the time between is a hole."""
    snapshot = None
    for expected in ((2, 1), (4, 2)):
        with IFChassis(cache_dir=cache_dir, state_dir=tmp_path / "state") as chassis:
            chassis.load_swarm("s", SWITCH, contract("s"))
            for value in (0, 1, 0):
                chassis.execute_task("s", "run", [value], check=False)
            snapshot = chassis.slo("s")
            assert availability(snapshot) == expected
        time.sleep(0.05)
    assert snapshot is not None
    assert snapshot.coverage.holes == 1
    assert snapshot.coverage.hole_seconds >= 0.05


def test_unloading_saves_at_once(cache_dir: Path, tmp_path: Path) -> None:
    """The file is there when unload_swarm returns, and reloading in the same chassis goes on from memory."""
    with IFChassis(cache_dir=cache_dir, state_dir=tmp_path) as chassis:
        chassis.load_swarm("s", ADDER, contract("s"))
        chassis.execute_task("s", "add", [1, 2])
        assert not list(tmp_path.glob("*.slo"))
        chassis.unload_swarm("s")
        assert len(list(tmp_path.glob("*.slo"))) == 1
        chassis.load_swarm("s", ADDER, contract("s"))
        assert availability(chassis.slo("s")) == (1, 0)


def test_a_file_that_cannot_be_used_is_set_aside_and_told(
    cache_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The swarm loads with an empty history, and the broken file is kept beside the new one."""
    folder = HistoryFolder(tmp_path)
    folder.file_of("s").write_bytes(b"broken")
    folder.close()
    with caplog.at_level(logging.INFO, "infrafabric"), IFChassis(cache_dir=cache_dir, state_dir=tmp_path) as chassis:
        chassis.load_swarm("s", ADDER, contract("s"))
        chassis.execute_task("s", "add", [1, 2])
    (told,) = witnessed(caplog, "slo_history_set_aside")
    assert told["swarm_id"] == "s"
    with open(told["kept_as"], "rb") as kept:  # noqa: PTH123 - the path is text in the record
        assert kept.read() == b"broken"
    with IFChassis(cache_dir=cache_dir, state_dir=tmp_path) as chassis:
        chassis.load_swarm("s", ADDER, contract("s"))
        assert availability(chassis.slo("s")) == (1, 0)


@pytest.mark.parametrize("subject", ["..", "../../etc/passwd", "a\\..\\b", "\u202e\U0001f600", "A", "x" * 255, "s/t"])
def test_no_subject_leads_out_of_the_folder(subject: str, tmp_path: Path) -> None:
    """Each file lies right in the folder, under a plain name that a file system takes."""
    folder = HistoryFolder(tmp_path)
    path = folder.file_of(subject)
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()
    assert path.name.isascii()
    folder.close()


def test_subjects_that_read_alike_have_files_of_their_own(tmp_path: Path) -> None:
    """Even on a file system that does not tell A from a."""
    folder = HistoryFolder(tmp_path)
    subjects = ["a b", "a_b", "A_b", "a/b", "a:b"]
    assert len({folder.file_of(subject).name.lower() for subject in subjects}) == len(subjects)
    folder.close()


def test_a_folder_belongs_to_one_chassis_at_a_time(cache_dir: Path, tmp_path: Path) -> None:
    """The second one is refused until the first is closed; what cannot be a folder is refused by name."""
    with IFChassis(cache_dir=cache_dir, state_dir=tmp_path), pytest.raises(ValueError, match="another chassis"):
        IFChassis(cache_dir=cache_dir, state_dir=tmp_path)
    IFChassis(cache_dir=cache_dir, state_dir=tmp_path).close()
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"state_dir: .*file cannot be used"):
        IFChassis(cache_dir=cache_dir, state_dir=tmp_path / "file")


_KILLED = """
import sys, time
from infrafabric.chassis import IFChassis, keeper
from infrafabric.testing import ADDER, contract
keeper.WATCH_SECONDS, keeper.SAVE_SECONDS = 0.05, 0.1
chassis = IFChassis(cache_dir=sys.argv[1], state_dir=sys.argv[2])
chassis.load_swarm("s", ADDER, contract("s"))
count = 0
while True:
    chassis.execute_task("s", "add", [1, 2])
    count += 1
    print(count, flush=True)
    time.sleep(0.002)
"""


def test_killed_it_loses_no_more_than_the_last_save(cache_dir: Path, tmp_path: Path) -> None:
    """After kill -9 the history is whole, lacks only the last moments, and the rest is a hole, not good events.

    The intervals are a hundredth of the real ones, whose sum is below 10 s.
    """
    assert keeper.WATCH_SECONDS + keeper.SAVE_SECONDS <= 11
    assert 2 * keeper.WATCH_SECONDS > keeper.SAVE_SECONDS
    command = [sys.executable, "-c", _KILLED, str(cache_dir), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        counts: list[tuple[float, int]] = []
        for line in child.stdout:
            counts.append((time.monotonic(), int(line)))
            if counts[-1][0] - counts[0][0] > 1.5:
                break
        os.kill(child.pid, signal.SIGKILL)
        killed = time.monotonic()
    with IFChassis(cache_dir=cache_dir, state_dir=tmp_path) as chassis:
        chassis.load_swarm("s", ADDER, contract("s"))
        snapshot = chassis.slo("s")
        good, bad = availability(snapshot)
    sure = max((count for at, count in counts if at < killed - 1.0), default=0)
    assert 0 < sure <= good <= counts[-1][1] + 1
    assert bad == 0
    assert snapshot is not None
    assert snapshot.coverage.holes == 1


# --- the keeper, on a clock of its own -----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[HistoryFolder]:
    """A folder of histories."""
    folder = HistoryFolder(tmp_path)
    yield folder
    folder.close()


def test_a_changed_history_is_saved_at_most_ten_seconds_apart(folder: HistoryFolder) -> None:
    """Rounds come every four seconds; between two saves of a busy swarm lie eight, and an idle one is not written."""
    clock = FakeClock()
    watching = Keeper(folder, Witness(enabled=False), clock_ns=clock)
    engine = SloEngine(ObjectiveTargets(), clock, lambda: clock.now_ns / 1e9, subject="s")
    watching.watch(engine)
    path, saves = folder.file_of("s"), []
    for second in range(0, 60, int(keeper.WATCH_SECONDS)):
        before = path.stat().st_mtime_ns if path.exists() else 0
        if second < 40:
            engine.record(Outcome.SUCCESS)
        watching.step()
        if path.exists() and path.stat().st_mtime_ns != before:
            saves.append(second)
        clock.advance(seconds=keeper.WATCH_SECONDS)
    assert saves == [8, 16, 24, 32, 40]
    watching.close()


def test_a_full_disk_is_told_once_and_tried_again(
    folder: HistoryFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event however long it lasts; when there is room again the history is saved."""
    clock = FakeClock()
    watching = Keeper(folder, Witness(enabled=True), clock_ns=clock)
    engine = SloEngine(ObjectiveTargets(), clock_ns=clock, subject="s")
    engine.record(Outcome.SUCCESS)
    watching.watch(engine)
    with monkeypatch.context() as broken, caplog.at_level(logging.INFO, "infrafabric"):
        broken.setattr(SloEngine, "save", _no_space)
        for _ in range(5):
            clock.advance(seconds=8)
            watching.step()
    assert len(witnessed(caplog, "slo_history_not_saved")) == 1
    clock.advance(seconds=8)
    watching.step()
    assert folder.file_of("s").exists()
    watching.close()


def _no_space(_engine: SloEngine, _path: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_that_cannot_be_read_is_left_as_it_is(folder: HistoryFolder, caplog: pytest.LogCaptureFixture) -> None:
    """It may be whole: the swarm begins anew in memory and nothing is written over it."""
    folder.file_of("s").mkdir()  # opening it fails, whoever asks
    clock = FakeClock()
    watching = Keeper(folder, Witness(enabled=True), clock_ns=clock)
    engine = SloEngine(ObjectiveTargets(), clock_ns=clock, subject="s")
    with caplog.at_level(logging.INFO, "infrafabric"):
        watching.recall(engine)
        engine.record(Outcome.SUCCESS)
        watching.watch(engine)
        watching.close()
    assert len(witnessed(caplog, "slo_history_unreadable")) == 1
    assert not witnessed(caplog, "slo_history_not_saved")
    assert folder.file_of("s").is_dir()


def keepers() -> int:
    """How many keeper threads there are."""
    return sum(thread.name == "infrafabric-keeper" for thread in threading.enumerate())


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    """Wait until a condition holds that another thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_there_is_a_keeper_only_while_a_swarm_is_loaded(chassis: IFChassis) -> None:
    """One thread however many swarms, gone soon after the last of them."""
    before = keepers()
    for swarm_id in ("a", "b"):
        chassis.load_swarm(swarm_id, ADDER, contract(swarm_id))
    assert keepers() == before + 1
    chassis.unload_swarm("a")
    assert keepers() == before + 1
    chassis.unload_swarm("b")
    wait_for(lambda: keepers() == before)
    chassis.load_swarm("a", ADDER, contract("a"))
    assert keepers() == before + 1


def test_a_forgotten_chassis_is_noticed_and_its_keeper_ends(cache_dir: Path) -> None:
    """The thread does not keep the chassis alive."""
    before = keepers()

    def forget() -> None:
        chassis = IFChassis(cache_dir=cache_dir, on_slo_change=print)
        chassis.load_swarm("s", ADDER, contract("s"))
        assert keepers() == before + 1

    with pytest.warns(ResourceWarning, match="was not closed"):
        forget()
    wait_for(lambda: keepers() == before)


def test_a_swarm_loaded_again_while_the_old_one_drains_is_still_watched(chassis: IFChassis) -> None:
    """The old one's leaving does not take its successor's watch away."""
    slow = wat('(module (func (export "run") (loop (br 0))))')
    chassis.load_swarm("s", slow, contract("s"))
    running = chassis.submit_task("s", "run", check=False)
    wait_for(lambda: chassis.get_runtime_stats("s")["tasks_running"] == 1)  # type: ignore[index]
    unloading = threading.Thread(target=chassis.unload_swarm, args=("s",), kwargs={"timeout_seconds": 0.2})
    unloading.start()
    wait_for(lambda: "s" not in chassis.list_loaded_swarms())
    chassis.load_swarm("s", ADDER, contract("s"))
    unloading.join()
    assert running.result().status == "cancelled"
    assert list(chassis._objectives._keeper._watched) == ["s"]
    chassis.unload_swarm("s")
    assert not chassis._objectives._keeper._watched


_FORKING = """
import os, sys, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract
chassis = IFChassis(cache_dir=sys.argv[1], state_dir=sys.argv[2])
chassis.load_swarm("s", ADDER, contract("s"))
chassis.execute_task("s", "add", [1, 2])
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    os.read(read, 1)  # lives until the parent ends
    os._exit(0)
chassis.close()
with IFChassis(cache_dir=sys.argv[1], state_dir=sys.argv[2]) as chassis:
    chassis.load_swarm("s", ADDER, contract("s"))
    print(chassis.slo("s").objective("availability").good_events)
os.close(write)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_holds_no_folder_of_its_parent(cache_dir: Path, tmp_path: Path) -> None:
    """The parent can close its chassis and open the folder again while the child lives."""
    done = python(_FORKING, str(cache_dir), str(tmp_path))
    assert (done.stdout, done.returncode) == ("1\n0\n", 0), done.stderr


# --- changes that are told --------------------------------------------------------------------------------


def test_a_change_of_state_is_told_when_nobody_asks(
    cache_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper's own rounds reach the witness and the callback, though no snapshot is taken."""
    monkeypatch.setattr(keeper, "WATCH_SECONDS", 0.01)
    changes: list[StateChange | EnforcementChange] = []
    with (
        caplog.at_level(logging.INFO, "infrafabric.witness"),
        IFChassis(cache_dir=cache_dir, on_slo_change=changes.append) as chassis,
    ):
        chassis.load_swarm("s", SWITCH, contract("s"))
        for _ in range(12):
            chassis.execute_task("s", "run", [1], check=False)
        wait_for(lambda: any(change.current is AlertState.EXHAUSTED for change in changes))
    told = witnessed(caplog, "slo_state_changed")
    (spent,) = (record for record in told if record["current"] == "exhausted")
    assert (spent["swarm_id"], spent["task_name"], spent["objective"], spent["tier"]) == (
        "s",
        None,
        "availability",
        None,
    )
    firing = [record for record in told if record["current"] == "firing"]
    assert firing
    assert all(record["long_burn_rate"] > 14 for record in firing)


def test_a_callback_that_fails_changes_nothing(cache_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the snapshot comes all the same."""

    def broken(_change: object) -> None:
        raise RuntimeError("broken")

    with IFChassis(cache_dir=cache_dir, on_slo_change=broken) as chassis:
        chassis.load_swarm("s", SWITCH, contract("s"))
        for _ in range(12):
            chassis.execute_task("s", "run", [1], check=False)
        assert chassis.slo("s").state is AlertState.EXHAUSTED  # type: ignore[union-attr]
    assert any("on_slo_change failed" in record.getMessage() for record in caplog.records)


# --- a task's own objectives ---------------------------------------------------------------------------------


def test_a_task_with_slos_is_counted_for_itself_and_for_its_swarm(cache_dir: Path, tmp_path: Path) -> None:
    """Its own engine has its own targets, the rest from the swarm, and survives a restart; others have none."""
    slos = {"target_availability_percent": 90, "target_latency_ms": 60_000}
    terms = contract("s", slos={"period": "7d"}, tasks={"run": {"slos": slos}, "other": {}})
    for round_ in (1, 2):
        with IFChassis(cache_dir=cache_dir, state_dir=tmp_path) as chassis:
            chassis.load_swarm("s", SWITCH, terms)
            for value in (0, 1):
                chassis.execute_task("s", "run", [value], check=False)
            chassis.execute_task("s", "other")
            assert availability(chassis.slo("s")) == (2 * round_, round_)
            own = chassis.slo("s", "run")
            assert availability(own) == (round_, round_)
            assert own is not None
            assert own.objective("availability").objective_ratio == 0.9
            assert own.objective("latency").target == 60
            assert own.period_seconds == 7 * 86_400
            assert chassis.slo("s", "other") is None
            assert chassis.slo("nobody", "run") is None


def test_a_replacement_may_take_a_tasks_objectives_away_and_give_them_back(chassis: IFChassis) -> None:
    """The history of the task goes on where it stopped."""
    with_slos = contract("s", tasks={"run": {"slos": {"target_latency_ms": 50}}})
    chassis.load_swarm("s", SWITCH, with_slos)
    chassis.execute_task("s", "run", [0])
    chassis.replace_swarm("s", SWITCH, contract("s"))
    chassis.execute_task("s", "run", [0])
    assert chassis.slo("s", "run") is None
    chassis.replace_swarm("s", SWITCH, with_slos)
    chassis.execute_task("s", "run", [0])
    assert availability(chassis.slo("s", "run")) == (2, 0)
    assert availability(chassis.slo("s")) == (3, 0)


# --- enforcement -------------------------------------------------------------------------------------------------


def test_failures_in_a_row_quarantine_and_a_probe_brings_it_back(
    cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused by name and number, without rate; every transition is told; a success opens it."""
    changes: list[StateChange | EnforcementChange] = []
    policy = {"on_consecutive_failures": 2, "retry_after_seconds": 0.1}
    with (
        caplog.at_level(logging.INFO, "infrafabric.witness"),
        IFChassis(cache_dir=cache_dir, on_slo_change=changes.append) as chassis,
    ):
        limits = {"max_api_calls_per_second": 4}
        chassis.load_swarm("s", SWITCH, contract("s", enforcement=policy, resource_limits=limits))
        for _ in range(2):
            chassis.execute_task("s", "run", [1], check=False)
        for _ in range(10):
            refused = chassis.execute_task("s", "run", [0], check=False)
            assert (refused.status, refused.blame.value) == ("quarantined", "operator")
        with pytest.raises(SwarmQuarantined, match=r"is quarantined by its contract .*2 failures in a row") as caught:
            chassis.execute_task("s", "run", [0])
        assert 0 < caught.value.retry_after_seconds <= 0.1
        assert chassis.submit_task("s", "run", [0], check=False).result().status == "quarantined"
        assert chassis.slo("s").enforcement == "quarantined"  # type: ignore[union-attr]
        stats = chassis.get_runtime_stats("s")
        assert stats is not None
        assert stats["enforcement"]["state"] == "quarantined"
        assert stats["tasks_by_outcome"] == {"quarantined": 12, "trap": 2}
        wait_for(lambda: chassis.execute_task("s", "run", [0], check=False).ok, seconds=3)
        assert chassis.execute_task("s", "run", [0]).output == 7
        assert chassis.slo("s").enforcement == "closed"  # type: ignore[union-attr]
    told = [(record["previous"], record["current"]) for record in witnessed(caplog, "enforcement_changed")]
    assert told == [("closed", "quarantined"), ("quarantined", "half_open"), ("half_open", "closed")]
    assert [change.current for change in changes if isinstance(change, EnforcementChange)] == [b for _, b in told]


def test_a_spent_budget_quarantines_at_the_failure_that_spends_it(chassis: IFChassis) -> None:
    """With nobody looking: the tenth event brings the objective to judgement, and the eleventh task is refused."""
    chassis.load_swarm("s", SWITCH, contract("s", enforcement={"on_exhausted": "quarantine"}))
    statuses = [chassis.execute_task("s", "run", [1], check=False).status for _ in range(12)]
    assert statuses == ["trap"] * 10 + ["quarantined"] * 2


def test_a_spent_budget_throttles_and_waiting_tasks_get_their_turn(chassis: IFChassis) -> None:
    """One task an interval: others are refused as over the rate, or wait for their turn when they asked to."""
    policy = {"on_exhausted": "throttle", "retry_after_seconds": 0.2}
    chassis.load_swarm("s", SWITCH, contract("s", enforcement=policy))
    for _ in range(10):
        chassis.execute_task("s", "run", [1], check=False)
    assert chassis.execute_task("s", "run", [0]).ok
    with pytest.raises(RateLimitExceeded, match="throttled by its contract") as caught:
        chassis.execute_task("s", "run", [0])
    assert 0 < caught.value.retry_after_seconds <= 0.2
    began = time.monotonic()
    assert chassis.execute_task("s", "run", [0], wait=True).ok
    assert chassis.submit_task("s", "run", [0], wait=True).result().ok
    assert 0.2 < time.monotonic() - began < 5


def test_a_probe_that_is_refused_by_the_rate_leaves_its_place(chassis: IFChassis) -> None:
    """The next task is the probe, as soon as the rate admits it."""
    policy = {"on_consecutive_failures": 1, "retry_after_seconds": 0.1}
    limits = {"max_api_calls_per_second": 1}
    chassis.load_swarm("s", SWITCH, contract("s", enforcement=policy, resource_limits=limits))
    chassis.execute_task("s", "run", [1], check=False)
    time.sleep(0.15)
    assert chassis.execute_task("s", "run", [0], check=False).status == "rate_limited"
    assert chassis.execute_task("s", "run", [0], wait=True).ok


def test_a_probe_that_a_signal_ends_leaves_its_place(chassis: IFChassis) -> None:
    """Ctrl-C during the one task that a quarantined swarm is tried with does not shut it for ever."""
    spin = wat(
        '(module (func (export "run") (param i32) (if (i32.eq (local.get 0) (i32.const 1)) (then unreachable)) '
        "(loop (br_if 0 (local.get 0)))))"
    )
    chassis.load_swarm("s", spin, contract("s", enforcement={"on_consecutive_failures": 1, "retry_after_seconds": 0.1}))
    chassis.execute_task("s", "run", [1], check=False)
    time.sleep(0.15)

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            chassis.execute_task("s", "run", [2])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert chassis.execute_task("s", "run", [0]).ok


def test_the_callers_faults_never_quarantine(chassis: IFChassis) -> None:
    """Wrong parameters and unknown tasks say nothing about the guest."""
    chassis.load_swarm("s", SWITCH, contract("s", enforcement={"on_consecutive_failures": 1}))
    for name, params in (("run", ["x"]), ("nothing", None), ("run", "text")):
        chassis.execute_task("s", name, params, check=False)
    assert chassis.execute_task("s", "run", [0]).ok


def test_tasks_that_were_queued_do_not_run_in_a_quarantined_swarm(chassis: IFChassis) -> None:
    """They end as quarantined when their turn comes."""
    slow = wat(
        '(module (func (export "run") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) '
        "unreachable))"
    )
    chassis.load_swarm("s", slow, contract("s", enforcement={"on_consecutive_failures": 1}))
    first = chassis.submit_task("s", "run", [100_000_000], check=False)
    wait_for(lambda: chassis.get_runtime_stats("s")["tasks_running"] == 1)  # type: ignore[index]
    queued = chassis.submit_task("s", "run", [1], check=False)
    assert not first.done()
    assert first.result().status == "trap"
    assert queued.result().status == "quarantined"


def test_a_replaced_swarm_starts_open(chassis: IFChassis) -> None:
    """A new module is somebody's answer to the failures."""
    terms = contract("s", enforcement={"on_consecutive_failures": 1})
    chassis.load_swarm("s", SWITCH, terms)
    chassis.execute_task("s", "run", [1], check=False)
    chassis.replace_swarm("s", SWITCH, terms)
    assert chassis.execute_task("s", "run", [0]).ok


def test_an_observing_contract_has_no_policy_at_all(chassis: IFChassis) -> None:
    """Nothing is asked on the way in; the stats say so."""
    chassis.load_swarm("s", SWITCH, contract("s"))
    assert chassis.swarm_runtimes["s"].policy is None
    assert chassis.get_runtime_stats("s")["enforcement"] is None  # type: ignore[index]


def test_an_exclusion_keeps_failures_from_burning(cache_dir: Path) -> None:
    """Raw and adjusted counts stand side by side, with who said so and why."""
    text = '(module (func (export "fail") unreachable) (func (export "work")))'
    with IFChassis(cache_dir=cache_dir) as chassis:
        chassis.load_swarm("s", wat(text), contract("s"))
        number = chassis.exclude_from_slo("s", reason="moving house", author="op@example.org")
        chassis.execute_task("s", "fail", check=False)
        chassis.end_slo_exclusion("s", number)
        chassis.execute_task("s", "work")
        snapshot = chassis.slo("s")
        assert snapshot is not None
        availability = snapshot.objective("availability")
        assert (availability.bad_events, availability.raw.bad_events) == (0, 1)
        with pytest.raises(LookupError):
            chassis.end_slo_exclusion("s", 99)
        with pytest.raises(SwarmNotLoadedError):
            chassis.exclude_from_slo("nobody", reason="x", author="y")


def test_histories_of_unloaded_swarms_are_bounded(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those left last are kept, the others forgotten, and a reload goes on with what is kept."""
    monkeypatch.setattr("infrafabric.chassis.objectives.MAX_LEFT", 3)
    with IFChassis(cache_dir=cache_dir) as chassis:
        for number in range(6):
            chassis.load_swarm(f"s{number}", ADDER, contract(f"s{number}"))
            chassis.execute_task(f"s{number}", "add", [1, 2])
            chassis.unload_swarm(f"s{number}")
        counts = []
        for number in range(6):
            chassis.load_swarm(f"s{number}", ADDER, contract(f"s{number}"))
            chassis.replace_swarm(f"s{number}", ADDER, contract(f"s{number}"))
            snapshot = chassis.slo(f"s{number}")
            assert snapshot is not None
            counts.append(snapshot.objective("availability").good_events)
        assert counts == [0, 0, 0, 1, 1, 1]
