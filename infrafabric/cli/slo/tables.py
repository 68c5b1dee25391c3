"""The tables of ``infrafabric slo``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from infrafabric.errors import escape
from infrafabric.telemetry.slo.burn import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from infrafabric.telemetry import SloSnapshot
    from infrafabric.telemetry.slo.replay import Replay

_STYLES = {"healthy": "green", "burning": "red", "exhausted": "bold red", "no data": "dim"}


def status_tables(found: Iterable[dict[str, Any]]) -> RenderableType:
    """A table for each swarm, a line for each objective; swarms in the order in which they first come."""
    by_swarm: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_swarm.setdefault(row["subject"], []).append(row)
    parts: list[RenderableType] = []
    for subject, its in by_swarm.items():
        table = _table("objective", "health", "kept, of promised", "budget left", "burn", "gone in")
        for row in its:
            left = row["seconds_to_exhaustion"]
            table.add_row(
                row["objective"],
                Text(row["health"], style=_STYLES[row["health"]]),
                _kept(row["sli_percent"], row["objective_percent"]),
                _percent(row["budget_remaining_ratio"]),
                "" if row["burn_rate"] is None else f"{row['burn_rate']:.3g} ({row['burn_window']})",
                "" if not left or row["health"] == "exhausted" else _rounded(left),
            )
        parts += [Text(escape(subject, 200), style="bold"), table, Text()]
    return Group(*parts)


def explanation_tables(found: Sequence[dict[str, Any]]) -> RenderableType:
    """A sentence, and what is behind it, for each swarm."""
    parts: list[RenderableType] = []
    for item in found:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        if len(found) > 1:
            table.add_row("swarm", escape(str(item["subject"]), 80))
        table.add_row("formula", escape(item["formula"], 500))
        table.add_row("window", escape(item["window"], 200))
        for name, value in item["inputs"].items():
            table.add_row(name, escape(str(value), 200))
        parts += [Text(escape(item["sentence"], 2000)), table, Text()]
    return Group(*parts)


def report_tables(found: Sequence[dict[str, Any]], snapshots: Sequence[SloSnapshot]) -> RenderableType:
    """The objectives, and every alert with the windows that it watches."""
    parts: list[RenderableType] = []
    for snapshot in snapshots:
        parts.append(status_tables(row for row in found if row["subject"] == snapshot.subject))
        alerts = _table("objective", "alert", "state", "long", "short", "above")
        for objective in snapshot.objectives:
            for tier in objective.alerts:
                alerts.add_row(
                    objective.name,
                    tier.name,
                    tier.state.value,
                    f"{tier.long_burn_rate:.3g}",
                    f"{tier.short_burn_rate:.3g} ({tier.short})",
                    f"{tier.factor:g}",
                )
        parts += [alerts, Text()]
    return Group(*parts)


def replay_tables(replayed: Replay) -> RenderableType:
    """What would have fired, then how each objective stood at the end."""
    fired = _table("objective", "alert", "fired", "lasted", "left then")
    for alert in replayed.alerts:
        lasted = span(round((alert.cleared_at or replayed.ended_at) - alert.fired_at))
        fired.add_row(
            alert.objective,
            alert.alert,
            _when(alert.fired_at).partition("-")[2],
            f"{lasted}, still" if alert.cleared_at is None else lasted,
            _percent(alert.budget_remaining_ratio),
        )
    end = _table("objective", "kept, of promised", "bad events", "budget left")
    for objective in replayed.end.objectives:
        end.add_row(
            objective.name,
            _kept(None if objective.sli is None else 100 * objective.sli, 100 * objective.objective_ratio),
            f"{objective.bad_events:,} of {objective.total_events:,}",
            _percent(objective.budget.remaining_ratio),
        )
    head = f"{replayed.events:,} events from {_when(replayed.began_at)} to {_when(replayed.ended_at)} (UTC)"
    nothing = Text("No alert would have fired.")
    return Group(Text(head), Text(), fired if replayed.alerts else nothing, Text(), end)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _kept(percent: float | None, promised: float) -> str:
    return f"{'-' if percent is None else f'{percent:.6g}'} of {promised:.12g} %"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:,.1f} %"


def _rounded(seconds: float) -> str:
    """The two largest units: nobody reads the seconds of a day."""
    step = 3_600 if seconds >= 86_400 else 60 if seconds >= 3_600 else 1
    return span(round(seconds / step) * step)


def _when(epoch_seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch_seconds))
