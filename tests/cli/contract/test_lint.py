"""``infrafabric contract lint``: its statuses and formats, and that a module is judged under its contract."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.engine.wat import wat_to_wasm
from tests.cli.contract.contracts import CLEAN, write
from tests.cli.program import PROGRAM, guest
from tests.contract.bad_files import BAD_BYTES, BAD_FILES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.program import Ended

    Run = Callable[..., Ended]

UNWISE = CLEAN + "slos: {target_throughput_rps: 11}\n"
WRONG = CLEAN + "resource_limits: {max_memory_mb: 0}\n"


@pytest.mark.parametrize(
    ("texts", "flags", "status"),
    [
        ((CLEAN,), (), 0),
        ((CLEAN,), ("--strict",), 0),
        ((UNWISE,), (), 0),
        ((UNWISE,), ("--strict",), 1),
        ((UNWISE,), ("--strict", "--ignore", "IF302"), 0),
        ((WRONG,), (), 3),
        ((WRONG,), ("--strict",), 3),
        ((CLEAN, WRONG, UNWISE), (), 3),
    ],
)
def test_the_status_says_how_bad_it_is(
    infrafabric: Run, tmp_path: Path, texts: tuple[str, ...], flags: tuple[str, ...], status: int
) -> None:
    """The worst of all files counts, whatever the format."""
    paths = [write(tmp_path, f"{number}.yaml", text) for number, text in enumerate(texts)]
    for style in ("text", "json", "sarif", "github"):
        assert infrafabric("contract", "lint", *flags, "--format", style, *paths).status == status


def test_people_get_the_line_with_a_caret_and_the_fix(infrafabric: Run, tmp_path: Path) -> None:
    """And on stderr what there was of each kind."""
    path = write(tmp_path, "a.yaml", UNWISE)
    ended = infrafabric("contract", "lint", path)
    assert ended.out == (
        f"{path}:3:31: warning IF302 slos.target_throughput_rps: 11 tasks a second are promised, 10 admitted\n"
        "    3 | slos: {target_throughput_rps: 11}\n"
        "      |                               ^\n"
        "      = fix: raise resource_limits.max_api_calls_per_second, or lower slos.target_throughput_rps\n"
    )
    assert ended.err == "1 contract checked: 1 warning\n"
    assert infrafabric("contract", "lint", path, write(tmp_path, "b.yaml", WRONG)).err == (
        "2 contracts checked: 1 error, 1 warning\n"
    )


def test_a_pull_request_gets_an_annotation_for_each_problem(infrafabric: Run, tmp_path: Path) -> None:
    """One workflow command a line."""
    path = write(tmp_path, "a,b.yaml", UNWISE)
    ended = infrafabric("contract", "lint", "--format", "github", path)
    assert ended.out.startswith(f"::warning file={tmp_path}/a%2Cb.yaml,line=3,col=31,title=IF302 ")
    assert (ended.out.count("\n"), ended.err) == (1, "")


def test_programs_get_a_list_of_objects(infrafabric: Run, tmp_path: Path) -> None:
    """Of all files in one list; an empty one where there is nothing to say."""
    paths = [write(tmp_path, "a.yaml", UNWISE), write(tmp_path, "b.yaml", WRONG)]
    found = json.loads(infrafabric("contract", "lint", "--format", "json", *paths).out)
    assert [(problem["file"], problem["rule"]) for problem in found] == [
        (str(paths[0]), "IF302"),
        (str(paths[1]), "IF102"),
    ]
    assert json.loads(infrafabric("contract", "lint", "--format", "json", write(tmp_path, "c.yaml", CLEAN)).out) == []


def _expect_sarif(log: dict[str, Any]) -> None:
    """What SARIF 2.1.0 requires of a log (sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.30), as far as we write it."""
    assert log["version"] == "2.1.0"
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        rules = [rule["id"] for rule in driver["rules"]]
        assert len(set(rules)) == len(rules)
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        for result in run["results"]:
            assert result["message"]["text"]
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["ruleId"] in rules
            for location in result["locations"]:
                physical = location["physicalLocation"]
                assert " " not in physical["artifactLocation"]["uri"]
                region = physical.get("region", {"startLine": 1, "startColumn": 1})
                assert region["startLine"] >= 1
                assert region["startColumn"] >= 1


def test_code_scanning_gets_sarif(infrafabric: Run, tmp_path: Path) -> None:
    """With the rules that were broken, each result with its place."""
    paths = [write(tmp_path, "a b.yaml", UNWISE), write(tmp_path, "b.yaml", WRONG), tmp_path / "missing.yaml"]
    log = json.loads(infrafabric("contract", "lint", "--format", "sarif", *paths).out)
    _expect_sarif(log)
    results = log["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["IF302", "IF102", "IF001"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/a%20b.yaml")


def test_a_hundred_bad_files_are_reported_in_every_format(infrafabric: Run, tmp_path: Path) -> None:
    """Whatever is in them: never a traceback, and JSON that can be read."""
    files = [(bad.format, bad.text.encode("utf-8", "surrogatepass")) for bad in BAD_FILES]
    files += [("yaml", data) for _, data, *_ in BAD_BYTES]
    paths = [tmp_path / f"{number}.{suffix}" for number, (suffix, _) in enumerate(files)]
    for path, (_, data) in zip(paths, files, strict=True):
        path.write_bytes(data)
    for style in ("text", "github", "json", "sarif"):
        ended = infrafabric("contract", "lint", "--format", style, *paths)
        assert ended.status == 3
        assert "Traceback" not in ended.err
        if style in {"json", "sarif"}:
            log = json.loads(ended.out)
            if style == "sarif":
                _expect_sarif(log)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("IF102", "makes a contract invalid and cannot be ignored"),
        ("IF320", "is no rule; did you mean IF3"),
        ("nonsense", "is no rule; there are IF113"),
    ],
)
def test_only_advice_can_be_ignored(infrafabric: Run, tmp_path: Path, rule: str, why: str) -> None:
    """A rule that does not exist silences nothing, so it is a mistake."""
    ended = infrafabric("contract", "lint", "--ignore", rule, write(tmp_path, "a.yaml", CLEAN))
    assert ended.status == 2
    assert why in ended.err


WAT = (
    '(module (import "env" "log" (func (param i32 i32))) (memory (export "memory") 32)'
    ' (func (export "run") (param i32)))'
)

#: What a contract says of the module above, and the rules that it breaks.
UNDER = [
    ("", []),
    ("permissions: {log: false}", ["IF311"]),
    ("resource_limits: {max_memory_mb: 2}", []),
    ("resource_limits: {max_memory_mb: 1}", ["IF312"]),
    ("tasks: {run: {abi: scalar}}", []),
    ("tasks: {ran: {abi: scalar}}", ["IF314"]),
    ("tasks: {run: {abi: buffer}}", ["IF315"]),
    ("tasks: {run: {abi: scalar, params: {type: object, properties: {a: {}, b: {}}}}}", ["IF316"]),
]


@pytest.mark.parametrize(("says", "rules"), UNDER, ids=[says or "nothing" for says, _ in UNDER])
def test_a_module_is_judged_under_its_contract(infrafabric: Run, tmp_path: Path, says: str, rules: list[str]) -> None:
    """The one that it names, and another just as well."""
    module = tmp_path / "m.wasm"
    module.write_bytes(wat_to_wasm(WAT))
    pinned = f"module: {{path: m.wasm, sha256: {hashlib.sha256(module.read_bytes()).hexdigest()}}}\n"
    path = write(tmp_path, "named.yaml", f"{CLEAN}{pinned}{says}\n")
    other = write(tmp_path, "lone.yaml", f"{CLEAN}{says}\n")
    for arguments in ((path,), (other, "--module", module)):
        ended = infrafabric("contract", "lint", "--format", "json", *arguments)
        assert [problem["rule"] for problem in json.loads(ended.out)] == rules
        assert ended.status == (3 if rules else 0)


@pytest.mark.parametrize(
    ("module", "reference", "rules"),
    [
        (b"\0asm\x01\0\0\0", "{path: m.wasm}", ["IF307"]),
        (b"\0asm\x01\0\0\0", f"{{path: m.wasm, sha256: {'a' * 64}}}", ["IF114"]),
        (b"#!/bin/sh", f"{{path: m.wasm, sha256: {hashlib.sha256(b'#!/bin/sh').hexdigest()}}}", ["IF317"]),
        (b"", f"{{path: other.wasm, sha256: {'a' * 64}}}", ["IF113"]),
        (b"", f"{{path: ../m.wasm, sha256: {'a' * 64}}}", ["IF105"]),
    ],
    ids=["unpinned", "changed", "script", "missing", "outside"],
)
def test_a_module_that_is_not_the_one_is_found(
    infrafabric: Run, tmp_path: Path, module: bytes, reference: str, rules: list[str]
) -> None:
    """As loading it would."""
    (tmp_path / "m.wasm").write_bytes(module)
    path = write(tmp_path, "a.yaml", f"{CLEAN}module: {reference}\n")
    found = json.loads(infrafabric("contract", "lint", "--format", "json", path).out)
    assert [(problem["rule"], problem["line"]) for problem in found] == [(rule, 3) for rule in rules]


def test_a_link_out_of_the_folder_is_found(infrafabric: Run, tmp_path: Path) -> None:
    """Its text looks like a path inside."""
    outside = tmp_path / "outside.wasm"
    outside.write_bytes(guest("arith").read_bytes())
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "m.wasm").symlink_to(outside)
    path = write(folder, "a.yaml", f"{CLEAN}module: {{path: m.wasm, sha256: {'a' * 64}}}\n")
    assert "IF112" in infrafabric("contract", "lint", path).out


def test_a_module_that_is_not_built_yet_can_be_ignored(infrafabric: Run, tmp_path: Path) -> None:
    """CI may check contracts before it builds."""
    path = write(tmp_path, "a.yaml", f"{CLEAN}module: {{path: m.wasm, sha256: {'a' * 64}}}\n")
    assert infrafabric("contract", "lint", path).status == 3
    assert infrafabric("contract", "lint", "--strict", "--ignore", "IF113", path).status == 0


@pytest.mark.timing
def test_one_file_is_linted_within_250_ms(tmp_path: Path) -> None:
    """Cold, interpreter included: the best of several runs."""
    path = write(tmp_path, "a.yaml", UNWISE)

    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run([*PROGRAM, "contract", "lint", path], check=True, capture_output=True, timeout=60)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(7)) <= 0.250
