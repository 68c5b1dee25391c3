"""What happened: tasks counted into service level objectives, and shown to whoever watches.

Each public name is imported from its home when it is first used, so that a program which only counts loads nothing
that exports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.telemetry.otel.bridge import BRIDGE, SwarmReading
    from infrafabric.telemetry.otel.calling import within_call
    from infrafabric.telemetry.otel.scraping import Scrape
    from infrafabric.telemetry.otel.sdk import TelemetrySdk, configure_from_environment
    from infrafabric.telemetry.otel.series import Series
    from infrafabric.telemetry.otel.tracing import TaskTrace
    from infrafabric.telemetry.slo.alerts import AlertState, Minimums, StateChange
    from infrafabric.telemetry.slo.burn import BurnPlan, plan_for
    from infrafabric.telemetry.slo.course import CoursePoint, SloCourse
    from infrafabric.telemetry.slo.engine import SloEngine
    from infrafabric.telemetry.slo.explain import Explanation, explain, numbers, state_sentence
    from infrafabric.telemetry.slo.objectives import ObjectiveTargets
    from infrafabric.telemetry.slo.outline import ObjectiveOutline, SloOutline
    from infrafabric.telemetry.slo.snapshot import SloSnapshot

__all__ = [
    "BRIDGE",
    "AlertState",
    "BurnPlan",
    "CoursePoint",
    "Explanation",
    "Minimums",
    "ObjectiveOutline",
    "ObjectiveTargets",
    "Scrape",
    "Series",
    "SloCourse",
    "SloEngine",
    "SloOutline",
    "SloSnapshot",
    "StateChange",
    "SwarmReading",
    "TaskTrace",
    "TelemetrySdk",
    "configure_from_environment",
    "explain",
    "numbers",
    "plan_for",
    "state_sentence",
    "within_call",
]

#: Where each public name lives, below this package.
_HOMES = {
    "BRIDGE": "otel.bridge",
    "AlertState": "slo.alerts",
    "BurnPlan": "slo.burn",
    "CoursePoint": "slo.course",
    "Explanation": "slo.explain",
    "Minimums": "slo.alerts",
    "ObjectiveOutline": "slo.outline",
    "ObjectiveTargets": "slo.objectives",
    "Scrape": "otel.scraping",
    "Series": "otel.series",
    "SloCourse": "slo.course",
    "SloEngine": "slo.engine",
    "SloOutline": "slo.outline",
    "SloSnapshot": "slo.snapshot",
    "StateChange": "slo.alerts",
    "SwarmReading": "otel.bridge",
    "TaskTrace": "otel.tracing",
    "TelemetrySdk": "otel.sdk",
    "configure_from_environment": "otel.sdk",
    "explain": "slo.explain",
    "numbers": "slo.explain",
    "plan_for": "slo.burn",
    "state_sentence": "slo.explain",
    "within_call": "otel.calling",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - bare Python has not loaded it

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
