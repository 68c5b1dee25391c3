"""The JSON Schema that editors use: generated, complete, and of one mind with the contract itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from infrafabric.contract import ServiceContract
from infrafabric.contract.document import Document, Source
from infrafabric.contract.files import read_document
from infrafabric.contract.generated import main
from infrafabric.contract.schema import SCHEMA_FILE, contract_schema, schema_text
from infrafabric.contract.schema_keywords import KEYWORDS
from infrafabric.contract.writing import contract_data
from tests.contract.bad_files import BAD_FILES, BadFile
from tests.contract.strategies import contracts

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = jsonschema.Draft202012Validator(contract_schema(), format_checker=jsonschema.FormatChecker())

#: Mistakes that JSON Schema cannot express, or that only a reader of the text sees.
BEYOND_A_SCHEMA = {
    "yaml-cpu-above-tasks",  # two numbers against each other
    "yaml-period-long",  # a length in four units
    "yaml-created-february",
    "yaml-created-early",
    "yaml-description-hidden",
    "yaml-metadata-large",
    "yaml-metadata-deep",
    "yaml-metadata-nan",
    "json-infinity",
    "json-huge-float",
    "json-5000-digits",
    "json-half-surrogate",
    "json-escaped-null",
}


def document_of(bad: BadFile) -> Document:
    """The data of a file, where it can be read."""
    return read_document(Source("x", bad.text), bad.format)


READABLE = [bad for bad in BAD_FILES if not document_of(bad).problems and "\0" not in bad.text]


assert {bad.name for bad in READABLE} >= BEYOND_A_SCHEMA


def is_json(value: Any) -> bool:
    """Whether a format's data is JSON data: dates of TOML and number keys of YAML are not."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    return (
        all(map(is_json, value)) if isinstance(value, list) else value is None or isinstance(value, str | int | float)
    )


#: Where the schema of each record stands in a contract, and what it needs beside the key that is looked at.
HOMES: dict[str, tuple[str, ...]] = {
    "": (),
    "resource_limits": ("resource_limits",),
    "service_objectives": ("slos",),
    "permissions": ("permissions",),
    "execution": ("execution",),
    "enforcement": ("enforcement",),
    "module_reference": ("module",),
    "task_contract": ("tasks", "run"),
    "task_objectives": ("tasks", "run", "slos"),
}
NEEDED = {"module_reference": {"path": "a.wasm"}}


def test_the_schema_is_one() -> None:
    """It is valid JSON Schema 2020-12, and as text it is JSON that ends in a line break."""
    jsonschema.Draft202012Validator.check_schema(contract_schema())
    assert json.loads(schema_text()) == contract_schema()
    assert schema_text().endswith("}\n")


def test_every_property_is_described_with_an_example_that_is_valid() -> None:
    """An editor can say something about every key, and what it proposes is accepted."""
    schema = contract_schema()
    parts = [("", schema), *((name, part) for name, part in schema["$defs"].items() if name != "params")]
    for name, part in parts:
        assert part["unevaluatedProperties"] is False
        for key, field in part["properties"].items():
            if key == "$schema":
                continue
            assert field["description"].endswith(".")
            assert field["examples"]
            assert "default" in field or key in {"swarm_id", "created_at", "path"} or "$ref" in json.dumps(field)
            for example in field["examples"]:
                whole: dict[str, Any] = {**NEEDED.get(name, {}), key: example}
                for step in reversed(HOMES[name]):
                    whole = {step: whole}
                VALIDATOR.validate({"swarm_id": "s", **whole})
                if whole != {"swarm_id": example}:
                    ServiceContract.from_dict({"swarm_id": "s", **whole})


@pytest.mark.parametrize("bad", READABLE, ids=lambda bad: bad.name)
def test_bad_files_are_bad_to_editors_too(bad: BadFile) -> None:
    """What the contract refuses, the schema refuses, but for what no schema can say."""
    data = document_of(bad).data
    if is_json(data):
        assert VALIDATOR.is_valid(data) == (bad.name in BEYOND_A_SCHEMA)


@given(contracts)
@settings(max_examples=50, deadline=None)
def test_good_files_are_good_to_editors_too(fields: dict[str, Any]) -> None:
    """Every contract that can be written is valid."""
    VALIDATOR.validate(contract_data(ServiceContract(**fields)))


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_keyword_of_parameters_is_known_to_editors(keyword: str) -> None:
    """The keywords that params may have, and only those, are in the schema with an explanation."""
    assert contract_schema()["$defs"]["params"]["properties"][keyword]["description"].endswith((".", ". "))
    assert not VALIDATOR.is_valid({"swarm_id": "s", "tasks": {"run": {"params": {keyword + "x": 1}}}})


def test_the_file_is_up_to_date() -> None:
    """The file in the source tree is what the declarations say."""
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_the_generator_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` tells a stale file by its exit status; without it the file is written, and then it is fresh."""
    (tmp_path / "pyproject.toml").touch()
    files = {SCHEMA_FILE: schema_text}
    arguments = ["--root", str(tmp_path)]
    assert main(files, "m", ["--check", *arguments]) == 1
    assert f"{SCHEMA_FILE} is not what the declarations say: run python -m m" in capsys.readouterr().err
    assert not (tmp_path / SCHEMA_FILE).exists()
    assert main(files, "m", arguments) == 0
    assert main(files, "m", ["--check", *arguments]) == 0
    (tmp_path / SCHEMA_FILE).write_text("{}", encoding="utf-8")
    assert main(files, "m", ["--check", *arguments]) == 1
    assert main(files, "m", ["--write", *arguments]) == 0
    assert (tmp_path / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()
    with pytest.raises(SystemExit):
        main(files, "m", ["--root", str(tmp_path / SCHEMA_FILE)])
    assert "is no source tree" in capsys.readouterr().err


def test_the_generator_is_a_command() -> None:
    """`python -m infrafabric.contract.schema --check` is what the gates run."""
    command = [sys.executable, "-m", "infrafabric.contract.schema", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0
