"""Tasks over HTTP: what goes in, what comes out, and what each ending answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.errors import Outcome
from infrafabric.server.answers import result_json
from infrafabric.server.asgi import to_json
from infrafabric.server.problems import STATUSES, TITLES
from infrafabric.testing import ADDER, wat
from tests.server.serving import BUSY, ECHO, load, running, wait_until

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from tests.server.serving import Running

JSON = {"Content-Type": "application/json"}


def test_a_task_answers_with_its_whole_result(served: Running, chassis: IFChassis) -> None:
    """The body is the same data as Python's `TaskResult.to_dict`, but for the times."""
    answer = served.post("adder", "add", [2, 3])
    ours = chassis.execute_task("adder", "add", [2, 3]).to_dict()
    theirs = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert theirs.keys() == ours.keys()
    for key in ("status", "swarm_id", "task_name", "output", "logs", "metadata", "error"):
        assert theirs[key] == ours[key]


@pytest.mark.parametrize(
    ("body", "content_type", "output"),
    [
        (b'{"a": [1, "\xc3\xa4"]}', "application/json", {"a": [1, "ä"]}),
        (b"[1]", "application/vnd.mine+json; charset=UTF-8", [1]),
        ("gr\u00fc\u00df".encode(), "text/plain; charset=utf-8", "grüß"),
        (b"\xff\x00", "application/octet-stream", {"base64": "/wA="}),
        (b"[1]", "application/octet-stream", [1]),
    ],
    ids=["json", "json-by-another-name", "text", "bytes", "bytes-are-not-read"],
)
def test_bodies_reach_the_guest_by_their_type(served: Running, body: bytes, content_type: str, output: Any) -> None:
    """JSON arrives as its value, text and bytes as they are; the echo says so."""
    answer = served.post("echo", "echo", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["output"]) == (200, output)


@pytest.mark.parametrize(
    ("sent", "accept", "content_type", "body"),
    [
        (b'"a"', "application/octet-stream", "application/octet-stream", b"a"),
        (b"[1,  2]", "text/plain", "text/plain; charset=utf-8", b"[1,2]"),
        (b'"a"', "text/*;q=0.9, application/json;q=0.1", "text/plain; charset=utf-8", b"a"),
        (b"\xff\xfe", "text/plain", "application/octet-stream", b"\xff\xfe"),
    ],
    ids=["octets", "text", "by-weight", "bytes-are-no-text"],
)
def test_the_output_alone_is_sent_when_asked_for(
    served: Running, sent: bytes, accept: str, content_type: str, body: bytes
) -> None:
    """``Accept`` chooses between the whole result and the raw output."""
    kind = "application/octet-stream" if sent.startswith(b"\xff") else "application/json"
    answer = served.post("echo", "echo", content=sent, headers={"Content-Type": kind, "Accept": accept})
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, content_type, body)


def test_no_body_is_no_parameters(served: Running) -> None:
    """An export without parameters is called without any."""
    answer = served.post("busy", "fall")
    assert (answer.status_code, answer.json()["code"]) == (502, "trap")


