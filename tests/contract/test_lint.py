"""Advice about valid contracts: each rule just inside and just outside, and only where it is due."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract import ServiceContract, advice_rules
from infrafabric.contract.alert_tiers import ALERT_TIERS, SLICE_SECONDS
from infrafabric.contract.files import check_text
from infrafabric.contract.lint import advise, lint
from infrafabric.contract.module_facts import DeniedImport, ExportFacts, ModuleFacts
from infrafabric.contract.reference import EXAMPLE
from infrafabric.contract.rules import Rule
from infrafabric.telemetry.slo.burn import plan_for, tiers_for
from infrafabric.telemetry.slo.objectives import OBJECTIVES, ObjectiveTargets

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
KNOWN = ("docs:tutorials", "docs:reference")
WHY = "its signature is not (i32) -> i32"
BUFFER = ExportFacts(signature="(i32, i32) -> i64", parameter_count=2, unfit={"cstring": WHY})
ADD = {"type": "object", "properties": {"a": {}, "b": {}}}


def rules_of(data: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    """Id and path of the advice about a contract."""
    return [(p.rule, p.path) for p in lint(ServiceContract.from_dict({"swarm_id": "s", **data}), **options)]


#: Contract and options, and the advice: rule and path. Neighbours without advice have none.
CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = [
    ("silent", {}, {}, []),
    (
        "latency-above",
        {"slos": {"target_latency_ms": 1000.001}, "resource_limits": {"max_execution_time_seconds": 1}},
        {},
        [("IF301", "slos.target_latency_ms")],
    ),
    (
        "latency-at",
        {"slos": {"target_latency_ms": 1000}, "resource_limits": {"max_execution_time_seconds": 1}},
        {},
        [],
    ),
    ("throughput-above", {"slos": {"target_throughput_rps": 10.5}}, {}, [("IF302", "slos.target_throughput_rps")]),
    (
        "task-latency-above",
        {"tasks": {"run": {"slos": {"target_latency_ms": 6000}}}, "resource_limits": {"max_execution_time_seconds": 5}},
        {},
        [("IF301", "tasks.run.slos.target_latency_ms")],
    ),
    (
        "task-throughput-above",
        {"tasks": {"a b": {"slos": {"target_throughput_rps": 10.5}}}},
        {},
        [("IF302", 'tasks["a b"].slos.target_throughput_rps')],
    ),
    (
        "task-without-own-objectives",  # what the swarm's are wrong in is said once
        {"tasks": {"run": {"slos": {}}}, "slos": {"target_throughput_rps": 11}},
        {},
        [("IF302", "slos.target_throughput_rps")],
    ),
    (
        "task-no-page",
        {"tasks": {"run": {"slos": {"target_availability_percent": 50}}}},
        {},
        [("IF303", "tasks.run.slos.target_availability_percent")],
    ),
    (
        "task-few-events",
        {"tasks": {"run": {"slos": {"target_throughput_rps": 69.4 / 3600}}}},
        {},
        [("IF304", "tasks.run.slos.target_throughput_rps")],
    ),
    ("throughput-at", {"slos": {"target_throughput_rps": 10}}, {}, []),
    (
        "fastest-page-unreachable",
        {"slos": {"latency_objective_percent": 93.05}},
        {},
        [("IF303", "slos.latency_objective_percent")],
    ),
    ("fastest-page-reachable", {"slos": {"latency_objective_percent": 93.06}}, {}, []),
    (
        "no-page",
        {"slos": {"target_availability_percent": 83.33}},
        {},
        [("IF303", "slos.target_availability_percent")],
    ),
    (
        "one-page",
        {"slos": {"throughput_objective_percent": 83.34}},
        {},
        [("IF303", "slos.throughput_objective_percent")],
    ),
    # 30 days at 99.9 %: one failure exceeds the fastest alert in fewer than 69.4 events an hour
    ("few-events", {"slos": {"target_throughput_rps": 69.4 / 3600}}, {}, [("IF304", "slos.target_throughput_rps")]),
    ("enough-events", {"slos": {"target_throughput_rps": 69.5 / 3600}}, {}, []),
    (
        "few-slices",  # 360 slices of 10 s in an hour: too few for 14.4 x 0.019 %
        {"slos": {"throughput_objective_percent": 99.981}},
        {},
        [("IF304", "slos.target_throughput_rps")],
    ),
    ("enough-slices", {"slos": {"throughput_objective_percent": 99.98}}, {}, []),
    ("period-short", {"slos": {"period": "4319m"}}, {}, [("IF305", "slos.period")]),
    ("period-long", {"slos": {"period": "4320m"}}, {}, []),
    (
        "capability-unknown",
        {"capabilities": ["docs:tutorials", "docs:tutorial"]},
        {"known_capabilities": KNOWN},
        [("IF306", "capabilities[1]")],
    ),
    ("capability-unjudged", {"capabilities": ["docs:tutorial"]}, {}, []),
    ("module-unpinned", {"module": {"path": "a.wasm"}}, {}, [("IF307", "module")]),
    ("module-pinned", {"module": {"path": "a.wasm", "sha256": "0" * 64}}, {}, []),
    (
        "log-impossible",
        {"resource_limits": {"max_log_bytes_per_second": 0}},
        {},
        [("IF308", "resource_limits.max_log_bytes_per_second")],
    ),
    (
        "log-off",
        {"resource_limits": {"max_log_bytes_per_second": 0}, "permissions": {"log": False}},
        {},
        [],
    ),
    (
        "import-denied",
        {},
        {"module": ModuleFacts(size_bytes=1, denied_imports=(DeniedImport(name="env.x", reason="no"),) * 2)},
        [("IF311", "permissions")] * 2,
    ),
    (
        "memory-above",
        {"resource_limits": {"max_memory_mb": 2}},
        {"module": ModuleFacts(size_bytes=1, memory_bytes=2 * MIB + 1)},
        [("IF312", "resource_limits.max_memory_mb")],
    ),
    (
        "memory-at",
        {"resource_limits": {"max_memory_mb": 2}},
        {"module": ModuleFacts(size_bytes=1, memory_bytes=2 * MIB)},
        [],
    ),
    (
        "size-above",
        {"resource_limits": {"max_module_mb": 1}},
        {"module": ModuleFacts(size_bytes=MIB + 1)},
        [("IF313", "resource_limits.max_module_mb")],
    ),
    ("size-at", {"resource_limits": {"max_module_mb": 1}}, {"module": ModuleFacts(size_bytes=MIB)}, []),
    (
        "task-missing",
        {"tasks": {"run": {}, "rum": {}}},
        {"module": ModuleFacts(size_bytes=1, exports={"run": BUFFER})},
        [("IF314", "tasks.rum")],
    ),
    (
        "abi-impossible",
        {"tasks": {"run": {"abi": "cstring"}}},
        {"module": ModuleFacts(size_bytes=1, exports={"run": BUFFER})},
        [("IF315", "tasks.run.abi")],
    ),
    (
        "abi-possible",
        {"tasks": {"run": {"abi": "buffer"}}},
        {"module": ModuleFacts(size_bytes=1, exports={"run": BUFFER})},
        [],
    ),
    (
        "parameters-too-many",
        {"tasks": {"run": {"abi": "scalar", "params": {**ADD, "properties": {"a": {}, "b": {}, "c": {}}}}}},
        {"module": ModuleFacts(size_bytes=1, exports={"run": BUFFER})},
        [("IF316", "tasks.run.params")],
    ),
    (
        "parameters-as-many",
        {"tasks": {"run": {"abi": "scalar", "params": ADD}}},
        {"module": ModuleFacts(size_bytes=1, exports={"run": BUFFER})},
        [],
    ),
    (
        "no-module-at-all",
        {"tasks": {"run": {}}},
        {"module": ModuleFacts(size_bytes=1, refusal="it is text")},
        [("IF317", "module")],
    ),
    ("ignored", {"slos": {"target_throughput_rps": 11}}, {"ignore": ("IF302",)}, []),
]


@pytest.mark.parametrize(("data", "options", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_advice_is_given_where_it_is_due(
    data: dict[str, Any], options: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Each rule speaks just outside of its bound, is silent just inside, and names the field."""
    assert rules_of(data, **options) == expected


