"""What the numbers of one objective mean: its counts, budget, burn rates and alerts."""

from __future__ import annotations

from typing import Any, Final

from infrafabric.telemetry.slo.line import Line

_COUNTED: Final = "own.good_events own.bad_events"
_BURN_FORMULA: Final = "bad_events / (good_events + bad_events) / budget ratio"
_PERIOD_SHARE: Final = "period_seconds x the window's fixed share"
_SINCE: Final = Line(
    "epoch s", "time of the last change of state", "", "{own.name} has been {own.state} since {own.since:at}."
)


def _counts(which: str) -> dict[str, Line]:
    """Good and bad events and their share; ``which`` says which of them."""
    return {
        "good_events": Line("events", "count of good events", "", f"{{own.good_events:#{{event}}}} {{good}}, {which}."),
        "bad_events": Line("events", "count of bad events", "", f"{{own.bad_events:#{{event}}}} {{bad}}, {which}."),
        "total_events": Line(
            "events", "good_events + bad_events", _COUNTED, f"{{own.total_events:#{{event}}}} counted, {which}."
        ),
        "sli": Line(
            "ratio",
            "good_events / (good_events + bad_events)",
            _COUNTED,
            {
                "known": f"{{own.sli:%}} of {{own.total_events:#{{event}}}} came out good, {which}; "
                "the objective is {objective.objective_ratio:%}.",
                "unknown": "No {event}s came in the period, so no share of them was good or bad.",
            },
            lambda own: "unknown" if own.sli is None else "known",
        ),
    }


def _chosen_exhaustion(own: Any) -> str:
    seconds = own.seconds_to_exhaustion
    return "idle" if seconds is None else "burning" if seconds else "gone"


def _chosen_budget(own: Any) -> str:
    return "left" if own.remaining_ratio > 0 else "overspent"


OBJECTIVE: Final = _counts("exclusions left out") | {
    "objective_ratio": Line(
        "ratio", "objective percent / 100", "", "{own.objective_ratio:%} of the {event}s of the period shall be good."
    ),
    "target": Line(
        "s or tasks/s",
        "the contract's target",
        "",
        {
            "availability": "Availability has no target beside its objective: a task succeeds or it does not.",
            "latency": "A successful task is fast enough when it takes at most {own.target} seconds.",
            "throughput": "A 10-second slice is good when it serves {own.target} tasks per second, or all offered.",
        },
        lambda own: str(own.name),
    ),
    "state": Line(
        "state", "exhausted, or the worst state of the alerts", "own.budget.remaining_ratio", "{own.name} {state}."
    ),
    "since": _SINCE,
    "seconds_to_exhaustion": Line(
        "s",
        "remaining_ratio x period_seconds / long_burn_rate",
        "own.budget.remaining_ratio snapshot.period_seconds fastest.long_burn_rate",
        {
            "burning": "At the burn rate of the last {fastest.long}, {fastest.long_burn_rate}, what is left of the "
            "{own.name} budget, {own.budget.remaining_ratio:%}, will be gone in {own.seconds_to_exhaustion:t}.",
            "idle": "Nothing burns the {own.name} budget now, so it lasts.",
            "gone": "The {own.name} budget is used up.",
        },
        _chosen_exhaustion,
    ),
}

BUDGET: Final = {
    "ratio": Line(
        "ratio", "1 - objective_ratio", "objective.objective_ratio", "{own.ratio:%} of the {event}s may be bad."
    ),
    "events": Line(
        "events",
        "ratio x total_events",
        "own.ratio objective.total_events",
        "Of {objective.total_events:#{event}} in the period, {own.events} may be bad.",
    ),
    "remaining_events": Line(
        "events",
        "ratio x total_events - bad_events",
        "own.ratio objective.total_events objective.bad_events",
        {
            "left": "{own.remaining_events:#more {event}} may be bad before the budget is used up.",
            "overspent": "The budget is used up by {objective.bad_events:#bad {event}}, where {own.events} may be.",
        },
        _chosen_budget,
    ),
    "remaining_ratio": Line(
        "ratio",
        "1 - bad_events / (ratio x total_events)",
        "own.ratio objective.total_events objective.bad_events",
        {
            "left": "{own.remaining_ratio:%} of the error budget is left: {objective.bad_events:#bad {event}} of the "
            "{own.events} that may be.",
            "overspent": "The budget is used up by {objective.bad_events:#bad {event}}, where {own.events} may be.",
        },
        _chosen_budget,
    ),
}

RAW: Final = _counts("exclusions counted too") | {
    "budget_remaining_ratio": Line(
        "ratio",
        "1 - bad_events / (budget ratio x total_events)",
        "own.bad_events own.total_events objective.budget.ratio",
        "Had nothing been excluded, {own.budget_remaining_ratio:%} of the error budget would be left.",
    ),
}

