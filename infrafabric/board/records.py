"""The records of the board: plain data that goes through JSON and comes back the same.

Two sizes: an `Overview` stays small with thousands of swarms, a `SwarmPage` holds all there is of one. One document
with everything was rejected: whoever looks at a list would pay for every chart.

Times are epoch seconds, durations seconds, ratios from 0 to 1, None where there is nothing to measure yet. Texts that
came from a guest are escaped where they entered; whoever shows a text still treats it as text, never as markup.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

#: The first field of every document; another number means that an older reader must refuse it.
FORMAT: Final = "infrafabric-board/1"

#: The activity of an overview row: tasks per second, by minute, over the last hour, oldest first.
ACTIVITY_POINTS: Final = 60

#: Views warn of an error budget of which less than this is left, and of a limit of which this much is used.
LOW_BUDGET_RATIO: Final = 0.25
HIGH_USE_RATIO: Final = 0.8


@attrs.frozen(kw_only=True)
class OverviewRow:
    """One objective of one swarm (or, with ``task``, of one of its tasks that has objectives of its own).

    ``state`` is the objective's worst alert state or ``exhausted``; ``enforcement`` what the contract's budget policy
    does now. ``target`` is seconds for latency, tasks per second for throughput. ``burn_rate`` is that of the page
    alert's long window; ``tasks_per_second`` of the last minute; the percentiles are of the last hour.
    """

    swarm_id: str
    task: str | None
    version: str
    objective: str
    state: str
    enforcement: str
    objective_ratio: float
    target: float | None
    sli: float | None
    budget_remaining_ratio: float
    burn_rate: float | None
    seconds_to_exhaustion: float | None
    tasks_per_second: float
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    running: int
    queued: int
    activity: tuple[float, ...]
    sentence: str


@attrs.frozen(kw_only=True)
class Overview:
    """Every objective of every loaded swarm, worst first (state, policy, budget left); then by swarm and objective."""

    format: str
    taken_at: float
    started_at: float
    program: str
    swarms: int
    tasks_per_second: float
    rows: tuple[OverviewRow, ...]


@attrs.frozen(kw_only=True)
class Point:
    """One point of a chart. ``value`` is None where nothing was measured: a gap, not a zero."""

    at: float
    value: float | None


@attrs.frozen(kw_only=True)
class BurnSeries:
    """How fast one window burned over time, beside the factor above which its alert fires."""

    window: str
    severity: str
    threshold: float
    points: tuple[Point, ...]


@attrs.frozen(kw_only=True)
class ObjectivePage:
    """One objective: the snapshot's numbers, in words, and over time.

    ``numbers`` is the objective's part of `SloSnapshot.to_dict`; ``sentences`` explains them by name (state, sli,
    budget, burn_rate, exhaustion); ``alerts`` maps the name of each alert to the reason for its state. ``budget`` is
    the remaining ratio over the period, 1 at its begin; `even_ratio` is what to compare it with.
    """

    name: str
    task: str | None
    state: str
    period_seconds: int
    numbers: dict[str, Any]
    sentences: dict[str, str]
    alerts: dict[str, str]
    budget: tuple[Point, ...]
    burn: tuple[BurnSeries, ...]

    def even_ratio(self, at: float) -> float:
        """What an even burn would have left at a moment: it falls from 1 at the first point to 0 in the period."""
        begin = self.budget[0].at if self.budget else at
        return max(0.0, 1 - (at - begin) / max(1, self.period_seconds))


@attrs.frozen(kw_only=True)
class LatencyBin:
    """How many of the last hour's successful tasks took at most ``up_to_seconds``, and more than the bin before."""

    up_to_seconds: float
    tasks: int


@attrs.frozen(kw_only=True)
class LimitUse:
    """One limit of the contract and what is used of it.

    ``name`` is the field of the contract, ``unit`` one of ``By s % tasks/s By/s tasks instructions``. ``used`` None:
    nothing has been measured; ``limit`` None: there is none. ``ratio`` is used over limit. ``measured`` says what
    ``used`` is ("peak of one task", "now", "last second" ...); ``hits`` counts how often the limit ended, turned away,
    slowed down or dropped something.
    """

    name: str
    unit: str
    used: float | None
    limit: float | None
    ratio: float | None
    measured: str
    hits: int


@attrs.frozen(kw_only=True)
class FailureLine:
    """A task that did not succeed, newest first. ``trace_id`` is 32 hex digits, None where nobody traces."""

    at: float
    task: str
    outcome: str
    blame: str
    message: str
    execution_seconds: float
    trace_id: str | None


@attrs.frozen(kw_only=True)
class LogLine:
    """A record that the guest wrote, newest first."""

    at: float
    level: str
    text: str


@attrs.frozen(kw_only=True)
class TaskLine:
    """An export that can be called: what it takes and returns, and the conventions it may be called by."""

    name: str
    signature: str
    calling_conventions: tuple[str, ...]


@attrs.frozen(kw_only=True)
class SwarmPage:
    """All there is to see of one swarm.

    ``outcomes`` counts ended tasks since the swarm was loaded by outcome, ``blames`` the failed ones by who has to act.
    ``activity`` is tasks per second over the last hour in buckets of the ring that keeps them. ``contract`` is its
    canonical data, ``contract_text`` the same as YAML. ``enforcement_reason`` is empty while the policy lets everything
    through.
    """

    format: str
    taken_at: float
    swarm_id: str
    version: str
    description: str
    digest: str
    module_sha256: str
    loaded_at: float
    uptime_seconds: float
    capabilities: tuple[str, ...]
    state: str
    enforcement: str
    enforcement_reason: str
    running: int
    queued: int
    tasks_per_second: float
    outcomes: dict[str, int]
    blames: dict[str, int]
    latency_target_seconds: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    latency: tuple[LatencyBin, ...]
    activity: tuple[Point, ...]
    objectives: tuple[ObjectivePage, ...]
    limits: tuple[LimitUse, ...]
    tasks: tuple[TaskLine, ...]
    failures: tuple[FailureLine, ...]
    logs: tuple[LogLine, ...]
    contract: dict[str, Any]
    contract_text: str


@attrs.frozen(kw_only=True)
class Board:
    """The whole board at one moment, as it is written to a file: the overview, and the page of each swarm by id."""

    format: str
    taken_at: float
    overview: Overview
    pages: dict[str, SwarmPage]
