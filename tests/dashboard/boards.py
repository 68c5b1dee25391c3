"""Boards made by hand: one of everything, and one that means harm."""

from __future__ import annotations

from typing import Any

import attrs

from infrafabric.board.records import (
    ACTIVITY_POINTS,
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

#: 2025-11-20 08:00:00 UTC.
NOW = 1_763_625_600.0

#: Text that does harm wherever it is taken for anything but text.
HOSTILE = (
    "<script>window.harmed=1</script><img src=x onerror=window.harmed=1>\"'> onmouseover=window.harmed=1 "
    "{{ 7*7 }} </textarea></script><!-- &lt;b&gt; javascript:window.harmed=1"
)
#: What may be in a swarm's id, of the same kind.
HOSTILE_ID = "<img src=x onerror=window.harmed=1>\"' & ?q=1#x %2e; שלום"


def row(**fields: Any) -> OverviewRow:
    """One row of an overview, quiet unless told otherwise."""
    usual: dict[str, Any] = {
        "swarm_id": "analyzer",
        "task": None,
        "version": "1.2.0",
        "objective": "availability",
        "state": "inactive",
        "enforcement": "closed",
        "objective_ratio": 0.999,
        "target": None,
        "sli": 0.9995,
        "budget_remaining_ratio": 0.5,
        "burn_rate": 0.5,
        "seconds_to_exhaustion": 2_592_000.0,
        "tasks_per_second": 12.0,
        "p50_seconds": 0.004,
        "p95_seconds": 0.02,
        "p99_seconds": 0.05,
        "running": 1,
        "queued": 0,
        "activity": tuple(float(minute % 7) for minute in range(ACTIVITY_POINTS)),
        "sentence": "availability is quiet: nothing burns too fast.",
    }
    return OverviewRow(**usual | fields)


def overview(*rows: OverviewRow, taken_at: float = NOW) -> Overview:
    """An overview of these rows, in this order."""
    return Overview(
        format=FORMAT,
        taken_at=taken_at,
        started_at=NOW - 7200,
        program="service.py",
        swarms=len({found.swarm_id for found in rows}),
        tasks_per_second=sum(found.tasks_per_second for found in rows),
        rows=rows,
    )


def objective(**fields: Any) -> ObjectivePage:
    """An objective that burns: half of its budget is gone, and its fastest alert fires."""
    alert = {
        "name": "page_1h",
        "severity": "page",
        "state": "firing",
        "since": NOW - 600,
        "factor": 14.4,
        "long": "1h",
        "short": "5m",
        "long_burn_rate": 20.25,
        "short_burn_rate": 31.5,
    }
    usual: dict[str, Any] = {
        "name": "availability",
        "task": None,
        "state": "firing",
        "period_seconds": 2_592_000,
        "numbers": {
            "objective_ratio": 0.999,
            "target": None,
            "sli": 0.9995,
            "good_events": 9995,
            "bad_events": 5,
            "seconds_to_exhaustion": 64_000.0,
            "budget": {"remaining_ratio": 0.5},
            "alerts": {"page_1h": alert},
        },
        "sentences": {"state": "availability burns too fast.", "budget": "50 % of the error budget is left."},
        "alerts": {"page_1h": "The last 1h burnt 20.25 times as fast as it may."},
        "budget": tuple(Point(at=NOW - 3600 + 60 * step, value=1 - step / 120) for step in range(61)),
        "burn": (
            BurnSeries(
                window="1h",
                severity="page",
                threshold=14.4,
                points=tuple(Point(at=NOW - 3600 + 60 * step, value=step / 3) for step in range(61)),
            ),
            BurnSeries(
                window="6h",
                severity="page",
                threshold=6.0,
                points=tuple(Point(at=NOW - 3600 + 120 * step, value=None if step < 5 else 2.5) for step in range(31)),
            ),
        ),
    }
    return ObjectivePage(**usual | fields)


def page(**fields: Any) -> SwarmPage:
    """The page of a swarm that has one of everything."""
    usual: dict[str, Any] = {
        "format": FORMAT,
        "taken_at": NOW,
        "swarm_id": "analyzer",
        "version": "1.2.0",
        "description": "Finds smells in source code.",
        "digest": "sha256:" + "ab" * 32,
        "module_sha256": "cd" * 32,
        "loaded_at": NOW - 7200,
        "uptime_seconds": 7200.0,
        "capabilities": ("code-analysis:python",),
        "state": "firing",
        "enforcement": "throttled",
        "enforcement_reason": "The availability budget burns too fast.",
        "running": 2,
        "queued": 3,
        "tasks_per_second": 12.0,
        "outcomes": {"success": 9995, "trap": 4, "timeout": 1, "busy": 7},
        "blames": {"guest": 5, "operator": 7},
        "latency_target_seconds": 0.1,
        "p50_seconds": 0.004,
        "p95_seconds": 0.02,
        "p99_seconds": 0.05,
        "latency": tuple(LatencyBin(up_to_seconds=0.001 * 2**step, tasks=1 << (10 - step)) for step in range(10)),
        "activity": tuple(Point(at=NOW - 3600 + 60 * step, value=float(step % 9)) for step in range(60)),
        "objectives": (objective(),),
        "limits": (
            LimitUse(
                name="max_memory_mb",
                unit="By",
                used=48.0 * 2**20,
                limit=64.0 * 2**20,
                ratio=0.75,
                measured="peak of one task",
                hits=2,
            ),
            LimitUse(
                name="max_fuel", unit="instructions", used=None, limit=None, ratio=None, measured="not measured", hits=0
            ),
        ),
        "tasks": (TaskLine(name="analyze", signature="(text: i32) -> i32", calling_conventions=("json",)),),
        "failures": (
            FailureLine(
                at=NOW - 30,
                task="analyze",
                outcome="trap",
                blame="guest",
                message="unreachable executed",
                execution_seconds=0.012,
                trace_id="0af7651916cd43dd8448eb211c80319c",
            ),
        ),
        "logs": (LogLine(at=NOW - 20, level="warning", text="slow parse"),),
        "contract": {"swarm_id": "analyzer"},
        "contract_text": "swarm_id: analyzer\n",
    }
    return SwarmPage(**usual | fields)


def board(*pages: SwarmPage, rows: tuple[OverviewRow, ...] | None = None) -> Board:
    """A board of these pages, with a row for each unless others are given."""
    shown = rows if rows is not None else tuple(row(swarm_id=found.swarm_id, state=found.state) for found in pages)
    return Board(
        format=FORMAT, taken_at=NOW, overview=overview(*shown), pages={found.swarm_id: found for found in pages}
    )


def hostile() -> Board:
    """A board of which every text means harm, with control and bidirectional characters among it."""
    text = f"{HOSTILE}\x1b[31m\x00\u202e"
    bad = page(
        swarm_id=HOSTILE_ID,
        version=text,
        description=text,
        digest=text,
        module_sha256=text,
        capabilities=(text,),
        state="firing",
        enforcement=text,
        enforcement_reason=text,
        outcomes={"success": 1, text: 2},
        objectives=(
            objective(
                name=text,
                task=text,
                state=text,
                numbers={"alerts": {text: {"state": text, "severity": text, "long": text, "factor": text}, "x": 3}},
                sentences={text: text},
                alerts={text: text},
                burn=(attrs.evolve(objective().burn[0], window=text, severity=text),),
            ),
        ),
        limits=(LimitUse(name=text, unit=text, used=1.0, limit=2.0, ratio=0.5, measured=text, hits=1),),
        tasks=(TaskLine(name=text, signature=text, calling_conventions=(text,)),),
        failures=(
            FailureLine(
                at=1e300, task=text, outcome=text, blame=text, message=text, execution_seconds=0.1, trace_id=text
            ),
        ),
        logs=(LogLine(at=-1e300, level=text, text=text),),
        contract={text: text},
        contract_text=f"description: {text}\nline: two\n",
    )
    bad_row = row(
        swarm_id=HOSTILE_ID, task=text, version=text, objective=text, state=text, enforcement=text, sentence=text
    )
    return attrs.evolve(board(bad, page()), overview=attrs.evolve(overview(bad_row, row()), program=text))


class KeptSource:
    """A board that a test can change and take away, as a `BoardSource`."""

    name = "a test"

    def __init__(self, kept: Board) -> None:
        self.kept = kept
        self.is_live = True
        self.error: Exception | None = None

    def overview(self) -> Overview:
        """The overview."""
        return self.board().overview

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """One page."""
        return self.board().pages.get(swarm_id)

    def board(self) -> Board:
        """Everything, or the error that was put here."""
        if self.error is not None:
            raise self.error
        return self.kept
