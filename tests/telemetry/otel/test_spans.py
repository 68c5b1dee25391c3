"""The span of a task, compared as a literal, and whose child it is."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from infrafabric.engine import SCRIBE
from infrafabric.testing import ADDER, contract, wat
from tests.telemetry.otel.conftest import configure

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from infrafabric.chassis import IFChassis
    from tests.telemetry.otel.conftest import Sdk

#: ``talk`` logs a line and answers, ``fall`` logs one and traps.
TALKER = wat(
    '(module (import "env" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)'
    '(data (i32.const 0) "hello there")'
    '(func (export "talk") (result i32) (call $log (i32.const 3) (i32.const 0) (i32.const 5)) i32.const 1)'
    '(func (export "fall") (call $log (i32.const 4) (i32.const 6) (i32.const 5)) unreachable))'
)


def literal(span: ReadableSpan) -> dict[str, Any]:
    """What of a span does not change from run to run."""
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": dict(span.attributes or {}),
        "status": (span.status.status_code, span.status.description),
        "events": [(event.name, dict(event.attributes or {})) for event in span.events],
    }


ABOUT = {"infrafabric.swarm.id": "s", "infrafabric.contract.version": "1.2.0"}


def said(level: str, text: str) -> tuple[str, dict[str, str]]:
    """The event of a line that the guest logged."""
    attributes = {"infrafabric.guest.log.level": level, "infrafabric.guest.log.message": text}
    return "infrafabric.guest.log", attributes


def test_a_task_that_succeeds(chassis: IFChassis, sdk: Sdk) -> None:
    """One span, no error.type, the guest's log as events inside its time."""
    chassis.load_swarm("s", TALKER, contract("s", version="1.2.0"))
    chassis.execute_task("s", "talk")
    (span,) = sdk.spans()
    assert literal(span) == {
        "name": "infrafabric.task",
        "kind": SpanKind.INTERNAL,
        "attributes": {**ABOUT, "infrafabric.task.name": "talk"},
        "status": (StatusCode.UNSET, None),
        "events": [said("warn", "hello")],
    }
    assert span.parent is None
    assert span.start_time is not None
    assert span.end_time is not None
    slack = 5_000_000  # two clocks read one after the other
    assert span.start_time - slack <= span.events[0].timestamp <= span.end_time + slack
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "infrafabric"


def test_a_task_that_traps(chassis: IFChassis, sdk: Sdk) -> None:
    """error.type is the outcome, the status carries the sentence, and what it said before is there."""
    chassis.load_swarm("s", TALKER, contract("s", version="1.2.0"))
    result = chassis.execute_task("s", "fall", check=False)
    (span,) = sdk.spans()
    assert literal(span) == {
        "name": "infrafabric.task",
        "kind": SpanKind.INTERNAL,
        "attributes": {**ABOUT, "infrafabric.task.name": "fall", "error.type": "trap"},
        "status": (StatusCode.ERROR, str(result.error)),
        "events": [said("error", "there")],
    }


@pytest.mark.parametrize(
    ("task", "params", "error", "shown"),
    [("nothing", None, "unknown_task", "_OTHER"), ("add", ["x", 1], "invalid_params", "add")],
)
def test_a_task_that_is_turned_away(
    chassis: IFChassis, sdk: Sdk, task: str, params: Any, error: str, shown: str
) -> None:
    """It has a span, too; a name that the caller made up does not reach it."""
    chassis.load_swarm("s", ADDER, contract("s", version="1.2.0"))
    chassis.execute_task("s", task, params, check=False)
    (span,) = sdk.spans()
    assert literal(span)["attributes"] == {**ABOUT, "infrafabric.task.name": shown, "error.type": error}


