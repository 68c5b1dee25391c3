"""``infrafabric slo status``, ``report`` and ``explain``: what a chassis left behind, the worst first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.testing import wat
from tests.cli.program import Ended, run_program, show
from tests.cli.slo.histories import contract, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]


@pytest.mark.parametrize(
    ("good", "bad", "percent", "status", "health"),
    [
        (1000, 0, 99.9, 0, "healthy"),
        (990, 10, 98.5, 0, "healthy"),  # 1 % bad of 1.5 %: burns at 0.67, below every factor
        (990, 10, 99.5, 2, "exhausted"),  # 1 % of 0.5 %
        (9, 0, 99.9, 3, "no data"),  # one event less than any alert needs
        (10, 0, 99.9, 0, "healthy"),
        (0, 0, 99.9, 3, "no data"),
    ],
)
def test_the_exit_status_says_how_it_is(  # one row a state, both sides of its edge
    infrafabric: Run, tmp_path: Path, good: int, bad: int, percent: float, status: int, health: str
) -> None:
    """0 healthy, 2 exhausted, 3 no data."""
    save(tmp_path, "a", good=good, bad=bad)
    path = contract(tmp_path, "a", f"slos: {{target_availability_percent: {percent}}}")
    ended = infrafabric("slo", "status", "--state-dir", tmp_path, "--contract", path)
    by_name = {row["objective"]: row for row in ended.json}
    assert (ended.status, by_name["availability"]["health"]) == (status, health), ended.err


def test_an_alert_that_fires_while_there_is_budget_left_is_status_1(infrafabric: Run, tmp_path: Path) -> None:
    """A long good history, then an hour in which 1 % failed: the budget of the period stands, the hour burns."""
    from infrafabric.errors import Outcome  # noqa: PLC0415 - only here
    from infrafabric.telemetry import ObjectiveTargets  # noqa: PLC0415 - as above
    from tests.telemetry.slo.world import World  # noqa: PLC0415 - as above

    world = World(ObjectiveTargets(target_availability_percent=99.9))
    world.record(times=100_000)
    world.pass_seconds(5 * 86_400)
    world.record(Outcome.TRAP, times=40)
    world.record(times=1000)
    world.pass_seconds(30)
    report = tmp_path / "report.json"
    report.write_text(json.dumps(world.snapshot().to_dict()))
    ended = infrafabric("slo", "status", "--snapshot", report)
    assert ended.status == 1, ended
    assert ended.json[0] | {"health": "burning", "objective": "availability"} == ended.json[0]
    assert set(ended.json[0]["firing"]) == {"page_1h", "page_6h", "ticket_1d", "ticket_3d"}
    assert ended.json[0]["budget_remaining_ratio"] > 0


def test_the_worst_comes_first_whatever_the_files_are_called(infrafabric: Run, tmp_path: Path) -> None:
    """Exhausted, then what has least left; what has no data comes last and decides nothing."""
    for subject, bad in (("fine", 0), ("broken", 500), ("worn", 1)):
        save(tmp_path, subject, good=5000 - bad, bad=bad)
    save(tmp_path, "silent", good=0, bad=0)
    contracts = [f"--contract={contract(tmp_path, name)}" for name in ("fine", "broken", "worn", "silent")]
    ended = infrafabric("slo", "status", "--state-dir", tmp_path, *contracts)
    rows = [(row["subject"], row["objective"]) for row in ended.json]
    assert rows[:2] == [("broken", "availability"), ("worn", "availability")]
    order = ["exhausted", "burning", "healthy", "no data"]
    healths = [row["health"] for row in ended.json]
    assert healths == sorted(healths, key=order.index)
    assert {row["health"] for row in ended.json if row["subject"] == "silent"} == {"no data"}
    assert ended.status == 2


def test_a_running_chassis_is_read_beside_it(infrafabric: Run, tmp_path: Path) -> None:
    """Its folder is locked by it, and nothing in it changes."""
    folder = tmp_path / "state"
    module = wat('(module (func (export "ok")) (func (export "bad") unreachable))')
    terms = ServiceContract("s", resource_limits={"max_api_calls_per_second": 1000})
    with IFChassis(state_dir=folder) as chassis:
        chassis.load_swarm("s", module, terms)
        for number in range(50):
            chassis.execute_task("s", "bad" if number % 10 == 0 else "ok", check=False)
        chassis.unload_swarm("s")  # which saves
        before = sorted(path.name for path in folder.iterdir())
        ended = infrafabric("slo", "status", "--state-dir", folder, "--contract", contract(tmp_path, "s"))
        assert sorted(path.name for path in folder.iterdir()) == before
    assert ended.status == 2
    assert ended.json[0]["bad_events"] == 5


def test_a_report_is_read_again_and_says_the_same(infrafabric: Run, tmp_path: Path) -> None:
    """Through a file or a pipe: numbers, states and sentences as they were."""
    save(tmp_path, "a", good=990, bad=10)
    save(tmp_path, "a/t", good=99, bad=1)
    path = contract(tmp_path, "a", "tasks: {t: {slos: {target_availability_percent: 95}}}")
    source = ("--state-dir", tmp_path, "--contract", path)
    report = infrafabric("slo", "report", *source)
    assert report.status == 0
    assert report.json["swarms"].keys() == {"a", "a/t"}
    assert report.json["swarms"]["a/t"]["objectives"]["availability"]["objective_ratio"] == 0.95
    file = tmp_path / "report.json"
    file.write_bytes(report.stdout)
    piped = run_program("slo", "status", "--snapshot", "-", stdin=report.stdout)
    assert piped.json == infrafabric("slo", "status", "--snapshot", file).json
    again = infrafabric("slo", "report", "--snapshot", file)
    assert again.json == report.json
    only = infrafabric("slo", "report", "--snapshot", file, "--swarm", "a/t")
    assert only.json["swarms"].keys() == {"a/t"}


def test_a_number_is_explained_in_a_sentence(infrafabric: Run, tmp_path: Path) -> None:
    """For each swarm that has it, with what went into it."""
    save(tmp_path, "a", good=999, bad=1)
    path = contract(tmp_path, "a")
    source = ("--state-dir", tmp_path, "--contract", path)
    (found,) = infrafabric("slo", "explain", "availability.bad_events", *source).json
    assert (found["subject"], found["value"]) == ("a", 1)
    table = infrafabric("slo", "explain", "availability.budget.remaining_ratio", *source, "-o", "table").out
    assert "formula" in table
    assert "1 - bad_events / (ratio x total_events)" in table
    wrong = infrafabric("slo", "explain", "availability.bad_event", *source)
    assert wrong.status == 2
    assert "did you mean availability.bad_events" in wrong.err


def test_without_a_contract_it_is_said_which_swarm_cannot_be_judged(infrafabric: Run, tmp_path: Path) -> None:
    """Numbers judged by somebody else's promise would be wrong ones."""
    save(tmp_path, "a", good=10, bad=0)
    save(tmp_path, "b", good=10, bad=0)
    ended = infrafabric("slo", "status", "--state-dir", tmp_path, "--contract", contract(tmp_path, "a"))
    assert {row["subject"] for row in ended.json} == {"a"}
    assert "nobody says what was promised: b; give --contract" in ended.err


