"""What the templates show beside the records: put in order, and nothing added."""

from __future__ import annotations

import pytest

from infrafabric.board.records import Point
from infrafabric.dashboard import views, words
from infrafabric.dashboard.pages import anchor, overview_page, swarm_page
from tests.dashboard.boards import NOW, objective, overview, page, row


def test_alerts_come_worst_first_over_all_objectives() -> None:
    """A firing alert of a task stands above a quiet one of the swarm."""
    quiet = objective(numbers={"alerts": {"page_1h": {"state": "inactive", "factor": 14.4}}})
    odd = objective(task="parse", numbers={"alerts": {"page_1h": {"state": "firing"}, "new": {"state": "unheard_of"}}})
    shown = [(alert.task, alert.name, alert.state) for alert in views.alert_rows(page(objectives=(quiet, odd)))]
    assert shown == [
        ("parse", "page_1h", "firing"),
        (None, "page_1h", "inactive"),
        ("parse", "new", "unheard_of"),
    ]


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"alerts": None},
        {"alerts": []},
        {"alerts": {"page_1h": 3}},
        {"alerts": {"page_1h": {"factor": "x"}}},
        {"budget": 1},
    ],
    ids=str,
)
def test_numbers_of_any_shape_are_shown(numbers: dict[str, object]) -> None:
    """A board's file holds what its writer wanted; a page is made of it all the same."""
    strange = page(objectives=(objective(numbers=numbers),))
    assert "page_1h" in swarm_page(strange, root="./", source="a file", is_live=False)


@pytest.mark.parametrize(("left", "shown"), [(0.0, "gone"), (0.25, "250\u202fms"), (None, words.NOTHING)])
def test_a_budget_that_is_used_up_is_gone(left: float | None, shown: str) -> None:
    """Not "in 0 s": it was before."""
    cell = f'data-label="Exhausted in">{shown}</td>'
    rows = overview(row(seconds_to_exhaustion=left))
    assert cell in overview_page(rows, views.Filter(), root="./", source="x", is_live=False)
    numbers = {"seconds_to_exhaustion": left}
    told = swarm_page(page(objectives=(objective(numbers=numbers),)), root="./", source="x", is_live=False)
    assert f"<dt>Exhausted in</dt><dd>{shown}</dd>" in told


def test_states_are_counted_worst_first() -> None:
    """Known ones in order, then the others."""
    rows = [row(state=state) for state in ("inactive", "zzz", "exhausted", "inactive", "aaa")]
    assert [(found.state, found.rows) for found in views.state_counts(rows)] == [
        ("exhausted", 1),
        ("inactive", 2),
        ("aaa", 1),
        ("zzz", 1),
    ]


def test_windows_are_joined_by_time() -> None:
    """Where one window has no point, there is a gap and no zero."""
    rows = views.burn_rows(objective())
    assert len(rows) == 61
    assert [found.values[1] is None for found in rows[:14]] == [True] * 10 + [False, True, False, True]


def test_an_even_burn_falls_to_nothing_over_the_period() -> None:
    """From all at the first point; and stays at nothing after it."""
    points = tuple(Point(at=NOW + at, value=None) for at in (0, 50, 100, 150))
    rows = views.budget_rows(objective(budget=points, period_seconds=100))
    assert [found.values for found in rows] == [(None, 1.0), (None, 0.5), (None, 0.0), (None, 0.0)]
    assert views.budget_rows(objective(budget=())) == []


def test_outcomes_stand_by_blame() -> None:
    """Success, then the guest's, the operator's and the caller's; none that did not happen; unknown ones last."""
    counted = {"busy": 3, "cancelled": 1, "trap": 1, "timeout": 4, "success": 10, "melted": 1, "internal": 0}
    rows = views.outcome_rows(page(outcomes=counted))
    assert [(found.outcome, found.blame) for found in rows] == [
        ("success", "nobody"),
        ("timeout", "guest"),
        ("trap", "guest"),
        ("busy", "operator"),
        ("cancelled", "caller"),
        ("melted", "unknown"),
    ]
    assert rows[0].ratio == 0.5


def test_what_holds_tasks_back_is_shown_with_the_state() -> None:
    """A quarantined swarm says so; one that lets everything through says nothing."""
    shown = overview_page(
        overview(row(enforcement="quarantined"), row(swarm_id="b")),
        views.Filter(),
        root="./",
        source="x",
        is_live=False,
    )
    assert shown.count("</svg>quarantined</span>") == 1
    assert "</svg>closed</span>" not in shown


def test_anchors_hold_any_text() -> None:
    """No two texts have the same, and none breaks an address."""
    assert anchor("a", "", "b c") == "a:b%20c"
    assert anchor("a:b") != anchor("a", "b")