BURN: Final = {
    **{name: _counts("exclusions left out")[name] for name in ("good_events", "bad_events")},
    "raw_good_events": Line(
        "events", "count of good events", "", "{own.raw_good_events:#{event}} {good}, exclusions counted too."
    ),
    "raw_bad_events": Line(
        "events", "count of bad events", "", "{own.raw_bad_events:#{event}} {bad}, exclusions counted too."
    ),
    "seconds": Line("s", _PERIOD_SHARE, "snapshot.period_seconds", "This window looks back {own.seconds:t}."),
    "bucket_seconds": Line(
        "s", "width of one bucket", "", "The far edge of this window is exact to {own.bucket_seconds:t}."
    ),
    "burn_rate": Line(
        "x budget",
        _BURN_FORMULA,
        f"{_COUNTED} objective.budget.ratio",
        "Over the last {own.name} the {objective.name} budget burns {own.burn_rate} times as fast as it may; "
        "1 uses it up in exactly {snapshot.period_seconds:t}.",
    ),
    "raw_burn_rate": Line(
        "x budget",
        _BURN_FORMULA,
        "own.raw_good_events own.raw_bad_events objective.budget.ratio",
        "Over the last {own.name}, exclusions counted too, the {objective.name} budget burns {own.raw_burn_rate} "
        "times as fast as it may.",
    ),
    "threshold": Line(
        "x budget",
        "factor of the alert that watches this window",
        "",
        {
            "watched": "An alert fires when this window and its partner burn more than {own.threshold} times as fast "
            "as they may.",
            "unwatched": "No alert watches this window by itself.",
        },
        lambda own: "unwatched" if own.threshold is None else "watched",
    ),
}


def _tier_burn(which: str) -> Line:
    """The burn rate of one of an alert's two windows."""
    return Line(
        "x budget",
        _BURN_FORMULA,
        f"{which}.good_events {which}.bad_events objective.budget.ratio",
        {
            side: f"Over the last {{own.{which}}} the {{objective.name}} budget burns {{own.{which}_burn_rate}} times "
            f"as fast as it may, {side} the factor of {{own.factor}}."
            for side in ("above", "not above")
        },
        lambda own: "above" if getattr(own, f"{which}_burn_rate") > own.factor else "not above",
    )


ALERT: Final = {
    "state": Line(
        "state",
        "long_burn_rate > factor and short_burn_rate > factor",
        "own.long_burn_rate own.short_burn_rate own.factor own.minimum_events own.minimum_failures",
        "{own.name} {state}.",
    ),
    "since": _SINCE,
    "factor": Line(
        "x budget",
        "budget_ratio x period_seconds / long_seconds",
        "own.budget_ratio snapshot.period_seconds own.long_seconds",
        "{own.name} fires above {own.factor} times the burn that lasts exactly one period.",
    ),
    "threshold_ratio": Line(
        "ratio",
        "factor x budget ratio",
        "own.factor objective.budget.ratio",
        "{own.name} fires when more than {own.threshold_ratio:%} of the {event}s are bad in both of its windows.",
    ),
    "budget_ratio": Line(
        "ratio",
        "factor x long_seconds / period_seconds",
        "own.factor own.long_seconds snapshot.period_seconds",
        "Burning at the factor for {own.long} uses {own.budget_ratio:%} of the period's budget.",
    ),
    "exhaustion_seconds": Line(
        "s",
        "period_seconds / factor",
        "snapshot.period_seconds own.factor",
        "Burning at the factor, a full budget lasts {own.exhaustion_seconds:t}.",
    ),
    "long_seconds": Line(
        "s", _PERIOD_SHARE, "snapshot.period_seconds", "The long window, {own.long}, shows that the burn matters."
    ),
    "short_seconds": Line(
        "s", "long_seconds / 12", "own.long_seconds", "The short window, {own.short}, shows that the burn goes on."
    ),
    "long_burn_rate": _tier_burn("long"),
    "short_burn_rate": _tier_burn("short"),
    "minimum_events": Line(
        "events", "fixed", "", "With fewer than {own.minimum_events} events in {own.long} nothing is judged."
    ),
    "minimum_failures": Line(
        "events", "fixed", "", "Fewer than {own.minimum_failures} bad events in {own.long} never fire."
    ),
    "single_failure_events": Line(
        "events",
        "1 / threshold_ratio, rounded up",
        "own.threshold_ratio",
        "With fewer than {own.single_failure_events} events in {own.long}, one bad event alone exceeds the factor.",
    ),
}

_DROPPED_SENTENCE: Final = "{own.name}, which would look back {own.long_seconds:t}, is left out: {own.reason}."
DROPPED: Final = {
    "long_seconds": Line("s", _PERIOD_SHARE, "snapshot.period_seconds", _DROPPED_SENTENCE),
    "short_seconds": Line("s", "long_seconds / 12", "own.long_seconds", _DROPPED_SENTENCE),
}
