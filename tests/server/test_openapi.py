"""The OpenAPI document is valid, complete, and true: the server is fuzzed from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from infrafabric.server import ServerSettings, openapi
from infrafabric.server.problems import TITLES
from infrafabric.telemetry.otel.scraping import Scrape
from tests.server.serving import ECHO, TOKEN, load, running

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from tests.server.serving import Running

PARAMS: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"$ref": "#/$defs/name"}, "$ref": {"const": {"$ref": "#/$defs/name"}}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"name": {"type": "string", "minLength": 1, "maxLength": 20}},
}

#: What the checks may not take for a mistake, each with its reason.
CONFIG = """
# A timeout of nearly nothing ends tasks before their turn, as said; and every status is in the document.
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", 503, 504]

# Any swarm's tasks have this address: what a task takes, its own operation says.
[[operations]]
include-path = "/v1/swarms/{swarm_id}/tasks/{task_name}"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 422, 503, 504]

# 2.0 is an integer to JSON Schema, and no i32 to a guest.
[[operations]]
include-path = "/v1/swarms/adder/tasks/add"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 422, 503, 504]
"""


def test_the_server_is_what_its_document_says(chassis: IFChassis, tmp_path: Path) -> None:
    """Every check of schemathesis holds: statuses, types and schemas of answers, and bad data refused."""
    load(chassis, "adder")
    load(chassis, "echo", ECHO, tasks={"echo": {"abi": "buffer", "params": PARAMS}})
    scrape = Scrape("text/plain; version=1.0.0; charset=utf-8", lambda: b"# nothing\n", None)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with running(chassis, ServerSettings(port=0, token=TOKEN), scrape=scrape) as server:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={config}",
                "run",
                f"{server.url}/openapi.json",
                "--checks=all",
                "--max-examples=30",
                "--generation-deterministic",
                "--warnings=off",
                "--no-color",
                f"--header=Authorization: Bearer {TOKEN}",
            ],
            cwd=tmp_path,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Tested: 9" in done.stdout, done.stdout[-3000:]


def test_a_task_is_described_by_its_contract(served: Running, chassis: IFChassis) -> None:
    """Its own operation, with the schema of its parameters; definitions stand where references lead."""
    load(chassis, "named", ECHO, tasks={"echo": {"abi": "buffer", "params": PARAMS}}, description="Echoes a name")
    document = served.client.get("/openapi.json").json()
    operation = document["paths"]["/v1/swarms/named/tasks/echo"]["post"]
    assert operation["description"] == "Echoes a name"
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    reference = schema["properties"]["name"]["$ref"]
    assert reference == "#/components/schemas/named.echo.name"
    assert document["components"]["schemas"]["named.echo.name"] == PARAMS["$defs"]["name"]
    assert schema["properties"]["$ref"] == PARAMS["properties"]["$ref"]  # data, not a reference
    assert operation["requestBody"]["required"]
    validator = jsonschema.Draft202012Validator({**document, **schema})
    assert validator.is_valid({"name": "a"})
    assert not validator.is_valid({"name": ""})


def test_numbers_of_an_export_are_described(served: Running) -> None:
    """Without a schema in its contract, the signature of an export that takes only numbers says what they are."""
    document = served.client.get("/openapi.json").json()
    body = document["paths"]["/v1/swarms/adder/tasks/add"]["post"]["requestBody"]
    validator = jsonschema.Draft202012Validator(body["content"]["application/json"]["schema"])
    assert validator.is_valid([1, -(2**31)])
    assert not validator.is_valid([1])
    assert not validator.is_valid([1, 2**32])


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    """The document of a server without swarms is complete in itself."""
    document = openapi.document()
    for reference in _references(document):
        part: Any = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in _references(value)]
    return [found for item in part for found in _references(item)] if isinstance(part, list) else []


def test_every_code_is_in_the_document() -> None:
    """A client that switches on codes sees all of them."""
    code = openapi.document()["components"]["schemas"]["Problem"]["properties"]["code"]
    assert set(TITLES) < set(code["enum"])


@pytest.mark.parametrize("with_token", [True, False])
def test_a_token_is_described_where_there_is_one(chassis: IFChassis, with_token: bool) -> None:  # noqa: FBT001
    """Clients are made from the document."""
    assert ("security" in openapi.document(chassis, with_token=with_token)) is with_token