@pytest.mark.parametrize(
    ("path", "options", "status", "code"),
    [
        ("nobody/tasks/add", {"json": [1, 2]}, 404, "not_loaded"),
        ("adder/tasks/none", {"json": [1, 2]}, 404, "unknown_task"),
        ("adder/tasks/add", {"json": [1]}, 422, "invalid_params"),
        ("adder/tasks/add", {"content": b"[1,", "headers": JSON}, 400, "bad_json"),
        ("adder/tasks/add", {"content": b"[1, 2]"}, 415, "unsupported_media_type"),
        ("adder/tasks/add", {"data": {"a": "1"}}, 415, "unsupported_media_type"),
        ("adder/tasks/add", {"json": [1, 2], "headers": {"Content-Encoding": "gzip"}}, 415, "unsupported_media_type"),
        ("adder/tasks/add", {"json": [1, 2], "headers": {"Accept": "image/png"}}, 406, "not_acceptable"),
        ("adder/tasks/add?timeout_seconds=0", {"json": [1, 2]}, 400, "bad_query"),
        ("adder/tasks/add?timeout_seconds=nan", {"json": [1, 2]}, 400, "bad_query"),
        ("adder/tasks/add?timeout=1", {"json": [1, 2]}, 400, "bad_query"),
        ("adder/tasks/add?wait=maybe", {"json": [1, 2]}, 400, "bad_query"),
        ("adder/tasks/add?wait=1&wait=1", {"json": [1, 2]}, 400, "bad_query"),
        ("busy/tasks/fall", {}, 502, "trap"),
        ("busy/tasks/spin?timeout_seconds=0.05", {}, 504, "timeout"),
        ("busy/tasks/spin", {"headers": {"Infrafabric-Timeout": "0.05"}}, 504, "timeout"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_failure_is_a_problem_with_its_code(
    served: Running, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    """Problem details (RFC 9457): the type is our code, the status fits whom it blames."""
    answer = served.client.post(f"/v1/swarms/{path}", **options)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["type"], problem["code"]) == (status, status, code, code)
    assert problem["title"] == TITLES[code]
    assert problem["detail"]


def test_a_failed_task_tells_what_it_used(served: Running) -> None:
    """The problem of a task that ran carries blame, swarm, task, usage and what the engine knows of a trap."""
    problem = served.post("busy", "fall").json()
    assert (problem["blame"], problem["swarm"], problem["task"]) == ("guest", "busy", "fall")
    assert problem["usage"]["wall_seconds"] > 0
    assert problem["trap_code"] == "unreachable_code_reached"


def test_a_timeout_of_the_caller_is_the_callers(served: Running) -> None:
    """A deadline that the request shortened does not blame the guest."""
    assert served.client.post("/v1/swarms/busy/tasks/spin?timeout_seconds=0.05").json()["blame"] == "caller"


def test_every_outcome_has_a_status_and_a_title() -> None:
    """No way to end is without an answer; only success is 200."""
    assert set(STATUSES) == set(Outcome)
    assert {outcome.code for outcome in Outcome} - {"success"} <= set(TITLES)
    assert [outcome for outcome, status in STATUSES.items() if status < 400] == [Outcome.SUCCESS]


def test_a_rate_that_is_used_up_says_when_to_come_again(chassis: IFChassis) -> None:
    """429 with Retry-After in whole seconds, and exactly in the problem; ``wait`` is admitted instead."""
    load(chassis, "slow", resource_limits={"max_api_calls_per_second": 1})
    with running(chassis) as server:
        assert server.post("slow", "add", [1, 2]).status_code == 200
        refused = server.post("slow", "add", [1, 2])
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert 0 < refused.json()["retry_after_seconds"] <= 1
        waited = server.client.post("/v1/swarms/slow/tasks/add?wait=true", json=[1, 2])
        assert (waited.status_code, waited.json()["output"]) == (200, 3)


def test_a_full_swarm_is_busy(chassis: IFChassis) -> None:
    """503 from a swarm that runs and queues all it may; a task that fits is taken."""
    load(chassis, "one", BUSY, resource_limits={"max_concurrent_tasks": 1, "max_queued_tasks": 0})
    with running(chassis) as server:
        holding = chassis.submit_task("one", "spin")
        answer = server.post("one", "work", [1])
        assert (answer.status_code, answer.json()["code"], answer.json()["blame"]) == (503, "busy", "operator")
        holding.cancel()
        wait_until(holding.done)
        assert server.post("one", "work", [1]).status_code == 200


def test_names_of_tasks_are_taken_as_they_are(chassis: IFChassis) -> None:
    """An export may be named like a path, or like markup: percent-encoded, it is found, and shown as text."""
    from urllib.parse import quote  # noqa: PLC0415 - only here

    from infrafabric.testing import wat  # noqa: PLC0415 - only here

    name = 'a/b?<script>\n"ä'
    shown = json.dumps(name).replace("\\n", "\\0a").replace("\\u00e4", "\\c3\\a4")
    load(chassis, "odd", wat(f"(module (func (export {shown}) (result i32) i32.const 7))"))
    with running(chassis) as server:
        answer = server.client.post(f"/v1/swarms/odd/tasks/{quote(name, safe='')}")
        assert (answer.status_code, answer.json()["output"]) == (200, 7)
        assert name in server.client.get("/v1/swarms/odd").json()["tasks"][0]["name"]


@pytest.mark.parametrize(
    ("module", "task", "params"),
    [
        (ADDER, "add", [1, 2]),
        (ECHO, "echo", {"a": [None, True, {"b": "\u202e"}]}),
        (ECHO, "echo", b"\xff"),
        (wat('(module (func (export "nan") (result f64) f64.const nan))'), "nan", []),
        (wat('(module (func (export "two") (result f64 i32) f64.const -inf i32.const 1))'), "two", []),
        (
            wat(
                '(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)'
                ' (data (i32.const 0) "a\\1b[31m") (func (export "say") (call $log (i32.const 0) (i32.const 6))))'
            ),
            "say",
            [],
        ),
    ],
    ids=["scalar", "json", "bytes", "nan", "infinity", "logs"],
)
def test_the_json_of_a_result_is_its_to_dict(chassis: IFChassis, module: bytes, task: str, params: Any) -> None:
    """Written another way, because that is faster."""
    load(chassis, "any", module)
    result = chassis.execute_task("any", task, params)
    assert result_json(result) == to_json(result.to_dict())


def test_a_slow_guest_does_not_hold_the_event_loop(served: Running) -> None:
    """While guests spin in every slot, others are served."""
    import threading  # noqa: PLC0415 - only here

    spins = [
        threading.Thread(target=served.client.post, args=("/v1/swarms/busy/tasks/spin?timeout_seconds=1",))
        for _ in range(4)
    ]
    for spin in spins:
        spin.start()
    assert [served.post("adder", "add", [n, 1]).json()["output"] for n in range(5)] == [1, 2, 3, 4, 5]
    assert any(spin.is_alive() for spin in spins)
    for spin in spins:
        spin.join()


def test_large_parameters_and_answers_go_the_long_way(served: Running) -> None:
    """What takes long to read or write does so off the event loop, and comes out the same."""
    text = "ä" * 300_000
    answer = served.post("echo", "echo", json=[text])
    assert (answer.status_code, answer.json()["output"]) == (200, [text])
    refused = served.post("echo", "echo", content=b"[" + b" " * 100_000, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_json")
