"""Reading JSON as plain data with places.

The standard library parses; only when something has to be shown is the text, by then known to be JSON, scanned once
more for where its parts stand.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from infrafabric.contract import text_rules
from infrafabric.contract.document import Document, Path, Source, Where
from infrafabric.contract.problems import MAX_PROBLEMS, join, shown
from infrafabric.contract.scalars import whole_number
from infrafabric.contract.shape import MAX_DEPTH, TOO_DEEP_TEXT, shape_problem
from infrafabric.errors import Problem, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrafabric.contract.rules import Rule

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING, _CLOSING, _BETWEEN = frozenset("[{"), frozenset("]}"), frozenset(",:")
_TOKEN = re.compile(rf"{_STRING.pattern}|[\[\]{{}},:]|[^\s\[\]{{}},:\"]+", re.DOTALL)


def read_json(source: Source) -> Document:
    """The document that JSON text says; one that cannot be parsed has a syntax problem and no data.

    NaN and infinities are read as such, so that the field which holds one says what it takes.
    """
    doubled = False

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        mapping: dict[str, Any] = {}
        for key, value in pairs:
            doubled = doubled or key in mapping
            mapping.setdefault(key, value)
        return mapping

    try:
        data = json.loads(source.text, object_pairs_hook=distinct, parse_int=whole_number)
    except json.JSONDecodeError as error:
        return _unread(
            source, text_rules.SYNTAX, error.pos, f"this is not JSON: {error.msg}", _advice(source, error.pos)
        )
    except RecursionError:
        return _unread(source, text_rules.TOO_DEEP, _where_too_deep(source.text), TOO_DEEP_TEXT)
    found = shape_problem(data)
    if found is not None:
        rule, path, message = found
        offset = _Scan(source.text).places.get(path, Where(None, 0)).value
        return _unread(source, rule, offset, message)
    problems = _doubled_keys(source) if doubled else ()
    return Document(
        source=source, format="json", data=data, problems=problems, find_places=lambda: _Scan(source.text).places
    )


def _unread(source: Source, rule: Rule, offset: int, message: str, fix: str | None = None) -> Document:
    line, column = source.place(offset)
    problem = Problem(rule=rule.id, path="", message=message, line=line, column=column, fix=fix)
    return Document(source=source, format="json", data=None, problems=(problem,), is_read=False)


def _advice(source: Source, offset: int) -> str | None:
    before, after = source.text[:offset].rstrip(), source.text[offset : offset + 2]
    if after.startswith("'"):
        return "use double quotes"
    if after.startswith(("#", "//", "/*")):
        return "JSON has no comments; write the contract as YAML or TOML to keep them"
    if before.endswith(",") and after[:1] in {"}", "]"}:
        return "remove the comma before it"
    return None


def _where_too_deep(text: str) -> int:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token.group() in _OPENING) - (token.group() in _CLOSING)
        if depth > MAX_DEPTH:
            return token.start()
    return 0


def _doubled_keys(source: Source) -> tuple[Problem, ...]:
    problems = []
    for path, first, offset in _Scan(source.text).doubled[:MAX_PROBLEMS]:
        text = ""
        for step in path:
            text = f"{text}[{step}]" if isinstance(step, int) else join(text, step)
        line, column = source.place(offset)
        message = f"the key {shown(path[-1])} stands in this mapping already, on line {source.place(first)[0]}"
        rule = text_rules.DUPLICATE_KEY.id
        fix = "remove one of them"
        problems.append(Problem(rule=rule, path=escape(text), message=message, line=line, column=column, fix=fix))
    return tuple(problems)


class _Scan:
    """One pass over the tokens of valid JSON. Places under the second of two equal keys are left out."""

    def __init__(self, text: str) -> None:
        self.places: dict[Path, Where] = {}
        #: Path of each doubled key, offset of its first and of this one.
        self.doubled: list[tuple[Path, int, int]] = []
        paths: list[Path | None] = []  # of the open mappings and lists; None: left out
        steps: list[Any] = []  # the index reached in a list, None in a mapping
        key: tuple[Any, int] | None = None
        for token in _TOKEN.finditer(text):
            word, offset = token.group(), token.start()
            if word in _CLOSING:
                paths.pop()
                steps.pop()
            elif word in _BETWEEN:
                continue
            elif paths and steps[-1] is None and key is None:
                key = (json.loads(word), offset)
            else:
                path = self._place(paths, steps, key, offset)
                key = None
                if word in _OPENING:
                    paths.append(path)
                    steps.append(0 if word == "[" else None)

    def _place(
        self, paths: list[Path | None], steps: list[Any], key: tuple[Any, int] | None, offset: int
    ) -> Path | None:
        if not paths:
            self.places[()] = Where(None, offset)
            return ()
        step = steps[-1] if key is None else key[0]
        if key is None:
            steps[-1] += 1
        above = paths[-1]
        if above is None:
            return None
        path = (*above, step)
        known: Mapping[Path, Where] = self.places
        if path in known:
            self.doubled.append((path, known[path].key or 0, key[1] if key else offset))
            return None
        self.places[path] = Where(key[1] if key else None, offset)
        return path
