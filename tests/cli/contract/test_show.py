"""``infrafabric contract show``, ``digest`` and ``schema``: what holds, its one name, and its form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ServiceContract, specs
from infrafabric.contract.record import Part
from tests.cli.contract.contracts import CLEAN, write
from tests.cli.program import guest, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.program import Ended

    Run = Callable[..., Ended]

ROOT = Path(__file__).resolve().parents[3]
TEXT = CLEAN + "resource_limits:\n  max_memory_mb: 64\ntasks:\n  a b: {abi: buffer}\n"


def test_every_field_is_shown_with_its_origin(infrafabric: Run, tmp_path: Path) -> None:
    """The line that says it, or the default."""
    found = infrafabric("contract", "show", write(tmp_path, "a.yaml", TEXT)).json
    origins = {path: (said["origin"], said["where"]) for path, said in found["origins"].items()}
    assert found["contract"]["resource_limits"]["max_memory_mb"] == 64
    assert origins["swarm_id"] == ("contract", "1:11")
    assert origins["resource_limits.max_memory_mb"] == ("contract", "4:18")
    assert origins["resource_limits.max_cpu_percent"] == ("built-in", "")
    assert origins["tasks"][0] == "contract"
    assert origins["created_at"] == ("built-in", "when it is loaded")
    assert found["digest"] == ServiceContract.from_text(TEXT).digest
    for name, spec in specs(ServiceContract).items():
        if isinstance(spec.kind, Part) and not spec.kind.nullable:
            assert {f"{name}.{key}" for key in specs(spec.kind.record)} <= set(origins)
        else:
            assert name in origins


def test_the_defaults_of_a_deployment_hold_and_are_shown(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contract, environment, config file, built-in: the first that says something; a task runs under the same."""
    config = write(
        tmp_path, "deployment.toml", "[defaults.resource_limits]\nmax_queued_tasks = 2\nmax_payload_mb = 3\n"
    )
    monkeypatch.setenv("IFCHASSIS_CONFIG", str(config))
    monkeypatch.setenv("IFCHASSIS_RESOURCE_LIMITS_MAX_PAYLOAD_MB", "4")
    monkeypatch.setenv("IFCHASSIS_RESOURCE_LIMITS_MAX_MEMORY_MB", "32")
    path = write(tmp_path, "a.yaml", CLEAN + "resource_limits: {max_memory_mb: 64}\n")
    found = infrafabric("contract", "show", path).json
    limits = found["contract"]["resource_limits"]
    assert (limits["max_memory_mb"], limits["max_payload_mb"], limits["max_queued_tasks"]) == (64, 4, 2)
    origins = {name: found["origins"][f"resource_limits.{name}"] for name in limits}
    assert origins["max_memory_mb"]["origin"] == "contract"
    variable = "IFCHASSIS_RESOURCE_LIMITS_MAX_PAYLOAD_MB"
    assert origins["max_payload_mb"] == {"origin": "environment", "where": variable}
    assert origins["max_queued_tasks"]["where"].startswith(f"{config}:2:")
    ran = infrafabric("run", path, "add", "--params", "[2, 3]", "--module", guest("arith"), "-o", "json").json
    assert ran["metadata"]["resource_limits"]["max_queued_tasks"] == 2
    shown = show("contract", "show", path, columns=140).text
    assert variable in shown


def test_a_default_of_the_deployment_that_loosens_is_refused(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it would hold; what only looks at the file goes on."""
    monkeypatch.setenv("IFCHASSIS_RESOURCE_LIMITS_MAX_MEMORY_MB", "257")
    path = write(tmp_path, "a.yaml", CLEAN)
    for command in (("contract", "show", path), ("run", path, "add", "--module", guest("arith"))):
        ended = infrafabric(*command)
        assert (ended.status, "IF501" in ended.err or "silent contracts 257" in ended.err) == (3, True), ended
    assert infrafabric("contract", "lint", "--strict", path).status == 0


@pytest.mark.parametrize("name", ["a.toml", "a.json"])
def test_lines_are_those_of_any_format(infrafabric: Run, tmp_path: Path, name: str) -> None:
    """Where an editor finds them."""
    texts = {
        "a.toml": 'swarm_id = "sums"\n[slos]\nperiod = "7d"\n',
        "a.json": '{"swarm_id": "sums",\n "slos": {\n "period": "7d"}}',
    }
    origins = infrafabric("contract", "show", write(tmp_path, name, texts[name])).json["origins"]
    lines = [origins[name]["where"].partition(":")[0] for name in ("swarm_id", "slos.period")]
    assert lines == ["1", "3"]


def test_a_terminal_gets_a_row_for_each_field(tmp_path: Path) -> None:
    """With the field's whole path."""
    shown = show("contract", "show", write(tmp_path, "a.yaml", TEXT), columns=120)
    assert any(line.split() == ["resource_limits.max_memory_mb", "64", "line", "4"] for line in shown.lines)
    assert any(line.split() == ["slos.period", '"30d"', "built-in", "default"] for line in shown.lines)


def test_text_of_a_contract_cannot_control_the_terminal(tmp_path: Path) -> None:
    """It is somebody else's file."""
    path = write(tmp_path, "a.json", '{"swarm_id": "sums", "metadata": {"a": "\\u001b[31m\\u202e"}}')
    shown = show("contract", "show", path, columns=120)
    assert "\x1b[31m" not in shown.raw
    assert "\u202e" not in shown.raw


def test_a_wrong_contract_is_reported_line_by_line(infrafabric: Run, tmp_path: Path) -> None:
    """By every command that needs a right one."""
    path = write(tmp_path, "a.yaml", "swarm_id: s\nslos: {period: 1y}\n")
    for command in (("show",), ("digest",), ("diff", path), ("breaking", "--against", path)):
        ended = infrafabric("contract", *command, path)
        assert (ended.status, ended.out) == (3, "")
        assert f"{path}:2:16: error IF105" in ended.err


def test_one_meaning_has_one_digest(infrafabric: Run, tmp_path: Path) -> None:
    """Whatever the format; printed as sha256sum prints."""
    paths = [
        write(tmp_path, "a.yaml", CLEAN),
        write(tmp_path, "b.json", '{"version": "1.0.0", "swarm_id": "sums"}'),
        write(tmp_path, "c.toml", 'swarm_id = "sums"\nversion = "1.0.0" # why\n'),
    ]
    digest = ServiceContract("sums", version="1.0.0").digest
    assert infrafabric("contract", "digest", *paths).out == "".join(f"{digest}  {path}\n" for path in paths)
    assert infrafabric("contract", "digest", "-o", "json", paths[0]).json == [{"file": str(paths[0]), "digest": digest}]


def test_the_schema_is_the_one_of_the_repository(infrafabric: Run, tmp_path: Path) -> None:
    """To stdout or into a new file."""
    expected = (ROOT / "schemas/service-contract.schema.json").read_bytes()
    assert infrafabric("contract", "schema").stdout == expected
    path = tmp_path / "s.json"
    assert infrafabric("contract", "schema", "-o", path).status == 0
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(expected).digest()
    assert infrafabric("contract", "schema", "-o", path).status == 2
    assert json.loads(path.read_text())["title"]
