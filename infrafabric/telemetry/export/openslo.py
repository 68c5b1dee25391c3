"""OpenSLO v1: the objectives for whatever reads that standard.

Objectives of throughput are Occurrences, too: the slices are the events. Timeslices would need a window of ten seconds,
and the standard's shortest is a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infrafabric.telemetry.export.subject import Export, dns_label, duration, exact, objective_percent
from infrafabric.telemetry.export.tiers import no_minimums, watched_tiers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.export.tiers import WatchedTier
    from infrafabric.telemetry.slo.objectives import Objective

_NAME_MAX: Final = 63
_ANNOTATION: Final = "infrafabric.dev/"
_Document = dict[str, Any]


def openslo_documents(subjects: Sequence[ExportSubject]) -> Export:
    """A service for each swarm, and an SLO with its alert policies for each objective."""
    losses = [
        "OpenSLO's alert conditions have one window: the short one is only in an annotation",
        no_minimums("OpenSLO"),
        "a contract names nobody to notify: the notification targets are called page and ticket, and reach nobody",
    ]
    documents: list[_Document] = [_target("page"), _target("ticket")]
    for service in dict.fromkeys(subject.service for subject in subjects):
        swarm_id = next(subject.swarm_id for subject in subjects if subject.service == service)
        documents.append(_document("Service", service, {"description": f"swarm {swarm_id}"[:1050]}, swarm_id))
    for subject in subjects:
        for objective in subject.targets.objectives():
            documents += _slo(subject, objective, losses)
    return Export(documents=tuple(documents), losses=tuple(losses))


def _slo(subject: ExportSubject, objective: Objective, losses: list[str]) -> list[_Document]:
    identity = subject.identity(objective)
    about = f"{subject.shown}: {objective.name}"
    policies = [_policy(identity, tier, about, losses) for tier in watched_tiers(subject, objective)]
    spec = {
        "description": f"{objective_percent(objective)} % of {objective.event}s of the {subject.shown}",
        "service": subject.service,
        "indicator": {
            "metadata": {"name": dns_label(f"{identity}-sli")},
            "spec": {
                "ratioMetric": {
                    "counter": True,
                    "bad": _source(subject.selector(objective, "bad")),
                    "total": _source(subject.selector(objective)),
                }
            },
        },
        "timeWindow": [
            {
                "duration": _shorthand(subject.targets.period_seconds, f"{about}: its period", losses),
                "isRolling": True,
            }
        ],
        "budgetingMethod": "Occurrences",
        "objectives": [
            {"displayName": objective.name, "targetPercent": float(objective_percent(objective))},
        ],
        "alertPolicies": [{"alertPolicyRef": policy["metadata"]["name"]} for policy in policies],
    }
    return [_document("SLO", identity, spec, f"{objective.name} of {subject.shown}"), *policies]


def _policy(identity: str, tier: WatchedTier, about: str, losses: list[str]) -> _Document:
    name = dns_label(f"{identity}-{tier.name.replace('_', '-')}")
    long, short = duration(tier.long_seconds), duration(tier.short_seconds)
    condition = {
        "kind": "AlertCondition",
        "metadata": {
            "name": name,
            "annotations": {
                f"{_ANNOTATION}long-window": long,
                f"{_ANNOTATION}short-window": short,
                f"{_ANNOTATION}threshold-ratio": exact(tier.threshold),
            },
        },
        "spec": {
            "description": f"Both the last {long} and the last {short} burn over {exact(tier.factor)} times too fast",
            "severity": tier.severity,
            "condition": {
                "kind": "burnrate",
                "op": "gt",
                "threshold": float(exact(tier.factor)),
                "lookbackWindow": _shorthand(tier.long_seconds, f"{about}: alert {tier.name}: its window", losses),
            },
        },
    }
    spec = {
        "alertWhenBreaching": True,
        "alertWhenResolved": True,
        "alertWhenNoData": False,
        "conditions": [condition],
        "notificationTargets": [{"targetRef": tier.severity}],
    }
    return _document("AlertPolicy", name, spec, tier.name)


def _target(severity: str) -> _Document:
    return _document("AlertNotificationTarget", severity, {"target": severity}, severity)


def _document(kind: str, name: str, spec: _Document, shown: str) -> _Document:
    metadata = {"name": name, "displayName": shown[:_NAME_MAX]}
    return {"apiVersion": "openslo/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _source(selector: str) -> _Document:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": f"sum(\n  {selector}\n)"}}}


def _shorthand(seconds: float, what: str, losses: list[str]) -> str:
    """OpenSLO's durations: a whole number of one unit, and no seconds."""
    minutes = max(1, round(seconds / 60))
    if minutes * 60 != seconds:
        losses.append(f"{what} of {duration(seconds)} is written as {minutes}m: OpenSLO has no seconds")
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
