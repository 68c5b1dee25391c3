"""Contracts in files: loaded together, and taken in again when they change, without losing a task."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.server import Deployment
from infrafabric.testing import ADDER, wat
from tests.server.serving import running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import IFChassis
    from tests.server.serving import Running


def answering(number: int) -> bytes:
    """A module whose ``answer`` is a number."""
    return wat(f'(module (func (export "answer") (result i32) i32.const {number}))')


def write(path: Path, data: str | bytes) -> None:
    """Replace a file as editors do: write another and rename it."""
    other = path.with_name(f".{path.name}.new")
    other.write_bytes(data.encode() if isinstance(data, str) else data)
    other.replace(path)


def contract(swarm_id: str, module: str, version: str = "1.0.0") -> str:
    """A contract's text."""
    return (
        f'swarm_id: {swarm_id}\nversion: "{version}"\nmodule: {{path: {module}}}\n'
        "resource_limits: {max_api_calls_per_second: 100000, max_cpu_percent: 400, max_concurrent_tasks: 4, "
        "max_queued_tasks: 1000}\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the contracts ``a`` and ``b``, each with its module."""
    for name, number in (("a", 1), ("b", 2)):
        write(tmp_path / f"{name}.wasm", answering(number))
        write(tmp_path / f"{name}.yaml", contract(name, f"{name}.wasm"))
    return tmp_path


@pytest.fixture
def watched(chassis: IFChassis, folder: Path) -> Iterator[tuple[Running, Path]]:
    """A server that watches the folder."""
    deployment = Deployment(chassis, [folder])
    assert deployment.load() == ()
    with running(chassis, deployment=deployment, watch=True) as server:
        yield server, folder


def answer_of(server: Running, swarm: str) -> Any:
    """What a swarm answers now; None when it is not loaded."""
    answer = server.post(swarm, "answer")
    return answer.json()["output"] if answer.status_code == 200 else None


# --- loading ------------------------------------------------------------------------------------------


def test_every_broken_contract_is_reported_at_once(chassis: IFChassis, folder: Path) -> None:
    """What is right is loaded; each of the others tells its file, line and column, or what else is wrong."""
    write(folder / "c.yaml", "swarm_id: c\nverion: 1\n")
    write(folder / "d.toml", 'swarm_id = "d"\n')
    write(folder / "e.json", '{"swarm_id": "e", "module": {"path": "missing.wasm"}}')
    write(folder / "f.yaml", contract("a", "a.wasm"))
    write(folder / "g.yaml", contract("g", "g.wasm"))
    write(folder / "g.wasm", b"no module")
    reports = {failure.path.name: failure.report for failure in Deployment(chassis, [folder]).load()}
    assert list(reports) == ["c.yaml", "d.toml", "e.json", "f.yaml", "g.yaml"]
    assert reports["c.yaml"].startswith(f"{folder}/c.yaml:2:1: error IF101 verion: unknown key")
    assert "names no module" in reports["d.toml"]
    assert reports["e.json"].startswith(f"{folder}/e.json:1:")
    assert f"comes from {folder}/a.yaml already" in reports["f.yaml"]
    assert "WASM compilation failed for 'g'" in reports["g.yaml"]
    assert chassis.list_loaded_swarms() == ["a", "b"]


def test_only_contracts_of_the_folder_itself_are_meant(chassis: IFChassis, folder: Path) -> None:
    """Not those below, hidden ones, or what editors leave behind."""
    (folder / "below").mkdir()
    for name in ("below/c.yaml", ".d.yaml", "~e.yaml", "#f.yaml", "g.yaml~"):
        (folder / name).write_text("no contract: [", encoding="utf-8")
    assert Deployment(chassis, [folder]).load() == ()
    assert chassis.list_loaded_swarms() == ["a", "b"]


def test_a_module_can_be_given_to_a_contract_that_names_none(chassis: IFChassis, tmp_path: Path) -> None:
    """By the swarm's id; an id that no contract has is told."""
    write(tmp_path / "c.yaml", "swarm_id: c\n")
    write(tmp_path / "other.wasm", ADDER)
    modules = {"c": tmp_path / "other.wasm", "d": tmp_path / "other.wasm"}
    deployment = Deployment(chassis, [tmp_path / "c.yaml"], modules)
    assert deployment.load() == ()
    assert deployment.unused_modules() == ["d"]
    assert chassis.execute_task("c", "add", [1, 2]).output == 3


def test_a_module_that_would_never_end_is_refused(chassis: IFChassis, tmp_path: Path) -> None:
    """A pipe would hold the look at all files for ever, and a device has no end."""
    write(tmp_path / "c.yaml", "swarm_id: c\n")
    os.mkfifo(tmp_path / "pipe.wasm")
    for module in (tmp_path / "pipe.wasm", Path("/dev/zero")):
        (failure,) = Deployment(chassis, [tmp_path / "c.yaml"], {"c": module}).load()
        assert "cannot be read: it is not a regular file" in failure.report


# --- watching -----------------------------------------------------------------------------------------


def test_a_changed_module_is_taken_in(watched: tuple[Running, Path]) -> None:
    """The next tasks are answered by the new one."""
    server, folder = watched
    write(folder / "a.wasm", answering(11))
    wait_until(lambda: answer_of(server, "a") == 11)
    assert answer_of(server, "b") == 2


def test_a_changed_contract_is_taken_in(watched: tuple[Running, Path]) -> None:
    """Its version is the new one's."""
    server, folder = watched
    write(folder / "a.yaml", contract("a", "a.wasm", "2.0.0"))
    wait_until(lambda: server.client.get("/v1/swarms/a").json()["version"] == "2.0.0")


def test_a_file_that_is_only_touched_changes_nothing(chassis: IFChassis, folder: Path) -> None:
    """The same text and bytes are the same swarm."""
    deployment = Deployment(chassis, [folder])
    deployment.load()
    before = chassis.swarm_runtimes["a"]
    write(folder / "a.yaml", contract("a", "a.wasm") + "# a remark\n")
    os.utime(folder / "a.wasm")
    deployment.rescan()
    assert chassis.swarm_runtimes["a"] is before


def test_files_come_and_go(watched: tuple[Running, Path]) -> None:
    """A new contract is loaded, a deleted one unloaded, one with another id is another swarm."""
    server, folder = watched
    write(folder / "c.yaml", contract("c", "a.wasm"))
    wait_until(lambda: answer_of(server, "c") == 1)
    (folder / "b.yaml").unlink()
    wait_until(lambda: server.post("b", "answer").status_code == 404)
    write(folder / "c.yaml", contract("d", "b.wasm"))
    wait_until(lambda: answer_of(server, "d") == 2)
    wait_until(lambda: server.post("c", "answer").status_code == 404)
    assert server.client.get("/ready").status_code == 200


def test_a_file_that_gets_another_name_stays_loaded(chassis: IFChassis, folder: Path) -> None:
    """Nothing is unloaded for it, not even for a moment."""
    deployment = Deployment(chassis, [folder])
    deployment.load()
    before = chassis.swarm_runtimes["a"]
    (folder / "a.yaml").rename(folder / "z.yaml")
    assert not deployment.rescan()
    assert chassis.swarm_runtimes["a"] is before
    assert deployment.failures() == ()


def test_a_file_that_is_away_for_a_moment_is_not_unloaded(chassis: IFChassis, folder: Path) -> None:
    """Some editors remove a file before they write it; it is deleted when it is gone at two looks."""
    deployment = Deployment(chassis, [folder])
    deployment.load()
    text = (folder / "a.yaml").read_text(encoding="utf-8")
    (folder / "a.yaml").unlink()
    assert deployment.rescan()
    assert chassis.list_loaded_swarms() == ["a", "b"]
    write(folder / "a.yaml", text)
    assert not deployment.rescan()
    (folder / "a.yaml").unlink()
    assert deployment.rescan()
    assert not deployment.rescan()
    wait_until(lambda: chassis.list_loaded_swarms() == ["b"])


def test_a_broken_change_keeps_the_old_one_and_is_told(watched: tuple[Running, Path]) -> None:
    """Tasks go on; the reason is at the swarm, the fact at /ready; and the mended file ends both."""
    server, folder = watched
    write(folder / "a.yaml", contract("a", "a.wasm").replace("version", "verion"))
    wait_until(lambda: server.client.get("/v1/swarms/a").json()["reload_error"])
    told = server.client.get("/v1/swarms/a").json()["reload_error"]
    assert told.startswith(f"{folder}/a.yaml:2:1: error IF101 verion: unknown key")
    ready = server.client.get("/ready")
    assert (ready.status_code, ready.json()["refused_changes"]) == (200, ["a"])
    assert answer_of(server, "a") == 1
    write(folder / "a.yaml", contract("a", "a.wasm", "3.0.0"))
    wait_until(lambda: server.client.get("/v1/swarms/a").json()["reload_error"] is None)
    assert server.client.get("/v1/swarms/a").json()["version"] == "3.0.0"


def test_a_broken_module_keeps_the_old_one(watched: tuple[Running, Path]) -> None:
    """As a broken contract."""
    server, folder = watched
    write(folder / "a.wasm", b"\0asm\x01\0\0\0 no more")
    wait_until(lambda: server.client.get("/v1/swarms/a").json()["reload_error"])
    assert answer_of(server, "a") == 1


def test_a_new_file_that_is_broken_makes_the_server_unready(watched: tuple[Running, Path]) -> None:
    """What was never loaded is missing, until it is mended."""
    server, folder = watched
    write(folder / "c.yaml", contract("c", "none.wasm"))
    wait_until(lambda: server.client.get("/ready").status_code == 503)
    assert server.client.get("/ready").json()["reasons"] == ["c.yaml is not loaded: its contract or module is refused"]
    write(folder / "none.wasm", answering(5))
    wait_until(lambda: server.client.get("/ready").status_code == 200)
    assert answer_of(server, "c") == 5


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x1b[31m", "\u202e", "'; DROP"], ids=ascii)
def test_hostile_texts_of_contracts_are_data(chassis: IFChassis, tmp_path: Path, text: str) -> None:
    """In JSON they are JSON's strings, in messages they are escaped; no answer is HTML."""
    import json  # noqa: PLC0415 - only here

    write(tmp_path / "a.wasm", ADDER)
    described = {"swarm_id": "a", "description": f"x {text}", "module": {"path": "a.wasm"}}
    write(tmp_path / "a.json", json.dumps(described))
    deployment = Deployment(chassis, [tmp_path])
    failures = deployment.load()
    if failures:  # control characters are refused
        assert failures[0].report.replace("\n", "").isprintable()
        return
    with running(chassis, deployment=deployment) as server:
        for path in ("/v1/swarms", "/v1/swarms/a", "/openapi.json"):
            answer = server.client.get(path)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.text.isascii()
            assert text in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')


def test_reloads_under_load_lose_no_task(watched: tuple[Running, Path]) -> None:
    """Every task is answered by the old or the new version; none fails."""
    import httpx  # noqa: PLC0415 - only here

    server, folder = watched
    answers: list[tuple[int, Any]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            while not stop.is_set():
                answer = client.post("/v1/swarms/a/tasks/answer")
                answers.append((answer.status_code, answer.json().get("output")))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    wait_until(lambda: (200, 1) in answers)
    for number in range(101, 106):
        write(folder / "a.wasm", answering(number))
        wait_until(lambda number=number: (200, number) in answers)  # type: ignore[misc] # bound where it is made
    stop.set()
    for client in clients:
        client.join()
    assert {status for status, _ in answers} == {200}
    assert {output for _, output in answers} == {1, *range(101, 106)}
