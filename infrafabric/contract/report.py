"""Saying what is wrong with a file: to a person, to a program, to a code-scanning service, to a pull request.

One function a style, all from the same located problems; texts of the file are escaped wherever they are shown.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import quote

import attrs

from infrafabric.contract.rulebook import RULES
from infrafabric.errors import Problem, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infrafabric.contract.document import Source

Style = Literal["text", "json", "sarif", "github"]

_MAX_NAME = 300
#: A longer source line is shown around its column only.
_MAX_LINE = 120
_TAB = "    "
_GITHUB_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


class Reported(Protocol):
    """What a report needs: a source and its located problems."""

    @property
    def source(self) -> Source:
        """The text the problems are about, and its name."""

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with it."""


@attrs.frozen
class Report:
    """The problems of one source."""

    source: Source
    problems: Sequence[Problem]


def format_problems(problems: Sequence[Problem], source: Source, style: Style = "text") -> str:
    """The located problems of one source as text, without a line break at the end.

    ``style`` "text" is for people (each problem with its source line, a caret and a fix), "json" a list of objects,
    "sarif" a SARIF 2.1.0 log, "github" workflow commands that annotate a pull request. "" for no problems in the
    styles for people.
    """
    return format_reports([Report(source, problems)], style)


def format_reports(reports: Iterable[Reported], style: Style = "text") -> str:
    """The problems of several sources in one text; see `format_problems`."""
    return _STYLES[style](list(reports))


def _as_text(reports: Sequence[Reported]) -> str:
    return "\n\n".join(_for_people(problem, report.source) for report in reports for problem in report.problems)


def _for_people(problem: Problem, source: Source) -> str:
    place = "".join(f":{number}" for number in (problem.line, problem.column) if number is not None)
    about = f" {problem.path}" if problem.path else ""
    lines = [f"{escape(source.name, _MAX_NAME)}{place}: {problem.severity} {problem.rule}{about}: {problem.message}"]
    if problem.line is not None and problem.column is not None:
        shown, indent = _excerpt(source.line(problem.line), problem.column - 1)
        gutter = f"{problem.line:>5}"
        lines += [f"{gutter} | {shown}".rstrip(), f"{' ' * len(gutter)} | {' ' * indent}^"]
    if problem.fix:
        lines.append(f"      = fix: {problem.fix}")
    return "\n".join(lines)


def _excerpt(line: str, offset: int) -> tuple[str, int]:
    """A line as it can be printed, cut around ``offset``; and how many columns stand before it."""
    start = max(0, offset - _MAX_LINE * 2 // 3) if len(line) > _MAX_LINE else 0
    before = ("..." if start else "") + _printable(line[start:offset])
    after = _printable(line[offset : start + _MAX_LINE]) + ("..." if start + _MAX_LINE < len(line) else "")
    return before + after, sum(_columns(character) for character in before)


def _printable(text: str) -> str:
    return "".join(_TAB if character == "\t" else escape(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _as_json(reports: Sequence[Reported]) -> str:
    rows = [
        {"file": report.source.name, **attrs.asdict(problem), "title": _title(problem)}
        for report in reports
        for problem in report.problems
    ]
    return json.dumps(rows, indent=2)


def _as_github(reports: Sequence[Reported]) -> str:
    lines = []
    for report in reports:
        for problem in report.problems:
            fields = {
                "file": report.source.name,
                "line": problem.line,
                "col": problem.column,
                "title": f"{problem.rule} {_title(problem)}",
            }
            properties = ",".join(
                f"{name}={_property(str(value))}" for name, value in fields.items() if value is not None
            )
            level = _GITHUB_LEVELS[problem.severity]
            lines.append(f"::{level} {properties}::{_data(_sentence(problem))}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _as_sarif(reports: Sequence[Reported]) -> str:
    used = sorted({problem.rule for report in reports for problem in report.problems})
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.explanation},
            "defaultConfiguration": {"level": rule.severity},
        }
        for name in used
        if (rule := RULES.get(name)) is not None
    ]
    results = [_result(problem, report.source) for report in reports for problem in report.problems]
    run = {
        "tool": {"driver": {"name": "infrafabric", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2)


def _result(problem: Problem, source: Source) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(source.name)}}
    if problem.line is not None:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column or 1}
    location: dict[str, Any] = {"physicalLocation": place}
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    message = {"text": _sentence(problem)}
    return {"ruleId": problem.rule, "level": problem.severity, "message": message, "locations": [location]}


def _uri(name: str) -> str:
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _sentence(problem: Problem) -> str:
    return f"{problem}" + (f" ({problem.fix})" if problem.fix else "")


def _title(problem: Problem) -> str:
    rule = RULES.get(problem.rule)
    return rule.title if rule is not None else ""


_STYLES: dict[str, Callable[[Sequence[Reported]], str]] = {
    "text": _as_text,
    "json": _as_json,
    "sarif": _as_sarif,
    "github": _as_github,
}