def test_a_history_that_says_what_was_promised_needs_no_contract(infrafabric: Run, tmp_path: Path) -> None:
    """One that is given decides all the same."""
    save(tmp_path, "a", good=990, bad=10, targets={"target_availability_percent": 98.5})
    ended = infrafabric("slo", "status", "--state-dir", tmp_path)
    assert (ended.status, ended.err) == (0, "")
    stricter = contract(tmp_path, "a", "slos: {target_availability_percent: 99.5}")
    assert infrafabric("slo", "status", "--state-dir", tmp_path, "--contract", stricter).status == 2


def test_a_broken_history_hides_no_other(infrafabric: Run, tmp_path: Path) -> None:
    """It is told, left where it is, and alone it is no data, whatever is asked."""
    path = contract(tmp_path, "a")
    broken = tmp_path / "broken.slo"
    broken.write_bytes(b"\x00")
    for command in (("status",), ("report",), ("explain", "state")):
        alone = infrafabric("slo", *command, "--state-dir", tmp_path, "--contract", path)
        assert (alone.status, alone.out) == (3, "")
        assert "broken.slo cannot be used" in alone.err
        assert "no history is left" in alone.err
    save(tmp_path, "a", good=20, bad=0)
    ended = infrafabric("slo", "status", "--state-dir", tmp_path, "--contract", path)
    assert (ended.status, {row["subject"] for row in ended.json}) == (0, {"a"})
    assert "broken.slo cannot be used" in ended.err
    assert broken.read_bytes() == b"\x00"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), 2, "either --state-dir or --snapshot"),
        (("--state-dir", "x", "--snapshot", "y"), 2, "either --state-dir or --snapshot"),
        (("--state-dir", "nowhere"), 3, "'nowhere' is no folder"),
        (("--state-dir", "."), 3, "holds no history"),
        (("--snapshot", "nowhere.json"), 3, "cannot read 'nowhere.json'"),
        (("--snapshot", "no.json"), 3, "'no.json' is no report of slo"),
        (("--snapshot", "empty.json"), 3, "'empty.json' is no report of slo: the snapshot has no subject"),
        (("--snapshot", "deep.json"), 3, "is no report of slo"),
    ],
)
@pytest.mark.parametrize("command", ["status", "report"])
def test_what_cannot_be_read_is_no_data(
    infrafabric: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    """Status 3 in one line, not a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.json").write_text("not json")
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    ended = infrafabric("slo", command, *arguments)
    assert (ended.status, ended.out) == (status, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_a_swarm_that_is_not_there_is_told_with_those_that_are(infrafabric: Run, tmp_path: Path) -> None:
    """Not an empty table."""
    save(tmp_path, "a", good=10, bad=0)
    path = contract(tmp_path, "a")
    ended = infrafabric("slo", "status", "--state-dir", tmp_path, "--contract", path, "--swarm", "b")
    assert (ended.status, ended.out) == (3, "")
    assert "no numbers of 'b'; there are of a" in ended.err


def test_a_terminal_of_80_columns_shows_whole_tables(tmp_path: Path) -> None:
    """Nothing is folded, and a hostile swarm id is harmless."""
    save(tmp_path, "a\x1b[31m", good=990, bad=10)
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"swarm_id": "other"}))
    report = run_program("slo", "report", "--state-dir", tmp_path, "--contract", contract(tmp_path, "b"))
    assert "a\\x1b[31m" in report.err
    save(tmp_path / "two", "analyzer-swarm", good=990, bad=10)
    source = ("--state-dir", tmp_path / "two", "--contract", contract(tmp_path, "analyzer-swarm"))
    shown = show("slo", "status", *source)
    assert shown.status == 2
    assert any(line.startswith("availability   exhausted  ") for line in shown.lines), shown.text
    shown = show("slo", "report", *source)
    assert ["availability", "ticket_3d", "firing"] in [line.split()[:3] for line in shown.lines], shown.text
    assert max(map(len, shown.lines)) <= 80
