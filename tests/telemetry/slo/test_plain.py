"""A snapshot read back from its plain data is the same snapshot."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, explain, numbers
from infrafabric.telemetry.slo.plain import snapshot_from_dict
from tests.telemetry.slo.world import World


def _busy_world(period_seconds: int = 3600) -> World:
    world = World(ObjectiveTargets(period_seconds=period_seconds))
    for outcome in Outcome:
        world.record(outcome, times=3)
        world.pass_seconds(11)
    world.engine.exclude(world.wall_ns / 1e9 - 30, None, reason="deploy", author="ada")
    return world


@pytest.mark.parametrize("period_seconds", [3600, 7 * 86_400, 30 * 86_400, 90 * 86_400])
def test_through_json_and_back_nothing_is_lost(period_seconds: int) -> None:
    """Alerts, dropped alerts, exclusions, endings: all of it, and every number can still be explained."""
    snapshot = _busy_world(period_seconds).snapshot()
    again = snapshot_from_dict(json.loads(json.dumps(snapshot.to_dict())))
    assert again == snapshot
    assert [explain(again, number) for number in numbers(again)] == [explain(snapshot, n) for n in numbers(snapshot)]


def test_a_snapshot_without_events_comes_back_too() -> None:
    """None where there is no ratio."""
    snapshot = World().snapshot()
    assert snapshot_from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot


def _put(plain: dict[str, Any], path: str, value: Any) -> None:
    *folders, leaf = path.split("/")
    for name in folders:
        plain = plain[name]
    plain[leaf] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("subject", 7, "subject is 7; expected str"),
        ("taken_at", "now", "taken_at is 'now'; expected float"),
        ("taken_at", True, "taken_at is True; expected float"),
        ("state", "fine", "state is 'fine', which is no state"),
        ("objectives", [], "objectives is \\[\\]; expected a mapping"),
        ("objectives/latency", 1, "objectives.latency is 1; expected a mapping"),
        ("objectives/latency/alerts/page_1h/factor", None, "objectives.latency.alerts.page_1h.factor is None"),
        ("failures/trap", 1.5, "failures.trap.events is 1.5; expected int"),
        ("coverage", {}, "coverage has no ratio"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(path: str, value: Any, message: str) -> None:
    """A report that somebody edited, or of another version."""
    plain = copy.deepcopy(_busy_world(30 * 86_400).snapshot().to_dict())
    assert snapshot_from_dict(plain).subject == "swarm"
    _put(plain, path, value)
    with pytest.raises(ValueError, match=message):
        snapshot_from_dict(plain)


@pytest.mark.parametrize("plain", [None, [], "x", {}])
def test_what_is_no_snapshot_at_all_is_refused(plain: Any) -> None:
    """An empty file's JSON, or another program's."""
    with pytest.raises(ValueError, match="the snapshot"):
        snapshot_from_dict(plain)
