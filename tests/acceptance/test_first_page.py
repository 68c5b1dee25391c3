"""What a newcomer sees first works: the example of the first page, word for word, on a real Python file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis import ServiceContract
from tests.guests.behaviour import GUESTS

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "data" / "example.py"

FIRST_PAGE = """\
from infrafabric.chassis import IFChassis, ServiceContract

chassis = IFChassis()
chassis.load_swarm("analyzer-swarm", wasm_bytes, contract)
result = chassis.execute_task("analyzer-swarm", "analyze_code", {
    "file": "example.py", "source": Path("example.py").read_text(), "checks": ["style", "security"],
})
shown = result["status"], result["output"], result["execution_time_seconds"]
"""

#: What a person finds in example.py: rule, severity, and the text that the finding points at.
FINDINGS = [
    ("C007", "low", "os"),
    ("S006", "high", '"hunter2"'),
    ("C005", "medium", "[]"),
    ("S002", "high", "subprocess.run(command, shell=True"),
    ("C004", "medium", "except:"),
    ("S004", "high", "pickle.load(file)"),
    ("C006", "low", "== None"),
    ("S008", "medium", "hashlib.md5(data)"),
    ("S001", "high", "eval(expression)"),
]


def test_the_example_of_the_first_page_finds_what_a_person_finds(
    monkeypatch: pytest.MonkeyPatch, cache_dir: Path
) -> None:
    """Each finding stands where its text stands, nothing else is found, and the record says how it went."""
    monkeypatch.chdir(SAMPLE.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_dir))
    names: dict[str, Any] = {
        "Path": Path,
        "wasm_bytes": GUESTS["analyzer"].wasm.read_bytes(),
        "contract": ServiceContract("analyzer-swarm", ["code-analysis:python"]),
    }
    exec(FIRST_PAGE, names)  # noqa: S102 - the text of the page is what is tested
    names["chassis"].close()
    status, output, seconds = names["shown"]
    assert status == "success"
    assert 0 < seconds < 1
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    assert (output["file"], output["language"], output["lines"]) == ("example.py", "python", len(lines))
    found = [(item["rule"], item["severity"], item["line"], item["column"]) for item in output["findings"]]
    assert [(rule, severity) for rule, severity, _, _ in found] == [(rule, severity) for rule, severity, _ in FINDINGS]
    for (_, _, line, column), (_, _, text) in zip(found, FINDINGS, strict=True):
        assert lines[line - 1][column - 1 :].startswith(text), f"line {line}, column {column}"


@pytest.mark.parametrize(
    ("checks", "rules"), [(["style"], {"C"}), (["security"], {"S"}), ([], set())], ids=["style", "security", "none"]
)
def test_the_analyzer_checks_what_it_is_asked_to(chassis: IFChassis, checks: list[str], rules: set[str]) -> None:
    """No finding of the other kind."""
    chassis.load_swarm("analyzer", GUESTS["analyzer"].wasm.read_bytes(), ServiceContract("analyzer"))
    params = {"file": "example.py", "source": SAMPLE.read_text(encoding="utf-8"), "checks": checks}
    output = chassis.execute_task("analyzer", "analyze_code", params).output
    assert {finding["rule"][0] for finding in output["findings"]} == rules


def test_the_default_limits_do_not_get_in_a_newcomers_way(chassis: IFChassis) -> None:
    """A file of three thousand lines is neither refused nor slowed down, and ten in a row are not too many."""
    chassis.load_swarm("analyzer", GUESTS["analyzer"].wasm.read_bytes(), ServiceContract("analyzer"))
    source = SAMPLE.read_text(encoding="utf-8") * 100
    first = chassis.execute_task("analyzer", "analyze_code", {"file": "long.py", "source": source})
    assert first.output["lines"] == 3200
    assert first.usage.throttled_seconds == 0
    for _ in range(9):
        result = chassis.execute_task("analyzer", "analyze_code", {"file": "short.py", "source": "eval(x)\n"})
        assert result.output["summary"]["findings"] == 1
