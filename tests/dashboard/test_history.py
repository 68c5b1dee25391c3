"""A board made of what was counted, where there is no chassis to ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.board.plain import from_dict, to_dict
from infrafabric.board.records import Board
from infrafabric.dashboard.history import Told, board_of_histories
from infrafabric.dashboard.report import render_report
from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, SloEngine

if TYPE_CHECKING:
    from infrafabric.telemetry import SloSnapshot


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
    assert page.blames == {"nobody": 90, "guest": 10}
    assert [objective.task for objective in page.objectives] == [None] * 3 + ["t"] * 3
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