def test_every_advice_has_a_case() -> None:
    """No rule of advice is without a test in which it speaks."""
    ids = {rule.id for rule in vars(advice_rules).values() if isinstance(rule, Rule)}
    assert {rule for row in CASES for rule, _ in row[3]} == ids


def test_messages_say_the_numbers_and_the_fix() -> None:
    """Advice gives the figures it was judged by and what to write."""
    texts: dict[str, list[str]] = {}
    for _, data, options, _ in CASES:
        for problem in lint(ServiceContract.from_dict({"swarm_id": "s", **data}), **options):
            texts.setdefault(problem.rule, []).append(f"{problem} | {problem.fix}")
    for rule, words in (
        ("IF301", "a target of 1,000.001 ms can never be missed: tasks are ended after 1,000 ms"),
        ("IF302", "10.5 tasks a second are promised, 10 admitted"),
        ("IF304", "a window of 3,600 s then holds about 360 slices of 10 s"),
        ("IF305", "throughput lack the page at 14.4x | choose a period of 3d or longer"),
        ("IF306", "did you mean docs:tutorials? | write docs:tutorials"),
        ("IF312", "begins with 2 MiB and gets 2 | write 3"),
        ("IF314", "did you mean run? | rename it to run"),
        (
            "IF315",
            f"(i32, i32) -> i64 cannot be called by cstring: {WHY} | choose buffer or",
        ),
        ("IF316", "it names 3 parameters and (i32, i32) -> i64 has 2"),
    ):
        assert any(words in text for text in texts[rule])
    for text in itertools.chain.from_iterable(texts.values()):
        assert text.isprintable()
        assert len(text) < 500


