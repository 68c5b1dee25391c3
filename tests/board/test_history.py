"""A board made of what was counted, where there is no chassis to ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from infrafabric.board import board_of
from infrafabric.board.history import Told, board_of_histories
from infrafabric.board.plain import from_dict, to_dict
from infrafabric.board.records import Board
from infrafabric.dashboard.report import render_report
from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, SloEngine
from infrafabric.testing import contract, wat
from tests.telemetry.slo.world import World

if TYPE_CHECKING:
    from infrafabric.board import ObjectivePage
    from infrafabric.chassis import IFChassis
    from infrafabric.telemetry import SloSnapshot

#: ``run(1)`` traps, ``run(0)`` answers.
TRAPPING = wat('(module (func (export "run") (param i32) (if (local.get 0) (then unreachable))))')


def _engine(subject: str, *, good: int, bad: int) -> SloEngine:
    engine = SloEngine(ObjectiveTargets(), time.time_ns, time.time, subject=subject)
    for number in range(good + bad):
        engine.record(Outcome.TRAP if number < bad else Outcome.SUCCESS, 1_000_000)
    return engine


def _told(engine: SloEngine) -> Told:
    return Told(engine.snapshot(), engine.course())


def _availability(snapshot: SloSnapshot) -> float | None:
    return snapshot.objective("availability").sli


def test_the_numbers_are_those_of_the_snapshots() -> None:
    """A row for each objective, the worst first; a swarm's tasks are on its page."""
    swarm, task, well = (_engine("a", good=90, bad=10), _engine("a/t", good=50, bad=0), _engine("b", good=100, bad=0))
    board = board_of_histories([_told(well), _told(task), _told(swarm)], "state")
    rows = board.overview.rows
    assert (rows[0].swarm_id, rows[0].task, rows[0].objective, rows[0].state) == (
        "a",
        None,
        "availability",
        "exhausted",
    )
    assert rows[0].sli == _availability(swarm.snapshot()) == 0.9
    assert {row.task for row in rows if row.swarm_id == "a"} == {None, "t"}
    assert board.overview.swarms == 2
    page = board.pages["a"]
    assert page.outcomes == {"success": 90, "trap": 10}
    assert page.blames == {"guest": 10}
    assert [objective.task for objective in page.objectives] == [None] * 3 + ["t"] * 3
    assert set(page.objectives[0].sentences) == {"state", "sli", "budget", "exhaustion", "burn_rate"}
    assert page.objectives[0].budget
    assert sum(found.tasks for found in page.latency) == 90
    assert from_dict(Board, to_dict(board)) == board


def test_what_is_not_known_is_not_invented() -> None:
    """Of a snapshot alone there is no course; limits, logs and the contract are said to be unknown."""
    engine = _engine("a", good=90, bad=10)
    board = board_of_histories([Told(engine.snapshot(), None)], "report.json")
    assert board.overview.rows[0].activity == ()
    page = board.pages["a"]
    assert (page.limits, page.logs, page.contract_text, page.activity) == ((), (), "", ())
    text = render_report(board)
    for said in ("the board was made of a history, which does not hold them", "Nothing measured yet.", "not known"):
        assert said in text
    for invented in ("<dt>Running</dt>", "<dt>Queued</dt>", ">0\u202f/s", "1970"):
        assert invented not in text


def test_of_nothing_there_is_an_empty_board() -> None:
    """Which can be shown."""
    board = board_of_histories([], "state")
    assert board.overview.rows == ()
    assert "No swarm is loaded yet." in render_report(board)


def test_a_history_reads_as_its_chassis_does(chassis: IFChassis) -> None:
    """Whoever looks at what was counted sees what whoever looked at the chassis saw."""
    for swarm_id, traps in (("a-well", 0), ("b-failing", 20)):
        chassis.load_swarm(swarm_id, TRAPPING, contract(swarm_id))
        for number in range(30):
            chassis.execute_task(swarm_id, "run", [int(number < traps)], check=False)
    live = board_of(chassis)
    swarms = chassis.swarm_runtimes.values()
    kept = board_of_histories([Told(swarm.slo.snapshot(), swarm.slo.course()) for swarm in swarms], "state")
    assert _counted(kept) == _counted(live)
    assert len(_counted(live)) == 4
    for swarm_id, page in live.pages.items():
        told = kept.pages[swarm_id]
        assert (told.blames, told.latency) == (page.blames, page.latency)
        assert [_said(each) for each in told.objectives[:2]] == [_said(each) for each in page.objectives[:2]]


def _counted(board: Board) -> list[dict[str, Any]]:
    """What a history knows of the rows. Throughput is left out: its slices go on between two readings."""
    return [attrs.asdict(row, filter=_is_counted) for row in board.overview.rows if row.objective != "throughput"]


def _is_counted(attribute: attrs.Attribute[Any], _value: object) -> bool:
    """Whether a history knows a field, and it does not move with the moment of reading."""
    return attribute.name not in {"version", "running", "queued", "activity", "tasks_per_second"}


def _said(objective: ObjectivePage) -> tuple[object, ...]:
    return objective.name, objective.state, objective.sentences, objective.alerts


def test_a_burn_rate_is_that_of_the_fastest_alerts_window() -> None:
    """Failures that this window no longer holds burn nothing any more: there is nothing to tell."""
    world = World()
    world.record(Outcome.TRAP, times=50)
    rates = []
    for _ in range(2):
        snapshot, outline = world.snapshot(), world.engine.outline()
        row = next(
            row
            for row in board_of_histories([Told(snapshot, None)], "state").overview.rows
            if row.objective == "availability"
        )
        assert row.burn_rate == outline.objectives[0].burn_rate
        rates.append(row.burn_rate)
        world.pass_seconds(2 * 3600)
    assert rates[0] == pytest.approx(1000)
    assert rates[1] is None


def test_the_state_of_a_page_is_that_of_the_swarms_own_objectives() -> None:
    """A task in trouble has its own rows; where nothing else is known, its state is all there is."""
    well, task = _engine("a", good=100, bad=0), _engine("a/t", good=10, bad=90)
    assert board_of_histories([_told(well), _told(task)], "state").pages["a"].state == "inactive"
    assert board_of_histories([_told(task)], "state").pages["a"].state == "exhausted"
