"""Each format's documents: what its tool or its specification demands of them, and that they mean one thing.

OpenSLO, Sloth, Pyrra and Grafana publish no validator that runs here; what is checked is what their specifications and
the validation in their sources demand.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract.writing import dump_yaml
from infrafabric.telemetry import ObjectiveTargets
from infrafabric.telemetry.export.formats import FORMATS
from infrafabric.telemetry.export.subject import ExportSubject
from tests.telemetry.export.promtool import check_expressions, check_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAY = 86_400
_DNS = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PERIODS = {"1h": 3600, "1d": _DAY, "7d": 7 * _DAY, "28d": 28 * _DAY, "30d": 30 * _DAY, "90d": 90 * _DAY}
#: Everything that Python takes for an id or a task's name and a template, a query or YAML might take for its own.
_HOSTILE = "x\"} or vector(1) # {{ .Labels }} {{.window}} $value ${datasource}: [y] '&*!"


def _subjects(period_seconds: int = 30 * _DAY, swarm_id: str = "analyzer-swarm", task: str = "analyze") -> list[Any]:
    targets = ObjectiveTargets(period_seconds=period_seconds, target_availability_percent=99.95)
    own = ObjectiveTargets(period_seconds=period_seconds, target_latency_ms=50)
    return [ExportSubject(swarm_id, targets), ExportSubject(swarm_id, own, task)]


def _leaves(plain: Any) -> Iterator[Any]:
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield key
            yield from _leaves(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from _leaves(value)
    else:
        yield plain


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("period", ["1h", "28d"])
def test_every_document_is_plain_data_that_yaml_and_json_give_back(format_name: str, period: str) -> None:
    """Of any period, and with any names; nothing in it is shared, which YAML would write as an alias."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only here

    for swarm_id, task in (("analyzer-swarm", "analyze"), (_HOSTILE, _HOSTILE)):
        export = FORMATS[format_name](_subjects(_PERIODS[period], swarm_id, task))
        for document in export.documents:
            assert json.loads(json.dumps(document, allow_nan=False)) == document
            text = dump_yaml(document)
            assert YAML(typ="safe", pure=True).load(text) == document
            assert "&id0" not in text
        assert all(loss and "\n" not in loss for loss in export.losses)


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "grafana"])
def test_every_format_counts_the_same_events(format_name: str) -> None:
    """Bad and all events of each objective are the same series in each, and nothing else is counted."""
    subjects = _subjects()
    wanted = {
        subject.selector(objective, result)
        for subject in subjects
        for objective in subject.targets.objectives()
        for result in (None, "bad")
    }
    text = "\n".join(str(leaf) for document in FORMATS[format_name](subjects).documents for leaf in _leaves(document))
    assert set(re.findall(r"infrafabric_slo_events_total\{[^}]*\}", text)) == wanted


@pytest.mark.parametrize("percent", [99.9, 99.95, 99.99, 99.999, 95, 33.3, 0.1])
@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "grafana"])
def test_objectives_are_written_as_the_decimals_that_they_are(format_name: str, percent: float) -> None:
    """No 0.9990000000000001, in text or as a number."""
    targets = ObjectiveTargets(target_availability_percent=percent, target_latency_ms=None, target_throughput_rps=None)
    export = FORMATS[format_name]([ExportSubject("a", targets)])
    text = "".join(dump_yaml(document) for document in export.documents)
    assert not re.search(r"\d\.\d*(0000000|9999999)", text), text
    assert re.search(rf"\b{re.escape(f'{percent:g}')}\b", text)


# --- Prometheus ------------------------------------------------------------------------------------


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("period", _PERIODS)
def test_promtool_accepts_the_rules_of_any_period_and_any_name(period: str, tmp_path: Path) -> None:
    """Templates, label values and queries are checked by it, too."""
    for subjects in (_subjects(_PERIODS[period]), _subjects(_PERIODS[period], _HOSTILE, _HOSTILE)):
        (rules,) = FORMATS["prometheus"](subjects).documents
        said = check_rules(tmp_path, rules)
        assert f"SUCCESS: {sum(len(group['rules']) for group in rules['groups'])} rules found" in said
        names = [group["name"] for group in rules["groups"]]
        assert len(set(names)) == len(names)
        records = [
            (rule["record"], str(rule["labels"])) for g in rules["groups"] for rule in g["rules"] if "record" in rule
        ]
        assert len(set(records)) == len(records)


