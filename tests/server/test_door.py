"""Who may ask: tokens, hosts, origins; the probes that anybody may; and what is nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.server import Server, ServerSettings
from tests.server.serving import TOKEN, running, wait_until
from tests.server.sockets import connected

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from tests.server.serving import Running

TASK = "/v1/swarms/adder/tasks/add"


@pytest.mark.parametrize(
    "header",
    [None, "Bearer", "Bearer wrong-token-of-length", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"],
    ids=["none", "no-token", "wrong", "longer", "shorter", "other-scheme"],
)
def test_without_the_token_nothing_runs(guarded: Running, chassis: IFChassis, header: str | None) -> None:
    """401 that says how to send it; no task was even called."""
    guarded.client.headers.pop("Authorization")
    answer = guarded.client.post(TASK, json=[1, 2], headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    stats = chassis.get_runtime_stats("adder")
    assert stats is not None
    assert stats["tasks_total"] == 0


@pytest.mark.parametrize(
    "path", ["/v1/swarms", "/v1/swarms/adder", "/metrics", "/openapi.json", "/v1/board", "/nowhere"]
)
def test_everything_but_the_probes_needs_the_token(guarded: Running, path: str) -> None:
    """Not even what is not there is told to whoever has none."""
    assert guarded.client.get(path).status_code in {200, 404, 501}
    guarded.client.headers.pop("Authorization")
    assert guarded.client.get(path).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_neither_token_nor_name(guarded: Running, path: str) -> None:
    """An orchestrator knows neither."""
    guarded.client.headers.pop("Authorization")
    assert guarded.client.get(path, headers={"Host": "10.1.2.3:8080"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("swarms.example", 200), ("SWARMS.example:443", 200), ("127.0.0.1", 200), ("evil.example", 421), ("", 421)],
)
def test_only_known_names_are_answered(guarded: Running, host: str, status: int) -> None:
    """A page whose name was pointed at this machine is somebody else's (DNS rebinding)."""
    assert guarded.client.get("/v1/swarms", headers={"Host": host}).status_code == status


def test_a_page_of_another_origin_runs_nothing(served: Running) -> None:
    """A browser may send text to loopback without asking first; the server looks at where it came from."""
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    answer = served.client.post(TASK, content=b"[1, 2]", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "cross_origin")


@pytest.mark.parametrize("sent", [b"", b"token="], ids=["nothing", "half"])
def test_a_stranger_who_leaves_the_form_is_in_no_log(
    guarded: Running, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """What anybody can do without the token costs no traceback."""
    with connected(guarded.server.port) as raw:
        raw.send(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n" + sent)
        wait_until(lambda: guarded.server.server_state.tasks)
    wait_until(lambda: not guarded.server.server_state.tasks)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_mistake_of_ours_tells_its_text_to_the_log_alone(
    chassis: IFChassis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets the kind of the error: its text may hold paths, or what belongs to somebody else."""

    def broken(_chassis: IFChassis) -> None:
        raise RuntimeError("/a/private/path")

    monkeypatch.setattr("infrafabric.server.describing.swarms", broken)
    with running(chassis) as server:
        answer = server.client.get("/v1/swarms")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "RuntimeError" in answer.text
    assert "private" not in answer.text
    assert "/a/private/path" in caplog.text


def test_other_machines_need_a_token(chassis: IFChassis) -> None:
    """Listening on more than loopback without a token is refused before anything is bound."""
    with pytest.raises(ValueError, match="needs a token"):
        Server(chassis, ServerSettings(host="0.0.0.0", port=0))  # noqa: S104 - that is what is refused
    with running(chassis, ServerSettings(host="0.0.0.0", port=0, token=TOKEN)) as server:  # noqa: S104
        assert server.client.get("/v1/swarms").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/nowhere", 404, "not_found", None),
        ("GET", "/v1/swarms/nobody", 404, "not_loaded", None),
        ("GET", "/v1/swarms/nobody/slo", 404, "not_loaded", None),
        ("GET", TASK, 405, "method_not_allowed", "POST"),
        ("DELETE", "/v1/swarms", 405, "method_not_allowed", "GET, HEAD"),
        ("POST", "/health", 405, "method_not_allowed", "GET, HEAD"),
        ("POST", "/metrics", 405, "method_not_allowed", "GET, HEAD"),
        ("GET", "/v1/swarms?all=1", 400, "bad_query", None),
        ("GET", "/metrics", 501, "metrics_missing", None),
    ],
    ids=str,
)
def test_what_is_not_there_is_a_problem(
    served: Running, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    """Every refusal has the same form, and 405 says what is allowed."""
    answer = served.client.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("allow") == allow


def test_swarms_are_listed_and_described(served: Running, chassis: IFChassis) -> None:
    """The list in load order; of one swarm the contract, its digest, tasks and figures; and its objectives."""
    assert [swarm["swarm_id"] for swarm in served.client.get("/v1/swarms").json()["swarms"]] == [
        "adder",
        "echo",
        "busy",
    ]
    described: dict[str, Any] = served.client.get("/v1/swarms/adder").json()
    contract = chassis.get_swarm_contract("adder")
    assert contract is not None
    assert described["digest"] == contract.digest
    assert described["contract"]["resource_limits"] == dict(contract.resource_limits)
    assert [(task["name"], task["signature"]) for task in described["tasks"]] == [("add", "(i32, i32) -> i32")]
    assert described["reload_error"] is None
    assert served.client.get("/v1/swarms/adder/slo").json()["subject"] == "adder"


def test_head_answers_without_a_body(served: Running) -> None:
    """HEAD has the headers of GET."""
    answer = served.client.head("/v1/swarms")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_the_dashboard_is_served_beside_the_tasks(served: Running) -> None:
    """Its page and its JSON are those of this chassis."""
    assert "adder" in served.client.get("/dashboard/").text
    assert served.client.get("/v1/overview").json()["swarms"] == 3
    assert served.client.get("/v1/swarms/adder/page").json()["swarm_id"] == "adder"