@pytest.mark.parametrize("way", ["execute", "submit", "async", "submit and wait for a turn"])
def test_the_callers_span_is_the_parent(chassis: IFChassis, sdk: Sdk, way: str) -> None:
    """Whichever thread runs the task, and also where it waits for its turn first."""
    one_a_second = {"max_api_calls_per_second": 20}
    chassis.load_swarm("s", ADDER, contract("s", resource_limits=one_a_second))
    tracer = trace.get_tracer("application")
    futures = []
    with tracer.start_as_current_span("request") as request:
        if way == "execute":
            chassis.execute_task("s", "add", [1, 2])
        elif way == "submit":
            futures = [chassis.submit_task("s", "add", [1, 2])]
        elif way == "async":
            asyncio.run(chassis.execute_task_async("s", "add", [1, 2]))
        else:
            futures = [chassis.submit_task("s", "add", [1, 2], wait=True) for _ in range(25)]
    assert all(future.result().ok for future in futures)
    assert len(sdk.spans()) == (len(futures) or 1)
    for span in sdk.spans():
        assert span.parent is not None
        assert span.parent.span_id == request.get_span_context().span_id
        assert span.context.trace_id == request.get_span_context().trace_id


def test_concurrent_callers_keep_their_own_parents(chassis: IFChassis, sdk: Sdk) -> None:
    """Eight threads, each in a span of its own."""
    chassis.load_swarm("s", ADDER, contract("s", resource_limits={"max_concurrent_tasks": 4}))
    tracer = trace.get_tracer("application")
    parents: list[int] = []

    def call() -> None:
        for _ in range(10):
            with tracer.start_as_current_span("request") as request:
                chassis.execute_task("s", "add", [1, 2])
                parents.append(request.get_span_context().span_id)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(span.parent.span_id for span in sdk.spans() if span.parent is not None) == sorted(parents)


def guest_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records of the swarm's logger."""
    SCRIBE.flush()
    return [record for record in caplog.records if record.name == "infrafabric.swarm.s"]


def test_guest_log_records_carry_the_ids_of_their_task(
    chassis: IFChassis, sdk: Sdk, caplog: pytest.LogCaptureFixture
) -> None:
    """Each record names the span of the task that wrote it."""
    with caplog.at_level(logging.DEBUG, "infrafabric.swarm"):
        chassis.load_swarm("s", TALKER, contract("s"))
        for _ in range(2):
            chassis.execute_task("s", "talk")
        records = guest_records(caplog)
    assert [(record.trace_id, record.span_id) for record in records] == [  # type: ignore[attr-defined]
        (format(span.context.trace_id, "032x"), format(span.context.span_id, "016x")) for span in sdk.spans()
    ]


@pytest.mark.usefixtures("no_sdk")
def test_a_task_that_is_not_sampled_costs_no_events_and_marks_no_records(
    chassis: IFChassis, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no span to find the record by."""
    sdk = configure(ALWAYS_OFF)
    with caplog.at_level(logging.DEBUG, "infrafabric.swarm"):
        chassis.load_swarm("s", TALKER, contract("s"))
        chassis.execute_task("s", "talk")
        (record,) = guest_records(caplog)
    assert not hasattr(record, "trace_id")
    assert sdk.spans() == []


def test_a_signal_that_ends_the_call_ends_its_span(chassis: IFChassis, sdk: Sdk) -> None:
    """No span stays open when an exception of the application leaves the call."""
    import signal  # noqa: PLC0415 - only here

    slow = wat('(module (func (export "run") (loop (br 0))))')
    chassis.load_swarm("s", slow, contract("s"))

    def raise_it(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            chassis.execute_task("s", "run")
    finally:
        signal.signal(signal.SIGALRM, before)
    (span,) = sdk.spans()
    assert (span.attributes or {})["error.type"] in {"interrupted", "cancelled"}


def test_a_change_of_an_objective_is_an_event(chassis: IFChassis, sdk: Sdk) -> None:
    """Of a span of its own, since it happens to no task in particular."""
    chassis.load_swarm("s", TALKER, contract("s"))
    for _ in range(20):
        chassis.execute_task("s", "fall", check=False)
    chassis.slo("s")
    events = [event for span in sdk.spans("infrafabric.change") for event in span.events]
    assert {event.name for event in events} == {"infrafabric.slo.state_changed"}
    told = [dict(event.attributes or {}) for event in events]
    assert any(
        facts["infrafabric.slo.state_changed.objective"] == "availability"
        and facts["infrafabric.slo.state_changed.current"] in {"firing", "exhausted"}
        for facts in told
    )
