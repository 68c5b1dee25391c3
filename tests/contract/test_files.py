"""Contracts as files: what is wrong is found, named and placed; what is right means the same in every format."""

from __future__ import annotations

import pickle
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract import ServiceContract
from infrafabric.contract.files import check_file, check_text
from infrafabric.contract.problems import MAX_PROBLEMS
from infrafabric.contract.rulebook import RULES
from infrafabric.errors import ContractSyntaxError, ContractValidationError
from tests.contract.bad_files import BAD_BYTES, BAD_FILES, BadFile

if TYPE_CHECKING:
    from pathlib import Path


def found(problems: Any) -> list[tuple[str, int | None, int | None]]:
    """Rule, line and column of each problem."""
    return [(problem.rule, problem.line, problem.column) for problem in problems]


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.name)
def test_each_mistake_has_its_rule_and_place(bad: BadFile) -> None:
    """Every mistake of a file is reported once, where it stands, in words that are safe to print."""
    checked = check_text(bad.text, bad.format, "bad")
    assert checked.contract is None
    assert found(checked.problems) == bad.expected
    for problem in checked.problems:
        assert problem.message.isprintable()
        assert len(problem.message) < 600
        assert (problem.fix or "").isprintable()


def test_there_are_more_than_a_hundred_bad_files() -> None:
    """The table is as long as promised, its names are distinct, and it breaks every rule that a file can break."""
    assert len(BAD_FILES) + len(BAD_BYTES) >= 100
    assert len({bad.name for bad in BAD_FILES}) == len(BAD_FILES)
    broken = {rule for bad in BAD_FILES for rule in bad.rules} | {row[2] for row in BAD_BYTES}
    needs_more = {"IF001", "IF004", "IF100", "IF110", "IF112", "IF113", "IF114"}  # each has a test of its own
    assert {rule for rule in RULES if rule < "IF3"} - broken == needs_more


@pytest.mark.parametrize(("name", "data", "rule", "line", "column"), BAD_BYTES, ids=[row[0] for row in BAD_BYTES])
def test_what_is_no_text_is_refused(
    tmp_path: Path, name: str, data: bytes, rule: str, line: int | None, column: int | None
) -> None:
    """Other encodings, binary files and huge ones are refused with the place of the first wrong byte."""
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(data)
    assert found(check_file(path).problems) == [(rule, line, column)]


#: One contract in three formats.
SAME: dict[Any, str] = {
    "yaml": """
# yaml-language-server: $schema=../schemas/service-contract.schema.json
swarm_id: analyzer-swarm
version: "1.2"              # text, so quoted
description: |
  Counts
  and checks
capabilities: [code-analysis:python, docs:tutorials]
created_at: 2026-11-20T00:00:00.25Z
module: {path: guests/analyzer.wasm}
tasks:
  analyze_code:
    abi: buffer
    params: &file
      type: object
      properties: {file: {type: string}}
      required: [file]
  check: {params: *file}
resource_limits:
  max_memory_mb: 0x40
  max_execution_time_seconds: 2.5e1
  max_fuel: ~
slos: {period: 7d}
permissions: {log: no_such_word}
metadata: {author: "ada", tags: [1, 2.5, true, null, "no"], nested: {a: {b: []}}}
""".replace("no_such_word", "false"),
    "toml": """
swarm_id = "analyzer-swarm"
version = "1.2"
description = '''
Counts
and checks
'''
capabilities = ["code-analysis:python", "docs:tutorials"]
created_at = 2026-11-20T01:00:00.25+01:00
module.path = "guests/analyzer.wasm"

[tasks.analyze_code]
abi = "buffer"
[tasks.analyze_code.params]
type = "object"
properties.file.type = "string"
required = ["file"]

[tasks.check.params]
type = "object"
required = ["file"]
[tasks.check.params.properties.file]
type = "string"

[resource_limits]
max_memory_mb = 64
max_execution_time_seconds = 25

[slos]
period = "7d"

[permissions]
log = false

[metadata]
author = "ada"
nested = {a = {b = []}}
tags = [1, 2.5, true, "no"]
""",
    "json": """
{
  "swarm_id": "analyzer-swarm", "version": "1.2", "description": "Counts\\nand checks\\n",
  "capabilities": ["code-analysis:python", "docs:tutorials"],
  "created_at": "2026-11-20T00:00:00.250Z",
  "module": {"path": "guests/analyzer.wasm", "sha256": null},
  "tasks": {
    "analyze_code": {"abi": "buffer", "params": {
      "type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}},
    "check": {"params": {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}}
  },
  "resource_limits": {"max_memory_mb": 64, "max_execution_time_seconds": 25.0, "max_fuel": null},
  "slos": {"period": "7d"},
  "permissions": {"log": false},
  "metadata": {"author": "ada", "tags": [1, 2.5, true, null, "no"], "nested": {"a": {"b": []}}}
}
""",
}