@pytest.mark.parametrize(
    ("percent", "severity", "words"), [(50, "error", "nobody is ever paged"), (90, "warning", "the page at 14.4x can")]
)
def test_an_objective_without_any_page_is_an_error(percent: float, severity: str, words: str) -> None:
    """Losing one alert is a warning; losing every page is an error. The fix removes what is reported as an error."""
    contract = ServiceContract("s", slos={"latency_objective_percent": percent})
    (problem,) = lint(contract)
    assert problem.severity == severity
    assert words in problem.message
    least = float((problem.fix or "").rpartition(" ")[2])
    assert all(p.severity != "error" for p in lint(contract.evolve(slos={"latency_objective_percent": least})))


@pytest.mark.parametrize(
    "seconds", [3600, 3660, 6479, 6480, 7200, 43_199, 43_200, 86_400, 259_199, 259_200, 604_800, 2_592_000, 7_776_000]
)
def test_the_table_of_alerts_is_the_engines(seconds: int) -> None:
    """Tiers, factors, windows and which of them a period is too short for are those that the SLO engine has."""
    plan = plan_for(seconds)
    for objective in ObjectiveTargets(period_seconds=seconds).objectives():
        assert objective.name in OBJECTIVES
        event_seconds = SLICE_SECONDS if objective.minimum_bucket_ns else 0
        assert objective.minimum_bucket_ns == event_seconds * 10**9
        kept, dropped = tiers_for(plan, objective.minimum_bucket_ns)
        ours = [tier for tier in ALERT_TIERS if tier.is_watched(seconds, event_seconds)]
        names = [(tier.severity, tier.factor.as_integer_ratio()) for tier in ours]
        assert names == [(tier.severity, tier.factor) for tier in kept]
        assert [float(tier.long_seconds(seconds)) for tier in ours] == [plan.windows[t.long].seconds for t in kept]
        assert len(ours) + len(dropped) == len(ALERT_TIERS)


def test_advice_points_at_what_is_written() -> None:
    """Of two fields that do not go together the written one is shown, in its line."""
    text = "swarm_id: s\nresource_limits:\n  max_api_calls_per_second: 5\n"
    (problem,) = advise(check_text(text)).problems
    assert (problem.rule, problem.path) == ("IF302", "resource_limits.max_api_calls_per_second")
    assert (problem.line, problem.column) == (3, 29)
    (problem,) = advise(check_text("swarm_id: s\ncapabilities: [x:y]"), known_capabilities=KNOWN).problems
    assert (problem.line, problem.column, problem.severity) == (2, 16, "warning")


def test_a_contract_with_errors_gets_no_advice() -> None:
    """First things first: what is wrong is all that is said."""
    checked = check_text("swarm_id: s\nslos: {target_throughput_rps: 11, period: 1y}")
    assert advise(checked) is checked
    unread = check_text("]")
    assert advise(unread) is unread


@pytest.mark.timing
def test_linting_one_file_is_quick_from_a_cold_start(tmp_path: Path) -> None:
    """A new process reads, judges and reports a contract with a parameter schema within 250 ms."""
    path = tmp_path / "contract.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    code = (
        "import sys\n"
        "from infrafabric.contract.files import check_file\n"
        "from infrafabric.contract.lint import advise\n"
        "from infrafabric.contract.report import format_problems\n"
        "checked = advise(check_file(sys.argv[1]))\n"
        "print(format_problems(checked.problems, checked.source))\n"
    )
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.25
