"""Sloth's own specification (``prometheus/v1``), for who generates rules with Sloth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infrafabric.telemetry.export.subject import Export, duration, objective_percent
from infrafabric.telemetry.export.tiers import no_minimums, watched_tiers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.slo.objectives import Objective

#: The period that Sloth takes for granted, and for which it has our windows and factors.
_PERIOD_SECONDS: Final = 30 * 86_400


def sloth_specs(subjects: Sequence[ExportSubject]) -> Export:
    """One document for each subject."""
    losses = [no_minimums("Sloth")]
    for subject in subjects:
        period = subject.targets.period_seconds
        if period != _PERIOD_SECONDS:
            losses.append(
                f"{subject.shown}: Sloth's documents have no period, so {duration(period)} is not in it: generate with "
                f"--default-slo-period {duration(period)}, and with windows for it in --slo-period-windows-path"
            )
        for objective in subject.targets.objectives():
            missing = 4 - len(watched_tiers(subject, objective))
            if missing:
                losses.append(
                    f"{subject.shown}: {objective.name}: {missing} of Sloth's four alerts cannot fire, or have windows "
                    "too short for the period; Sloth writes them all the same"
                )
    return Export(documents=tuple(_spec(subject) for subject in subjects), losses=tuple(losses))


def _spec(subject: ExportSubject) -> dict[str, Any]:
    return {
        "version": "prometheus/v1",
        "service": subject.service,
        "slos": [_slo(subject, objective) for objective in subject.targets.objectives()],
    }


def _slo(subject: ExportSubject, objective: Objective) -> dict[str, Any]:
    # Sloth names a rule by service and SLO: a task's must not have the name of its swarm's.
    identity = subject.identity(objective)
    return {
        "name": objective.name if subject.task_name is None else identity,
        "description": f"{objective_percent(objective)} % of {objective.event}s of the {subject.shown}",
        "objective": float(objective_percent(objective)),
        "labels": subject.labels(objective),
        "sli": {
            "events": {
                "error_query": f"sum(\n  rate({subject.selector(objective, 'bad')}[{{{{.window}}}}])\n)",
                "total_query": f"sum(\n  rate({subject.selector(objective)}[{{{{.window}}}}])\n)",
            }
        },
        "alerting": {
            "name": "InfrafabricErrorBudgetBurn",
            "page_alert": {"labels": {"severity": "page"}},
            "ticket_alert": {"labels": {"severity": "ticket"}},
        },
    }