def test_one_contract_means_the_same_in_every_format(tmp_path: Path) -> None:
    """YAML, TOML and JSON give equal contracts with one digest; TOML, which has no null, leaves it out."""
    contracts = {}
    for form, text in SAME.items():
        path = tmp_path / f"contract.{form}"
        path.write_text(text.replace(", null", "") if form != "toml" else text, encoding="utf-8")
        contracts[form] = ServiceContract.from_file(path)
    assert contracts["yaml"] == contracts["json"] == contracts["toml"]
    assert len({contract.digest for contract in contracts.values()}) == 1
    assert contracts["yaml"].created_at == 1795132800.25
    assert contracts["yaml"].resource_limits.max_memory_mb == 64
    assert ServiceContract.from_text(SAME["yaml"]) == ServiceContract.from_text(SAME["json"], "json")


def test_the_ending_of_the_name_gives_the_format(tmp_path: Path) -> None:
    """.yaml, .yml, .toml and .json in any case are known; others are refused by name unless a format is given."""
    for name, text in (
        ("a.yaml", "swarm_id: s"),
        ("a.YML", "swarm_id: s"),
        ("a.toml", 'swarm_id = "s"'),
        ("a.Json", '{"swarm_id": "s"}'),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert ServiceContract.from_file(tmp_path / name).swarm_id == "s"
    (tmp_path / "contract.conf").write_text("swarm_id: s", encoding="utf-8")
    with pytest.raises(ContractSyntaxError, match=r"expected a name that ends in one of \.yaml, .*, got \.conf"):
        ServiceContract.from_file(tmp_path / "contract.conf")
    assert check_file(tmp_path / "contract.conf", "yaml").require().swarm_id == "s"
    assert found(check_file(tmp_path / "noending").problems) == [("IF004", None, None)]
    with pytest.raises(ValueError, match="unknown format 'xml'; expected one of yaml, toml, json"):
        ServiceContract.from_text("", "xml")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["missing.yaml", "folder.yaml", "a\0.yaml", "x" * 5000 + ".yaml"], ids=repr)
