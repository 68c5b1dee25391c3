"""What the numbers of a swarm beside its objectives mean: coverage, percentiles, endings and exclusions."""

from __future__ import annotations

from typing import Final

from infrafabric.telemetry.slo.line import Line

SNAPSHOT: Final = {
    "taken_at": Line("epoch s", "wall clock", "", "These numbers were taken at {own.taken_at:at}."),
    "period_seconds": Line(
        "s",
        "the contract's period",
        "",
        "Budgets are counted over the last {own.period_seconds:t}, moving with the clock.",
    ),
    "state": Line("state", "worst state of all objectives", "", "{own.subject}, by its worst objective, {state}."),
}

COVERAGE: Final = {
    "ratio": Line(
        "ratio",
        "watched_seconds / period_seconds",
        "own.watched_seconds snapshot.period_seconds",
        "{own.ratio:%} of the last {snapshot.period_seconds:t} was watched; nothing is known about the rest.",
    ),
    "watched_seconds": Line(
        "s",
        "time since watching began - hole_seconds",
        "own.hole_seconds",
        "{own.watched_seconds:t} of the last {snapshot.period_seconds:t} were watched.",
    ),
    "holes": Line("holes", "count of downtimes and sleeps", "", "{own.holes:#interruption} of watching in the period."),
    "hole_seconds": Line(
        "s", "sum of downtimes and sleeps", "", "Interruptions took {own.hole_seconds:t} of the period."
    ),
}


def _percentile(percent: int) -> Line:
    """One percentile of latency."""
    return Line(
        "s",
        f"smallest latency that covers {percent} % of the successful tasks, within 6 %",
        "own.events",
        {
            "known": f"{percent} % of the {{own.events:#task}} that succeeded in the last {{own.window_seconds:t}} "
            f"took at most about {{own.p{percent}_seconds:.3g}} seconds.",
            "unknown": "No task succeeded in the last {own.window_seconds:t}, so there is no latency to tell.",
        },
        lambda own: "known" if own.events else "unknown",
    )


PERCENTILES: Final = {
    "window_seconds": Line("s", "fixed", "", "Percentiles look back {own.window_seconds:t}."),
    "events": Line("tasks", "count of successful tasks", "", "{own.events:#task} succeeded in that time."),
    **{f"p{percent}_seconds": _percentile(percent) for percent in (50, 95, 99)},
}


def ending(burns: str) -> dict[str, Line]:
    """One way for tasks to end."""
    sentence = f"{{own.events:#task}} ended as {{own.name}}: {burns}."
    return {"events": Line("tasks", "count of tasks", "", sentence)}


EXCLUSION: Final = {
    "number": Line("", "counted up", "", "Exclusion {own.number} was declared by {own.author}: {own.reason}"),
    "start": Line(
        "epoch s", "as declared", "", "From {own.start:at} on, exclusion {own.number} keeps events from burning."
    ),
    "end": Line(
        "epoch s",
        "as declared",
        "own.start",
        {
            "set": "From {own.end:at} on, events burn again after exclusion {own.number}.",
            "open": "Exclusion {own.number} lasts until somebody ends it.",
        },
        lambda own: "open" if own.end is None else "set",
    ),
    "state": Line("state", "by the clock", "own.start own.end", "Exclusion {own.number} is {own.state}."),
}