@pytest.mark.parametrize(
    ("period", "kept"),
    [
        ("1h", 0),  # 30 s, 2 min, 6 min: short windows of 2.5 s, 10 s and 30 s hold no four scrapes
        ("1d", 3),  # 2 min has a short window of 10 s; 12 min has one of 60 s
        ("7d", 4),
        ("30d", 4),
        ("90d", 4),
    ],
)
def test_alerts_whose_windows_hold_too_few_scrapes_are_left_out_and_told(period: str, kept: int) -> None:
    """Just inside: a window of 60 s. Each of those left out is a loss, and no other."""
    targets = ObjectiveTargets(period_seconds=_PERIODS[period], target_latency_ms=None, target_throughput_rps=None)
    export = FORMATS["prometheus"]([ExportSubject("a", targets)])
    rules = [rule for group in export.documents[0]["groups"] for rule in group["rules"]]
    burning = [rule for rule in rules if rule.get("alert") == "InfrafabricErrorBudgetBurn"]
    assert len(burning) == kept
    assert all("short window" in loss for loss in export.losses)
    assert len(export.losses) == {"1h": 3, "1d": 1}.get(period, 0)
    assert [rule["alert"] for rule in rules if "alert" in rule][kept:] == ["InfrafabricErrorBudgetExhausted"]


def test_an_alert_that_can_never_fire_is_not_written_and_no_loss() -> None:
    """At 90 % a factor of 14.4 is above every error ratio; the engine calls it unreachable."""
    targets = ObjectiveTargets(target_availability_percent=90, target_latency_ms=None, target_throughput_rps=None)
    export = FORMATS["prometheus"]([ExportSubject("a", targets)])
    rules = [rule for group in export.documents[0]["groups"] for rule in group["rules"]]
    tiers = [rule["labels"]["infrafabric_slo_alert"] for rule in rules if "alert" in rule]
    assert tiers == ["page_6h", "ticket_1d", "ticket_3d", "exhausted"]
    assert export.losses == ()


def test_dashboards_for_sloth_find_what_they_read() -> None:
    """Its names and labels, for every objective."""
    (rules,) = FORMATS["prometheus"](_subjects()).documents
    by_id: dict[str, set[str]] = {}
    for rule in itertools.chain.from_iterable(group["rules"] for group in rules["groups"]):
        if "record" in rule:
            by_id.setdefault(rule["labels"]["sloth_id"], set()).add(rule["record"])
            assert {"sloth_service", "sloth_slo"} <= rule["labels"].keys()
    windows = {f"slo:sli_error:ratio_rate{window}" for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")}
    facts = {"objective:ratio", "error_budget:ratio", "time_period:days", "current_burn_rate:ratio"}
    facts |= {"period_burn_rate:ratio", "period_error_budget_remaining:ratio"}
    for records in by_id.values():
        assert records >= windows | {f"slo:{fact}" for fact in facts} | {"sloth_slo_info"}
    assert len(by_id) == 6


# --- OpenSLO ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", _PERIODS)
@pytest.mark.parametrize("names", [("analyzer-swarm", "analyze"), (_HOSTILE, _HOSTILE)], ids=["plain", "hostile"])
def test_openslo_documents_are_what_version_1_demands(period: str, names: tuple[str, str]) -> None:
    """Names, references, one condition a policy, durations without seconds, a target below 100."""
    documents = FORMATS["openslo"](_subjects(_PERIODS[period], *names)).documents
    by_kind: dict[str, dict[str, Any]] = {}
    for document in documents:
        assert document["apiVersion"] == "openslo/v1"
        assert document.keys() == {"apiVersion", "kind", "metadata", "spec"}
        _check_metadata(document["metadata"])
        named = by_kind.setdefault(document["kind"], {})
        assert document["metadata"]["name"] not in named
        named[document["metadata"]["name"]] = document["spec"]
    assert by_kind.keys() <= {"Service", "SLO", "AlertPolicy", "AlertNotificationTarget"}
    assert len(by_kind["SLO"]) == 6
    for spec in by_kind["SLO"].values():
        assert spec["service"] in by_kind["Service"]
        assert spec["budgetingMethod"] == "Occurrences"
        assert len(spec["description"]) <= 1050
        (window,) = spec["timeWindow"]
        assert window["isRolling"] is True
        _check_duration(window["duration"])
        (objective,) = spec["objectives"]
        assert 0 <= objective["targetPercent"] < 100
        _check_metadata(spec["indicator"]["metadata"])
        ratio = spec["indicator"]["spec"]["ratioMetric"]
        assert ratio.keys() == {"counter", "bad", "total"}
        assert all(ratio[side]["metricSource"]["spec"]["query"] for side in ("bad", "total"))
        assert all(policy["alertPolicyRef"] in by_kind["AlertPolicy"] for policy in spec["alertPolicies"])
    for spec in by_kind["AlertPolicy"].values():
        (condition,) = spec["conditions"]
        assert condition["kind"] == "AlertCondition"
        _check_metadata(condition["metadata"])
        burn = condition["spec"]["condition"]
        assert condition["spec"]["severity"] in {"page", "ticket"}
        assert burn["kind"] == "burnrate"
        assert burn["op"] == "gt"
        assert burn["threshold"] in {14.4, 6, 3, 1}
        _check_duration(burn["lookbackWindow"])
        assert all(target["targetRef"] in by_kind["AlertNotificationTarget"] for target in spec["notificationTargets"])
        assert spec["notificationTargets"]


def _check_metadata(metadata: dict[str, Any]) -> None:
    assert _DNS.fullmatch(metadata["name"]), metadata
    assert len(metadata.get("displayName", "")) <= 63
    for key in metadata.get("annotations", {}):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", key)


def _check_duration(text: str) -> None:
    assert re.fullmatch(r"[1-9][0-9]*[mhdwMQY]", text), text


def test_openslo_says_which_windows_it_had_to_round() -> None:
    """At 30 days all are whole minutes; at 28 days the shortest long one is 56 minutes, at 1 hour 30 seconds."""
    assert not [loss for loss in FORMATS["openslo"](_subjects(28 * _DAY)).losses if "written as" in loss]
    rounded = [loss for loss in FORMATS["openslo"](_subjects(3600)).losses if "written as" in loss]
    assert any("page_30s: its window of 30s is written as 1m" in loss for loss in rounded)


# --- Sloth and Pyrra -------------------------------------------------------------------------------


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("names", [("analyzer-swarm", "analyze"), (_HOSTILE, _HOSTILE)], ids=["plain", "hostile"])
def test_sloth_specs_are_what_sloth_demands(names: tuple[str, str], tmp_path: Path) -> None:
    """Names, unique ids, an objective of 0 to 100, queries with the window in them that Prometheus can parse."""
    name = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]")
    ids, queries = [], []
    for document in FORMATS["sloth"](_subjects(30 * _DAY, *names)).documents:
        assert document["version"] == "prometheus/v1"
        assert name.fullmatch(document["service"])
        for slo in document["slos"]:
            assert name.fullmatch(slo["name"])
            ids.append((document["service"], slo["name"]))
            assert 0 < slo["objective"] <= 100
            assert slo["alerting"]["name"]
            events = slo["sli"]["events"]
            assert events["error_query"] != events["total_query"]
            for query in (events["error_query"], events["total_query"]):
                assert re.search(r"\[{{ *\.window *}}\]", query)
                queries.append(query.replace("[{{.window}}]", "[5m]"))
    assert len(set(ids)) == len(ids) == 6
    check_expressions(tmp_path, queries)


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("names", [("analyzer-swarm", "analyze"), (_HOSTILE, _HOSTILE)], ids=["plain", "hostile"])
def test_pyrra_objectives_are_what_its_resource_definition_demands(names: tuple[str, str], tmp_path: Path) -> None:
    """A target in text, a window, and two metrics that are selectors and nothing more."""
    documents = FORMATS["pyrra"](_subjects(7 * _DAY, *names)).documents
    selectors = []
    for document in documents:
        assert (document["apiVersion"], document["kind"]) == ("pyrra.dev/v1alpha1", "ServiceLevelObjective")
        assert _DNS.fullmatch(document["metadata"]["name"])
        spec = document["spec"]
        assert isinstance(spec["target"], str)
        assert 0 < float(spec["target"]) < 100
        assert spec["window"] == "7d"
        ratio = spec["indicator"]["ratio"]
        selectors += [ratio["errors"]["metric"], ratio["total"]["metric"]]
    assert len({document["metadata"]["name"] for document in documents}) == 6
    # Only a selector of a vector can be followed by a range.
    check_expressions(tmp_path, [f"rate({selector}[5m])" for selector in selectors])