def test_what_cannot_be_opened_is_one_error(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and an impossible name are refused with the name and the reason."""
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ContractSyntaxError, match="cannot be read: ") as caught:
        ServiceContract.from_file(tmp_path / name)
    assert str(caught.value).isprintable()


def test_errors_carry_the_places(tmp_path: Path) -> None:
    """A traceback shows each problem in its line; the error itself has the problems and survives pickling."""
    path = tmp_path / "bad.yaml"
    path.write_text('swarm_id: s\nversion: 1.10\nslos: {period: "1y"}\n', encoding="utf-8")
    with pytest.raises(ContractValidationError) as caught:
        ServiceContract.from_file(path)
    assert found(caught.value.problems) == [("IF103", 2, 10), ("IF105", 3, 16)]
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    shown = "".join(traceback.format_exception(again))
    assert f'{path}:2:10: error IF103 version: expected a semantic version, as in "1.2.0", got 1.1' in shown
    assert '    2 | version: 1.10\n      |          ^\n      = fix: quote it, so that it stays text: "1.10"' in shown
    assert f"{path}:3:16: error IF105 slos.period" in shown


def test_syntax_errors_name_the_place(tmp_path: Path) -> None:
    """What cannot be parsed at all is a `ContractSyntaxError` with file, line, column and advice in its text."""
    path = tmp_path / "bad.yaml"
    path.write_text("swarm_id: s\nslos:\n\tperiod: 7d\n", encoding="utf-8")
    with pytest.raises(
        ContractSyntaxError, match=r"bad\.yaml:3:1: this is not YAML: .* \(indent with spaces"
    ) as caught:
        ServiceContract.from_file(path)
    assert "3 |     period: 7d\n" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('{"a": 1,}', "remove the comma before it"),
        ("{'a': 1}", "use double quotes"),
        ('{"a": 1 // one\n}', "JSON has no comments"),
        ("# c\n{}", "JSON has no comments"),
    ],
)
def test_usual_mistakes_of_json_have_advice(text: str, advice: str) -> None:
    """What people write who know JavaScript is recognized."""
    (problem,) = check_text(text, "json").problems
    assert advice in (problem.fix or "")


def test_problems_are_bounded() -> None:
    """A flood of mistakes of writing and of meaning gives a bounded report."""
    doubled = "a: 1\n" * 5000
    for form, text in (("yaml", doubled), ("json", '{"a": 1' + ', "a": 1' * 5000 + "}")):
        assert len(check_text(text, form).problems) <= 2 * MAX_PROBLEMS  # type: ignore[arg-type]
    unknown = "swarm_id: s\n" + "".join(f"k{n}: 1\n" for n in range(5000))
    assert len(check_text(unknown).problems) == MAX_PROBLEMS + 1


def test_a_name_is_only_a_name() -> None:
    """The name of a text stands in messages, escaped, and nothing is opened."""
    with pytest.raises(ContractSyntaxError, match=r"^a\\x1b\[31m:1:1: "):
        ServiceContract.from_text("]", name="a\x1b[31m")


def test_places_survive_line_endings_and_wide_characters() -> None:
    """Windows line endings, old Mac ones, a byte order mark and characters beyond the basic plane shift nothing."""
    text = '\ufeffswarm_id: s # 😀\r\n# 漢字\r\ndescription: "😀" \rversion: 1.0\r\n'
    assert found(check_text(text).problems) == [("IF103", 4, 10)]
    assert found(check_text('{"description": "😀",\r\n "x": 1}', "json").problems) == [("IF104", 1, 1), ("IF101", 2, 2)]
    assert found(check_text('swarm_id = "😀"\r\nx = 1', "toml").problems) == [("IF105", 1, 12), ("IF101", 2, 1)]


BOMBS: list[tuple[str, Any, str]] = [
    ("yaml-brackets", "yaml", "[" * 1_000_000),
    ("yaml-scalar", "yaml", "a: " + "x" * 1_000_000),
    ("yaml-block", "yaml", "a: |\n" + "  x\n" * 250_000),
    ("yaml-values", "yaml", "a: 1\n" * 200_000),
    ("yaml-comments", "yaml", "# x\n" * 250_000),
    ("yaml-blank", "yaml", "\n" * 1_000_000),
    ("yaml-quotes", "yaml", '"' * 1_000_000),
    ("yaml-anchors", "yaml", "- &a\n" * 200_000),
    ("yaml-directives", "yaml", "%X\n" * 300_000),
    ("toml-dots", "toml", "a." * 500_000),
    ("toml-words", "toml", "a" * 1_000_000),
    ("toml-escaped-quotes", "toml", 'a = "' + '\\"' * 500_000),
    ("toml-triple-quotes", "toml", "a = " + '"""\\' * 250_000),
    ("toml-quotes", "toml", "'" * 1_000_000),
    ("toml-tables", "toml", "[[a]]\n" * 170_000),
    ("toml-equals", "toml", "= " * 500_000),
    ("toml-brackets", "toml", "a = " + "[" * 1_000_000),
    ("json-brackets", "json", "[" * 1_000_000),
    ("json-digits", "json", "9" * 1_000_000),
    ("json-fraction", "json", "0." + "9" * 1_000_000),
    ("json-doubled", "json", '{"a":1' + ',"a":1' * 160_000 + "}"),
    ("json-numbers", "json", "[" + "1," * 500_000 + "1]"),
    ("python-digits", "yaml", "swarm_id: s\nmetadata: {a: " + "9" * 1_000_000 + "}"),
]


@pytest.mark.timing
@pytest.mark.parametrize(("form", "text"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_no_text_of_a_megabyte_takes_long(form: Any, text: str) -> None:
    """Whatever a megabyte of text says, it is judged within seconds."""
    started = time.monotonic()
    assert len(text) <= 1024 * 1024 + 100_000
    checked = check_text(text[: 1024 * 1024], form)
    assert checked.problems
    assert time.monotonic() - started < 5
