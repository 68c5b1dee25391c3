"""Pyrra's custom resources (``pyrra.dev/v1alpha1``), for who has Pyrra make the rules and the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.telemetry.export.subject import Export, duration, objective_percent
from infrafabric.telemetry.export.tiers import no_minimums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.slo.objectives import Objective


def pyrra_objectives(subjects: Sequence[ExportSubject]) -> Export:
    """One document for each objective."""
    losses = (
        "Pyrra's alerts are its own: factors 14, 7, 2 and 1, other windows, and a waiting time before each fires",
        no_minimums("Pyrra"),
    )
    documents = tuple(
        _document(subject, objective) for subject in subjects for objective in subject.targets.objectives()
    )
    return Export(documents=documents, losses=losses)


def _document(subject: ExportSubject, objective: Objective) -> dict[str, Any]:
    return {
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": subject.identity(objective), "labels": {"pyrra.dev/service": subject.service}},
        "spec": {
            "target": objective_percent(objective),
            "window": duration(subject.targets.period_seconds),
            "description": f"{objective_percent(objective)} % of {objective.event}s of the {subject.shown}",
            "indicator": {
                "ratio": {
                    "errors": {"metric": subject.selector(objective, "bad")},
                    "total": {"metric": subject.selector(objective)},
                }
            },
            # Nothing to measure is a state of its own here, and nobody is paged for it.
            "alerting": {"name": "InfrafabricErrorBudgetBurn", "absent": False},
        },
    }
