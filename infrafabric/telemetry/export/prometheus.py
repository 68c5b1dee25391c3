"""Rules for a Prometheus server: recording rules under the names that Sloth gives them, and our own alerts.

The alerts are those of the SLO engine: both windows above the factor, enough events, at least two failures. They count
events with ``increase``, summed over all processes that run the swarm, and divide once: a mean of ratios over short
windows, as generators commonly have it, becomes NaN when one of them was idle. With Sloth's names, dashboards made for
it show these objectives.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from infrafabric.telemetry.export.subject import Export, duration, exact, label_name, matchers, objective_percent
from infrafabric.telemetry.export.tiers import scrapable, watched_tiers
from infrafabric.telemetry.otel import instruments
from infrafabric.telemetry.slo.alerts import Minimums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.export.tiers import WatchedTier
    from infrafabric.telemetry.slo.objectives import Objective

_Rule = dict[str, Any]

#: The period is long and changes slowly: its rules read every sample of it.
_PERIOD_EVALUATION_SECONDS: Final = 300
#: ``increase`` extrapolates to the ends of its window, so ten events may come out as 9.8 or 10.3.
_HALF: Final = Fraction(1, 2)


def prometheus_rules(subjects: Sequence[ExportSubject]) -> Export:
    """One rules file with the objectives of all subjects."""
    groups: list[dict[str, Any]] = []
    losses: list[str] = []
    for subject in subjects:
        for objective in subject.targets.objectives():
            tiers, lost = scrapable(watched_tiers(subject, objective))
            losses += [f"{subject.shown}: {objective.name}: {loss}" for loss in lost]
            groups += _groups(subject, objective, tiers)
    return Export(documents=({"groups": groups},), losses=tuple(losses))


def _groups(subject: ExportSubject, objective: Objective, tiers: tuple[WatchedTier, ...]) -> list[dict[str, Any]]:
    book = _Book(subject, objective)
    groups = []
    recorded: set[float] = set()
    for step in sorted({tier.step_seconds for tier in tiers}):
        mine = [tier for tier in tiers if tier.step_seconds == step]
        windows = {seconds for tier in mine for seconds in (tier.short_seconds, tier.long_seconds)} - recorded
        recorded |= windows
        rules = [rule for seconds in sorted(windows) for rule in book.window(seconds)]
        groups.append(book.group("burn", step, rules + [book.burn_alert(tier) for tier in mine]))
    period = float(subject.targets.period_seconds)
    rules = [*book.window(period), *book.about(min([*recorded, period])), book.exhausted_alert()]
    return [*groups, book.group("period", _PERIOD_EVALUATION_SECONDS, rules)]


class _Book:
    """Writes the rules of one objective."""

    def __init__(self, subject: ExportSubject, objective: Objective) -> None:
        self._subject = subject
        self._objective = objective
        self.identity = subject.identity(objective)
        self._sloth = {"sloth_id": self.identity, "sloth_service": subject.service, "sloth_slo": objective.name}
        self._labels = self._sloth | subject.labels(objective)
        self._budget = Fraction(*objective.budget)

    def group(self, what: str, step_seconds: int, rules: list[_Rule]) -> dict[str, Any]:
        """Rules that are evaluated together, in their order."""
        step = duration(step_seconds)
        return {"name": f"infrafabric-slo-{self.identity}-{what}-{step}", "interval": step, "rules": rules}

    def window(self, seconds: float) -> list[_Rule]:
        """The events of a window, the bad ones among them, and their share."""
        window = duration(seconds)
        labels = self._labels | {"sloth_window": window}
        every, bad = f"infrafabric:slo_events:increase{window}", f"infrafabric:slo_bad_events:increase{window}"
        mine = matchers(self._sloth)
        return [
            _record(every, f"sum(\n  increase({self._subject.selector(self._objective)}[{window}])\n)", labels),
            _record(bad, f"sum(\n  increase({self._subject.selector(self._objective, 'bad')}[{window}])\n)", labels),
            _record(f"slo:sli_error:ratio_rate{window}", f"{bad}{mine}\n/\n({every}{mine} > 0)", labels),
        ]

    def about(self, shortest_seconds: float) -> list[_Rule]:
        """What dashboards made for Sloth read."""
        period = self._subject.targets.period_seconds
        mine = matchers(self._sloth)
        budget = exact(self._budget)
        return [
            self._constant("slo:objective:ratio", exact(1 - self._budget)),
            self._constant("slo:error_budget:ratio", budget),
            self._constant("slo:time_period:days", exact(Fraction(period, 86_400))),
            self._derived("slo:current_burn_rate:ratio", self._ratio(shortest_seconds) + f"\n/ {budget}"),
            self._derived("slo:period_burn_rate:ratio", self._ratio(period) + f"\n/ {budget}"),
            self._derived("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{mine}"),
            _record(
                "sloth_slo_info",
                "vector(1)",
                self._labels
                | {
                    "sloth_mode": "infrafabric",
                    "sloth_objective": objective_percent(self._objective),
                    "sloth_spec": "infrafabric",
                    "sloth_version": "none",
                },
            ),
        ]

    def burn_alert(self, tier: WatchedTier) -> _Rule:
        """A tier, under the conditions of the SLO engine."""
        long, short = duration(tier.long_seconds), duration(tier.short_seconds)
        threshold = exact(tier.threshold)
        condition = "\nand ignoring(sloth_window)\n".join(
            (
                f"({self._ratio(tier.long_seconds)} > {threshold})",
                f"({self._ratio(tier.short_seconds)} > {threshold})",
                *self._enough(tier.long_seconds),
            )
        )
        return {
            "alert": "InfrafabricErrorBudgetBurn",
            "expr": condition,
            "labels": self._alert_labels(tier.severity, tier.name),
            "annotations": {
                "summary": f"{self._shown()} burns its {self._objective.name} budget more than "
                f"{exact(tier.factor)} times too fast",
                "description": f"{{{{ $value | humanizePercentage }}}} of the events of the last {long} were bad, and "
                f"more than {exact(100 * tier.threshold)} % of those of the last {short}: at this rate the budget of "
                f"{exact(100 * self._budget)} % is gone after "
                f"{duration(round(self._subject.targets.period_seconds / tier.factor))}.",
            },
        }

    def exhausted_alert(self) -> _Rule:
        """The period's budget is gone."""
        period = float(self._subject.targets.period_seconds)
        condition = "\nand ignoring(sloth_window)\n".join(
            (f"({self._ratio(period)} >= {exact(self._budget)})", *self._enough(period))
        )
        return {
            "alert": "InfrafabricErrorBudgetExhausted",
            "expr": condition,
            "labels": self._alert_labels("ticket", "exhausted"),
            "annotations": {
                "summary": f"{self._shown()} has used up its {self._objective.name} budget",
                "description": f"{{{{ $value | humanizePercentage }}}} of the events of the last {duration(period)} "
                f"were bad; {exact(100 * self._budget)} % may be.",
            },
        }

    def _ratio(self, seconds: float) -> str:
        return f"slo:sli_error:ratio_rate{duration(seconds)}{matchers(self._sloth)}"

    def _enough(self, seconds: float) -> tuple[str, str]:
        """Enough events, and enough failures among them."""
        window, mine, minimums = duration(seconds), matchers(self._sloth), Minimums()
        return (
            f"(infrafabric:slo_events:increase{window}{mine} > {exact(minimums.events - _HALF)})",
            f"(infrafabric:slo_bad_events:increase{window}{mine} > {exact(minimums.failures - _HALF)})",
        )

    def _shown(self) -> str:
        """The subject in a text that Prometheus takes for a template."""
        return self._subject.shown.replace("{{", '{{ "{{" }}')

    def _alert_labels(self, severity: str, tier: str) -> dict[str, str]:
        about = {label_name(instruments.ALERT): tier, "severity": severity, "sloth_severity": severity}
        return {name: value.replace("{{", '{{ "{{" }}') for name, value in (self._labels | about).items()}

    def _constant(self, name: str, number: str) -> _Rule:
        return _record(name, f"vector({number})", self._labels)

    def _derived(self, name: str, expression: str) -> _Rule:
        """A number made of recorded ones; it is of no one window any more."""
        return _record(name, f"sum without(sloth_window) (\n{expression}\n)", self._labels)


def _record(name: str, expression: str, labels: dict[str, str]) -> _Rule:
    return {"record": name, "expr": expression, "labels": dict(labels)}