# --- Grafana ---------------------------------------------------------------------------------------


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("names", [("analyzer-swarm", "analyze"), (_HOSTILE, _HOSTILE)], ids=["plain", "hostile"])
def test_the_dashboard_is_laid_out_and_every_query_parses(names: tuple[str, str], tmp_path: Path) -> None:
    """Ids are unique, panels fit into 24 columns and do not overlap, each panel asks something."""
    (board,) = FORMATS["grafana"](_subjects(30 * _DAY, *names)).documents
    assert len(board["uid"]) <= 40
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    queries = []
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        refs = [target["refId"] for target in panel["targets"]]
        assert refs
        assert len(set(refs)) == len(refs)
        queries += [target["expr"].replace("$__rate_interval", "1m") for target in panel["targets"]]
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {"steps": [{"value": None}]})["steps"]
        assert steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values)
    check_expressions(tmp_path, queries)


def test_the_dashboard_shows_each_objective_and_the_limits_beside_them() -> None:
    """What was promised stands in the row's title."""
    (board,) = FORMATS["grafana"](_subjects()).documents
    titles = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert titles == [
        "swarm analyzer-swarm: availability, 99.95 % of tasks over 30d",
        "swarm analyzer-swarm: latency, 99 % of successful tasks within 0.1 s over 30d",
        "swarm analyzer-swarm: throughput, 99 % of 10-second slices serve 10 a second, or all that came, over 30d",
        "swarm analyzer-swarm, task analyze: availability, 99.9 % of tasks over 30d",
        "swarm analyzer-swarm, task analyze: latency, 99 % of successful tasks within 0.05 s over 30d",
        titles[2].replace("analyzer-swarm", "analyzer-swarm, task analyze"),
        "swarm analyzer-swarm: tasks, and use beside its limits",
    ]
