"""Incidents, played to the SLO engine and, as the counters it exports, to the rules of a real Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from infrafabric.contract.writing import dump_yaml
from infrafabric.errors import Outcome
from infrafabric.telemetry import AlertState, SloEngine
from infrafabric.telemetry.export.prometheus import prometheus_rules
from infrafabric.telemetry.export.subject import ExportSubject
from infrafabric.telemetry.export.tiers import EVALUATION_SECONDS, SCRAPE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infrafabric.telemetry import ObjectiveTargets

NS: Final = 10**9
#: A wall clock at which no bucket begins: Prometheus's time zero and ours are no multiple of each other's.
_EPOCH: Final = 1_750_000_123

#: Objective and tier (None: the budget of the period is gone).
Alert: TypeAlias = tuple[str, str]


@attrs.frozen
class Event:
    """One task that ended ``at`` seconds after the beginning."""

    at: float
    outcome: Outcome = Outcome.SUCCESS
    latency_seconds: float = 0.01


@attrs.frozen
class Replay:
    """What each side said at every evaluation, in order of time: the alerts that fired."""

    times: list[int]
    ours: list[frozenset[Alert]]
    theirs: list[frozenset[Alert]]

    def alerts(self) -> frozenset[Alert]:
        """Whatever fired on either side."""
        return frozenset[Alert]().union(*self.ours, *self.theirs)

    def spans(self, alert: Alert, *, theirs: bool = False) -> list[tuple[int, int | None]]:
        """When it fired: from the first evaluation that said so to the first that did not."""
        found: list[tuple[int, int | None]] = []
        for time, firing in zip(self.times, self.theirs if theirs else self.ours, strict=True):
            open_ = bool(found) and found[-1][1] is None
            if (alert in firing) and not open_:
                found.append((time, None))
            elif alert not in firing and open_:
                found[-1] = (found[-1][0], time)
        return found

    def longest_disagreement(self, alert: Alert) -> int:
        """Seconds for which the two sides said different things about an alert at a stretch."""
        longest = stretch = 0
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            stretch = stretch + EVALUATION_SECONDS if (alert in ours) != (alert in theirs) else 0
            longest = max(longest, stretch)
        return longest


def replay(
    folder: Path, targets: ObjectiveTargets, events: Iterable[Event], *, restarts: tuple[float, ...] = ()
) -> Replay:
    """Play the events, in order of time, to both. At each of ``restarts`` the exported counters begin at zero again."""
    subject = ExportSubject("replay", targets)
    ours, series = _engine_side(subject, list(events), list(restarts))
    times = list(range(0, EVALUATION_SECONDS * len(ours), EVALUATION_SECONDS))
    theirs = _prometheus_side(folder, subject, series, times, ours)
    return Replay(times, ours, theirs)


def _engine_side(
    subject: ExportSubject, events: list[Event], restarts: list[float]
) -> tuple[list[frozenset[Alert]], dict[str, list[int]]]:
    """The alerts at each evaluation, and the samples of each series at each scrape."""
    now_ns = 0
    engine = SloEngine(
        subject.targets, lambda: now_ns, lambda: _EPOCH + now_ns / NS, subject="replay", asleep_ns=lambda: 0
    )
    objectives = {objective.name: objective for objective in subject.targets.objectives()}
    series: dict[str, list[int]] = {
        subject.selector(objective, result): [] for objective in objectives.values() for result in ("good", "bad")
    }
    base = dict.fromkeys(series, 0)
    firing: list[frozenset[Alert]] = []
    events, end = sorted(events, key=lambda event: event.at), max(event.at for event in events)
    place = 0
    for time in range(0, int(end) + 1, SCRAPE_SECONDS):
        while place < len(events) and events[place].at <= time:
            event = events[place]
            now_ns = int(event.at * NS)
            engine.record(event.outcome, int(event.latency_seconds * NS))
            place += 1
        now_ns = time * NS
        engine.evaluate()
        counts = {
            subject.selector(objectives[name], result): count
            for name, pair in engine.totals().items()
            for result, count in zip(("good", "bad"), pair, strict=True)
        }
        if restarts and time >= restarts[0]:
            restarts.pop(0)
            base = counts
        for selector, count in counts.items():
            series[selector].append(count - base[selector])
        if time % EVALUATION_SECONDS == 0:
            firing.append(_firing(engine))
    return firing, series


def _firing(engine: SloEngine) -> frozenset[Alert]:
    snapshot = engine.snapshot()
    return frozenset(
        [
            (objective.name, tier.name)
            for objective in snapshot.objectives
            for tier in objective.alerts
            if tier.state is AlertState.FIRING
        ]
        + [
            (objective.name, "exhausted")
            for objective in snapshot.objectives
            if objective.state is AlertState.EXHAUSTED
        ]
    )


_QUERY: Final = 'count by (infrafabric_slo_objective, infrafabric_slo_alert) (ALERTS{alertstate="firing"})'
_LABELS: Final = '{{infrafabric_slo_objective="{}",infrafabric_slo_alert="{}"}}'
_FAILURE: Final = re.compile(r'expr: "[^\n]*", time: (\S+),\s*exp:\s*([^\n]*)\n\s*got:\s*([^\n]*)')
_FOUND: Final = re.compile(r'infrafabric_slo_alert="([^"]*)", infrafabric_slo_objective="([^"]*)"')


def _prometheus_side(
    folder: Path,
    subject: ExportSubject,
    series: dict[str, list[int]],
    times: list[int],
    ours: list[frozenset[Alert]],
) -> list[frozenset[Alert]]:
    """The alerts at each evaluation: what promtool expects is our side, and what it complains of is another answer."""
    (rules,) = prometheus_rules([subject]).documents
    (folder / "rules.yml").write_text(dump_yaml(rules))
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{EVALUATION_SECONDS}s",
        "tests": [
            {
                "interval": f"{SCRAPE_SECONDS}s",
                "input_series": [
                    {"series": selector, "values": _values(samples)} for selector, samples in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": _QUERY,
                        "eval_time": f"{time}s",
                        "exp_samples": [{"labels": _LABELS.format(*alert), "value": 1} for alert in sorted(firing)],
                    }
                    for time, firing in zip(times, ours, strict=True)
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(json.dumps(test))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    theirs = list(ours)
    for failure in _FAILURE.finditer(said):
        theirs[_seconds(failure[1]) // EVALUATION_SECONDS] = frozenset(
            (objective, alert) for alert, objective in _FOUND.findall(failure[3])
        )
    differing = sum(mine != other for mine, other in zip(ours, theirs, strict=True))
    assert differing == said.count("expr: "), f"promtool said something else:\n{said[:4000]}"
    assert ("SUCCESS" in said) == (differing == 0), said[:4000]
    return theirs


def _values(samples: list[int]) -> str:
    """Samples as promtool takes them, runs of equal steps in one word."""
    words = []
    place = 0
    while place < len(samples):
        step = samples[place + 1] - samples[place] if place + 1 < len(samples) else 0
        count = 0
        while place + count + 1 < len(samples) and samples[place + count + 1] - samples[place + count] == step:
            count += 1
        words.append(f"{samples[place]}{step:+d}x{count}" if count else str(samples[place]))
        place += count + 1
    return " ".join(words)


def _seconds(text: str) -> int:
    """A duration of promtool: ``1h2m30s``."""
    return sum(
        int(number) * {"d": 86_400, "h": 3600, "m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)(\w)", text)
    )
