"""A Grafana dashboard of a swarm's own numbers: objectives, budget, burn, alerts, and the limits beside them.

It reads what the SLO engine exports, so it shows the same numbers as ``infrafabric slo`` with or without recording
rules. The JSON is written here: the libraries that build dashboards in Python make those of an old Grafana.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.telemetry.export.subject import Export, duration, label_name, matchers, metric_name
from infrafabric.telemetry.export.tiers import watched_tiers
from infrafabric.telemetry.otel import instruments
from infrafabric.telemetry.slo.alerts import AlertState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.slo.objectives import Objective

_Json = dict[str, Any]
_SOURCE: Final[_Json] = {"type": "prometheus", "uid": "${datasource}"}
#: The width of Grafana's grid.
_COLUMNS: Final = 24
#: The schema of dashboards that Grafana 10 and later read and upgrade.
_SCHEMA: Final = 39
_STATE_COLOURS: Final = {
    AlertState.UNREACHABLE: "text",
    AlertState.NO_DATA: "text",
    AlertState.INSUFFICIENT_DATA: "text",
    AlertState.INACTIVE: "green",
    AlertState.RECOVERING: "yellow",
    AlertState.INCREASING: "orange",
    AlertState.FIRING: "red",
    AlertState.EXHAUSTED: "dark-red",
}


def grafana_dashboard(subjects: Sequence[ExportSubject]) -> Export:
    """One dashboard with a row for each objective of each subject, then what the swarm uses."""
    board = _Board()
    for subject in subjects:
        for objective in subject.targets.objectives():
            _objective_row(board, subject, objective)
    for subject in subjects:
        if subject.task_name is None:
            _usage_row(board, subject)
    first = subjects[0]
    document = {
        "uid": f"infrafabric-{first.service}"[:40],
        "title": f"{first.shown}: objectives",
        "tags": ["infrafabric", "slo"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "timezone": "",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "annotations": {"list": []},
        "panels": board.panels,
    }
    return Export(documents=(document,), losses=())


class _Board:
    """Places panels from left to right, row by row."""

    def __init__(self) -> None:
        self.panels: list[_Json] = []
        self._x = self._y = self._row_height = 0

    def row(self, title: str) -> None:
        """Begin a row under a title."""
        self._break()
        self._add({"type": "row", "title": title, "collapsed": False, "panels": []}, _COLUMNS, 1)
        self._break()

    def panel(self, panel: _Json, width: int, height: int = 7) -> None:
        """Put a panel beside the last one, or below where it does not fit."""
        if self._x + width > _COLUMNS:
            self._break()
        self._add({"datasource": dict(_SOURCE)} | panel, width, height)

    def _add(self, panel: _Json, width: int, height: int) -> None:
        place = {"x": self._x, "y": self._y, "w": width, "h": height}
        self.panels.append({"id": len(self.panels) + 1, "gridPos": place} | panel)
        self._x += width
        self._row_height = max(self._row_height, height)

    def _break(self) -> None:
        self._x, self._y, self._row_height = 0, self._y + self._row_height, 0


@attrs.frozen
class _Shown:
    """The series of one objective."""

    labels: dict[str, str]

    def of(self, instrument: instruments.Instrument, **more: str) -> str:
        """Its numbers of an instrument; ``more`` narrows them."""
        return metric_name(instrument) + matchers(self.labels | more)


def _objective_row(board: _Board, subject: ExportSubject, objective: Objective) -> None:
    shown = _Shown({label_name(instruments.TASK): ""} | subject.labels(objective))
    period = duration(subject.targets.period_seconds)
    board.row(f"{subject.shown}: {objective.name}, {_promise(objective)} over {period}")
    sli = f"max({shown.of(instruments.SLI)})"
    red_green = [("red", None), ("green", objective.objective_ratio)]
    board.panel(_stat(f"{objective.event}s that were good, over {period}", sli, "percentunit", red_green), 5)
    remaining = f"min({shown.of(instruments.REMAINING)})"
    budget_steps: list[tuple[str, float | None]] = [("dark-red", None), ("orange", 0), ("green", 0.25)]
    board.panel(_stat("error budget left", remaining, "percentunit", budget_steps), 4)
    state, window = label_name(instruments.STATE), label_name(instruments.WINDOW)
    tier, severity = label_name(instruments.ALERT), label_name(instruments.SEVERITY)
    states = f"max by ({tier}, {severity}, {state}) ({shown.of(instruments.ALERT_STATE)}) == 1"
    board.panel(_alerts(states, (tier, severity, state)), 7)
    burn = f"max by ({window}) ({shown.of(instruments.BURN_RATE)})"
    factors = sorted({float(found.factor) for found in watched_tiers(subject, objective)})
    lines: list[tuple[str, float | None]] = [("green", None), *(("red", factor) for factor in factors)]
    board.panel(_graph("burn rate by window", [(burn, f"{{{{{window}}}}}")], "none", lines), 8)
    board.panel(_graph("error budget left", [(remaining, "left")], "percentunit", [("red", None), ("green", 0)]), 12)
    result = label_name(instruments.RESULT)
    events = f"sum by ({result}) (rate({shown.of(instruments.EVENTS)}[$__rate_interval]))"
    unit = f"{objective.event}s per second"
    board.panel(_graph(unit, [(events, f"{{{{{result}}}}}")], "none", []), 12)


def _usage_row(board: _Board, subject: ExportSubject) -> None:
    shown = _Shown({label_name(instruments.SWARM): subject.swarm_id})
    error, task = label_name(instruments.ERROR), label_name(instruments.TASK)
    reason = label_name(instruments.REASON)
    board.row(f"{subject.shown}: tasks, and use beside its limits")
    duration_of = metric_name(instruments.DURATION)
    ended = f"{duration_of}_count{matchers(shown.labels)}"
    by_end = f"sum by ({task}, {error}) (rate({ended}[$__rate_interval]))"
    board.panel(_graph("tasks ended per second", [(by_end, f"{{{{{task}}}}} {{{{{error}}}}}")], "none", []), 8)
    successes = f"{duration_of}_bucket{matchers(shown.labels | {error: ''})}"
    quantiles = [
        (f"histogram_quantile({share}, sum by (le) (rate({successes}[$__rate_interval])))", f"p{percent}")
        for share, percent in (("0.5", 50), ("0.95", 95), ("0.99", 99))
    ]
    target = subject.targets.target_latency_ms
    lines: list[tuple[str, float | None]] = [("green", None)] + ([("red", target / 1000)] if target else [])
    board.panel(_graph("latency of successful tasks, and the target", quantiles, "s", lines), 8)
    refused = f"sum by ({reason}) (rate({shown.of(instruments.REFUSED)}[$__rate_interval]))"
    board.panel(_graph("tasks refused per second", [(refused, f"{{{{{reason}}}}}")], "none", []), 8)
    memory = [
        (f"max({shown.of(instruments.MEMORY_USAGE)})", "used"),
        (f"min({shown.of(instruments.MEMORY_LIMIT)})", "limit"),
    ]
    board.panel(_graph("memory of one instance", memory, "bytes", []), 8)
    cpu = f"sum(rate({shown.of(instruments.CPU)}[$__rate_interval]))"
    board.panel(_graph("CPU, of one core", [(cpu, "used")], "percentunit", []), 8)
    dropped = f"sum(rate({shown.of(instruments.LOG_DROPPED)}[$__rate_interval]))"
    board.panel(_graph("log records dropped per second", [(dropped, "dropped")], "none", []), 8)


def _promise(objective: Objective) -> str:
    share = f"{objective.objective_percent:g} % of {objective.event}s"
    if objective.name == "latency":
        return f"{share} within {objective.threshold:g} s"
    if objective.name == "throughput":
        return f"{share} serve {objective.threshold:g} a second, or all that came,"
    return share


def _steps(steps: list[tuple[str, float | None]]) -> _Json:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in steps]}


def _targets(queries: list[tuple[str, str]], *, instant: bool = False) -> list[_Json]:
    kind = {"instant": True, "range": False} if instant else {"instant": False, "range": True}
    return [
        {"refId": chr(65 + place), "datasource": dict(_SOURCE), "expr": expression, "legendFormat": legend} | kind
        for place, (expression, legend) in enumerate(queries)
    ]


def _stat(title: str, expression: str, unit: str, steps: list[tuple[str, float | None]]) -> _Json:
    return {
        "type": "stat",
        "title": title,
        "targets": _targets([(expression, "")], instant=True),
        "fieldConfig": {
            "defaults": {"unit": unit, "decimals": 3, "thresholds": _steps(steps), "color": {"mode": "thresholds"}},
            "overrides": [],
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": "none"},
    }


def _graph(title: str, queries: list[tuple[str, str]], unit: str, steps: list[tuple[str, float | None]]) -> _Json:
    line = {"mode": "line" if len(steps) > 1 else "off"}
    defaults: _Json = {"unit": unit, "custom": {"thresholdsStyle": line}}
    if steps:
        defaults["thresholds"] = _steps(steps)
    return {
        "type": "timeseries",
        "title": title,
        "targets": _targets(queries),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
    }


def _alerts(expression: str, columns: tuple[str, ...]) -> _Json:
    """The table of alerts: a row for each tier, and one without a name for the objective as a whole."""
    colours = {
        state.value: {"color": colour, "index": place} for place, (state, colour) in enumerate(_STATE_COLOURS.items())
    }
    return {
        "type": "table",
        "title": "alerts",
        "targets": [_targets([(expression, "")], instant=True)[0] | {"format": "table"}],
        "transformations": [
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "Value": True},
                    "renameByName": dict(zip(columns, ("alert", "severity", "state"), strict=True)),
                },
            }
        ],
        "fieldConfig": {
            "defaults": {},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": "state"},
                    "properties": [
                        {"id": "mappings", "value": [{"type": "value", "options": colours}]},
                        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                    ],
                }
            ],
        },
    }
