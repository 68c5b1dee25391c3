"""Boards made by hand, for tests that need one number to be just so: the dashboard's, with other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.board.records import (
    FORMAT,
    Board,
    BurnSeries,
    FailureLine,
    LatencyBin,
    LimitUse,
    LogLine,
    ObjectivePage,
    Overview,
    OverviewRow,
    Point,
    SwarmPage,
    TaskLine,
)
from infrafabric.errors import InfraFabricError
from tests.dashboard import boards

if TYPE_CHECKING:
    from collections.abc import Sequence

#: 2026-11-20 12:00:00 UTC.
NOON = 1_795_176_000.0


def row(swarm_id: str = "analyzer", **fields: Any) -> OverviewRow:
    """A healthy objective; any field of it can be another."""
    usual: dict[str, Any] = {
        "burn_rate": 0.4,
        "seconds_to_exhaustion": 7_500.0,
        "tasks_per_second": 12.3,
        "p50_seconds": 0.002,
        "p95_seconds": 0.012,
        "p99_seconds": 0.034,
        "sentence": "It has kept 99.95 % of the 99.9 % that were promised.",
    }
    return boards.row(swarm_id=swarm_id, **(usual | fields))


def overview(*rows: OverviewRow, **fields: Any) -> Overview:
    """An overview of these rows."""
    return attrs.evolve(boards.overview(*rows), **({"taken_at": NOON, "started_at": NOON - 125} | fields))


def objective(name: str = "availability", **fields: Any) -> ObjectivePage:
    """An objective that fires."""
    points = tuple(Point(at=NOON - 3600 + 60 * step, value=1 - 0.02 * step) for step in range(60))
    burning = tuple(Point(at=point.at, value=step / 3) for step, point in enumerate(points))
    usual: dict[str, Any] = {
        "period_seconds": 3600,
        "numbers": {
            "alerts": {
                "page_6h": {
                    "state": "firing",
                    "factor": 6.0,
                    "long_seconds": 30.0,
                    "short_seconds": 2.5,
                    "long_burn_rate": 19.0,
                    "short_burn_rate": 20.0,
                }
            }
        },
        "sentences": {"state": "availability burns too fast.", "sli": "98 of 100 tasks succeeded."},
        "alerts": {"page_6h": "It burns 19 times faster than allowed over 30 s."},
        "budget": points,
        "burn": (BurnSeries(window="30s", severity="page", threshold=6.0, points=burning),),
    }
    return boards.objective(name=name, **(usual | fields))


def page(swarm_id: str = "analyzer", **fields: Any) -> SwarmPage:
    """A swarm that is in trouble; any field of it can be another."""
    usual: dict[str, Any] = {
        "taken_at": NOON,
        "description": "Finds problems in source files",
        "loaded_at": NOON - 125,
        "uptime_seconds": 125.0,
        "enforcement_reason": "the availability budget is gone",
        "running": 1,
        "queued": 2,
        "tasks_per_second": 12.3,
        "outcomes": {"success": 980, "trap": 15, "timeout": 5},
        "blames": {"guest": 20},
        "p50_seconds": 0.002,
        "p95_seconds": 0.012,
        "p99_seconds": 0.2,
        "latency": (
            LatencyBin(up_to_seconds=0.005, tasks=900),
            LatencyBin(up_to_seconds=0.1, tasks=70),
            LatencyBin(up_to_seconds=0.25, tasks=10),
        ),
        "activity": tuple(Point(at=NOON - 3600 + 60 * step, value=float(step)) for step in range(60)),
        "objectives": (objective(),),
        "limits": (
            boards.page().limits[0],
            LimitUse(
                name="max_execution_time_seconds", unit="s", used=5.0, limit=5.0, ratio=1.0, measured="longest", hits=5
            ),
            LimitUse(name="max_fuel", unit="instructions", used=None, limit=None, ratio=None, measured="", hits=0),
        ),
        "tasks": (TaskLine(name="analyze_code", signature="bytes -> bytes", calling_conventions=("buffer",)),),
        "failures": (
            FailureLine(
                at=NOON - 3,
                task="analyze_code",
                outcome="trap",
                blame="guest",
                message="it divided by zero",
                execution_seconds=0.004,
                trace_id="ef" * 16,
            ),
        ),
        "logs": (LogLine(at=NOON - 2, level="warning", text="a line of the guest's log"),),
        "contract": {"swarm_id": swarm_id},
        "contract_text": f"swarm_id: {swarm_id}\nslos:\n  period: 1h\n",
    }
    return boards.page(swarm_id=swarm_id, **(usual | fields))


class SourceUnreachableError(InfraFabricError):
    """What a source says that cannot answer."""


class HandMadeSource:
    """A source whose answers a test sets; ``failure`` makes it unable to answer."""

    def __init__(
        self, rows: Sequence[OverviewRow] = (), pages: Sequence[SwarmPage] = (), *, is_live: bool = True
    ) -> None:
        self.rows = tuple(rows)
        self.pages = {each.swarm_id: each for each in pages}
        self.failure: Exception | None = None
        self.asked = 0
        self._is_live = is_live

    @property
    def name(self) -> str:
        """What the view calls it."""
        return "by hand"

    @property
    def is_live(self) -> bool:
        """Whether it may say something else next time."""
        return self._is_live

    def overview(self) -> Overview:
        """Its rows."""
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return overview(*self.rows)

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """Its page of a swarm."""
        return self.pages.get(swarm_id)

    def board(self) -> Board:
        """All of it."""
        return Board(format=FORMAT, taken_at=NOON, overview=self.overview(), pages=self.pages)


def healthy_to_worst() -> tuple[OverviewRow, ...]:
    """A row in every state, the worst first, as a board has them."""
    states = (
        "exhausted",
        "firing",
        "increasing",
        "recovering",
        "inactive",
        "insufficient_data",
        "no_data",
        "unreachable",
    )
    return tuple(
        row(
            f"swarm-{number}",
            state=state,
            budget_remaining_ratio=-0.5 if state == "exhausted" else number / 10,
            tasks_per_second=float(number),
            sli=None if state == "no_data" else 0.9995,
        )
        for number, state in enumerate(states)
    )


def evolve(each: OverviewRow, **changes: Any) -> OverviewRow:
    """A row with other fields."""
    return attrs.evolve(each, **changes)
