"""Reports: for people, for programs, for code scanning, for pull requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infrafabric.contract.document import Source
from infrafabric.contract.files import check_text
from infrafabric.contract.report import Report, format_problems, format_reports
from infrafabric.errors import Problem

STYLES: list[Any] = ["text", "json", "sarif", "github"]


def problem(line: int | None, column: int | None, **fields: Any) -> Problem:
    """A problem at a place."""
    return Problem(
        **{"rule": "IF102", "path": "slos.period", "message": "wrong", "line": line, "column": column, **fields}
    )


def test_people_see_the_line_the_caret_and_the_fix() -> None:
    """Each problem has its place, its line with a caret under the column, and what to do."""
    text = 'swarm_id: s\nslos:\n  period: 1y\npermissions: {log: "yes"}\n'
    checked = check_text(text, name="bad.yaml")
    assert format_problems(checked.problems, checked.source) == (
        "bad.yaml:3:11: error IF105 slos.period: expected a whole number with the unit m, h, d or w, "
        'as in "30d", got "1y"\n'
        "    3 |   period: 1y\n"
        "      |           ^\n"
        "\n"
        'bad.yaml:4:20: error IF103 permissions.log: expected true or false, got "yes"\n'
        '    4 | permissions: {log: "yes"}\n'
        "      |                    ^\n"
        "      = fix: write true, without quotes"
    )


def test_a_problem_without_a_place_has_one_line() -> None:
    """A file that cannot be opened has no line to show."""
    source = Source("a.yaml", "")
    assert format_problems([problem(None, None, path="", severity="note")], source) == "a.yaml: note IF102: wrong"


@pytest.mark.parametrize(
    ("line", "column", "shown", "caret"),
    [
        ("a: 1", 4, "a: 1", 3),
        ("\ta: 1", 2, "    a: 1", 4),
        ("漢字: 1", 3, "漢字: 1", 4),
        ("e\u0301: 1", 3, "e\u0301: 1", 1),
        ("a\x1b[31m: 1", 7, r"a\x1b[31m: 1", 9),
        ("x: \u202eevil", 4, r"x: \u202eevil", 3),
        ("a: 1", 5, "a: 1", 4),
        ("", 1, "", 0),
    ],
)
def test_the_caret_stands_under_the_column(line: str, column: int, shown: str, caret: int) -> None:
    """Tabs, wide, combining and invisible characters are shown safely, and the caret follows them."""
    report = format_problems([problem(1, column)], Source("x", line)).split("\n")
    assert report[1] == f"    1 | {shown}".rstrip()
    assert report[2] == f"      | {' ' * caret}^"


def test_long_lines_are_cut_around_the_column() -> None:
    """A line of a megabyte is shown as far as it matters, with the caret in the right place."""
    line = "x" * 500_000 + "HERE" + "y" * 500_000
    _, shown, caret = format_problems([problem(1, 500_001)], Source("x", line)).split("\n")
    assert len(shown) < 150
    assert shown[caret.index("^") :].startswith("HERE")
    assert shown.count("...") == 2


def test_programs_get_a_list_of_objects() -> None:
    """JSON has one object a problem, with the file and the rule's title; several files are one list."""
    reports = [Report(Source("a", "x"), [problem(1, 1, fix="do")]), Report(Source("b", "x"), [problem(None, None)])]
    assert json.loads(format_reports(reports, "json")) == [
        {
            "file": "a",
            "rule": "IF102",
            "path": "slos.period",
            "message": "wrong",
            "severity": "error",
            "line": 1,
            "column": 1,
            "fix": "do",
            "title": "number out of range",
        },
        {
            "file": "b",
            "rule": "IF102",
            "path": "slos.period",
            "message": "wrong",
            "severity": "error",
            "line": None,
            "column": None,
            "fix": None,
            "title": "number out of range",
        },
    ]


def test_pull_requests_get_workflow_commands() -> None:
    """Properties and messages are escaped, so that no text of a file can add a command."""
    source = Source("dir/a,b:c%\n.yaml", "x")
    found = [
        problem(3, 7, message="100 %\r\n::error::x", fix="a: b, c"),
        problem(None, None, severity="warning"),
        problem(1, 1, severity="note"),
    ]
    lines = format_problems(found, source, "github").split("\n")
    file = "file=dir/a%2Cb%3Ac%25%0A.yaml"
    title = "title=IF102 number out of range"
    assert lines == [
        f"::error {file},line=3,col=7,{title}::slos.period: 100 %25%0D%0A::error::x (a: b, c)",
        f"::warning {file},{title}::slos.period: wrong",
        f"::notice {file},line=1,col=1,{title}::slos.period: wrong",
    ]


def test_code_scanning_gets_sarif() -> None:
    """The log names its rules once, each result its rule, level, file as a URI, and region."""
    reports = [
        Report(Source("a b/ü.yaml", "x"), [problem(2, 5), problem(3, 1, rule="IF306", severity="warning")]),
        Report(Source("/abs/b.yaml", "x"), [problem(None, None, path="")]),
    ]
    log = json.loads(format_reports(reports, "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert list(rules) == ["IF102", "IF306"]
    assert rules["IF306"]["defaultConfiguration"] == {"level": "warning"}
    assert rules["IF102"]["fullDescription"]["text"].endswith(".")
    first, second, third = run["results"]
    assert first["ruleId"] == "IF102"
    assert first["message"] == {"text": "slos.period: wrong"}
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/%C3%BC.yaml"},
        "region": {"startLine": 2, "startColumn": 5},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "slos.period"}]
    assert (second["ruleId"], second["level"]) == ("IF306", "warning")
    assert third["locations"][0] == {"physicalLocation": {"artifactLocation": {"uri": "file:///abs/b.yaml"}}}


@pytest.mark.parametrize(("style", "nothing"), list(zip(STYLES, ["", "[]", None, ""], strict=True)))
def test_no_problems_are_said_in_every_style(style: Any, nothing: str | None) -> None:
    """People and pull requests get nothing, programs an empty list or log."""
    report = format_problems([], Source("x", ""), style)
    if nothing is None:
        assert json.loads(report)["runs"][0]["results"] == []
    else:
        assert report == nothing


def test_a_rule_nobody_knows_is_reported_all_the_same() -> None:
    """Problems of other origin, such as a version that rose too little, have an id and no title."""
    found = [problem(1, 1, rule="VERSION_BUMP_TOO_SMALL")]
    for style in STYLES:
        assert "VERSION_BUMP_TOO_SMALL" in format_problems(found, Source("x", "y"), style)
