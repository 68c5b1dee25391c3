"""The JSON Schema of a task's parameters: judged when the contract is made, enforced before each task.

``jsonschema-rs`` checks, an optional extra: a fifth of a microsecond a task where the library in Python takes two
hundred times as long, and its regular expressions run in linear time, so that no parameter can hang a pattern.
References are followed here before the library sees them: a circle would overflow its stack, and references that
double at every step would let two kilobytes cost a day.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from infrafabric.contract import rules
from infrafabric.contract.data import Data
from infrafabric.contract.frozen import FrozenMapping, thaw
from infrafabric.contract.problems import Problems, join, nearest, shown
from infrafabric.contract.schema_keywords import DIALECT, KEYWORDS, UNENFORCED
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: A schema is at most so large and deep.
MAX_BYTES = 65_536
MAX_DEPTH = 32
#: After following references, a schema has at most so many parts, and no chain of references is longer.
MAX_PARTS = 1_000
MAX_CHAIN = 16
#: So many mistakes are listed of one task's parameters.
MAX_MISTAKES = 20

_DEFS = "#/$defs/"
_MISSING_FIX = 'pip install "infrafabric[schema]"'


class ParamsSchema(FrozenMapping[Any]):
    """A schema that was judged, and checks parameters. It reads like the mapping that was written."""

    __slots__ = ("_validator",)

    def __init__(self, items: Mapping[str, Any]) -> None:
        super().__init__(items)
        self._validator: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return ParamsSchema, (self._items,)

    def compile(self) -> None:
        """Make the validator. Raises `ImportError` without the library, and its error for what is no schema."""
        import jsonschema_rs  # noqa: PLC0415 - an extra

        options = jsonschema_rs.RegexOptions()
        self._validator = jsonschema_rs.Draft202012Validator(
            thaw(self), mask="the value", pattern_options=options, retriever=_fetch_nothing
        )

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the properties in the order written; None where the schema names none."""
        properties = self.get("properties")
        return tuple(properties) if properties else None

    def check(self, value: Any, path: str = "params") -> None:
        """Raise `ContractValidationError` unless ``value`` fits.

        Raw bytes count as the text they hold. What is no JSON data does not fit.
        """
        if self._validator is None:
            self.compile()
        problems = Problems()
        try:
            if isinstance(value, bytes | bytearray | memoryview):
                value = bytes(value).decode()
            if self._validator.is_valid(value):
                return
            json.dumps(value)  # to list mistakes the library copies the value, and a circular one has no end
            for mistake in islice(self._validator.iter_errors(value), MAX_MISTAKES):
                self._add(mistake, value, path, problems)
        except (TypeError, ValueError, RecursionError) as error:  # what JSON cannot hold
            message = f"expected JSON data, got {shown(value)}: {escape(str(error), 200)}"
            problems.add(rules.PARAMS_MISMATCH, path, message)
        problems.raise_any()

    def _add(self, mistake: Any, value: Any, path: str, problems: Problems) -> None:
        known = () if mistake.instance_path else self.names or ()
        for step in mistake.instance_path:
            path = _below(path, step)
            value = value[step]
        unexpected = getattr(mistake.kind, "unexpected", None)
        if not isinstance(unexpected, list):
            message = f"{escape(mistake.message, 200)}, got {shown(value)}"
            problems.add(rules.PARAMS_MISMATCH, path, message)
            return
        for name in unexpected[:MAX_MISTAKES]:
            meant = nearest(str(name), known)
            fix = f"rename it to {escape(meant, 60)}" if meant else "remove it"
            problems.add(rules.PARAMS_MISMATCH, join(path, name), "there is no such parameter", fix)


@attrs.frozen
class SchemaOfParams:
    """The kind of a task's ``params``: a JSON Schema of the enforced keywords, or None (null) for anything."""

    expects: str = "a mapping that is a JSON Schema (2020-12) or null"

    def read(self, value: Any, path: str, problems: Problems) -> ParamsSchema | None:
        """The schema, ready to check."""
        if value is None or isinstance(value, ParamsSchema):
            return value
        before = len(problems)
        data = Data(max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, what="a JSON Schema").read(value, path, problems)
        if len(problems) == before:
            _Judge(data, path, problems).judge()
        if len(problems) > before:
            return None
        schema = ParamsSchema(data)
        try:
            schema.compile()
        except ImportError:
            message = "no library to check parameters with is installed"
            problems.add(rules.SCHEMA_LIBRARY_MISSING, path, message, _MISSING_FIX)
        except ValueError as error:
            _add_library_error(error, path, problems)
        return schema


class _Judge:
    """One look through a schema, before the library sees it."""

    def __init__(self, schema: Mapping[str, Any], path: str, problems: Problems) -> None:
        self._schema = schema
        self._path = path
        self._problems = problems
        self._sizes: dict[str, int] = {}
        self._following: list[str] = []
        self._circular = False

    def judge(self) -> None:
        """Add what is wrong with keywords and references."""
        before = len(self._problems)
        self._keywords(self._schema, self._path)
        if len(self._problems) == before:
            defs = self._schema.get("$defs", {})
            sizes = [self._size(self._schema), *map(self._named, defs)]
            if len(self._problems) == before and max(sizes) > MAX_PARTS:
                message = f"its references multiply it into {max(sizes):,} parts; at most {MAX_PARTS:,} are allowed"
                self._problems.add(rules.SCHEMA_REFERENCE, self._path, message, "refer to fewer schemas")

    def _keywords(self, schema: Any, path: str) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, FrozenMapping):
            message = f"expected a schema (a mapping, true or false), got {shown(schema)}"
            self._problems.add(rules.BAD_SCHEMA, path, message)
            return
        for keyword, value in schema.items():
            at = join(path, keyword)
            if keyword not in KEYWORDS:
                self._unknown(keyword, at)
            elif keyword == "$ref":
                self._reference(value, at)
            elif keyword == "$schema" and value != DIALECT:
                self._problems.add(rules.BAD_SCHEMA, at, f'expected "{DIALECT}", got {shown(value)}', "remove it")
            elif keyword == "$defs" and path != self._path:
                self._problems.add(
                    rules.BAD_SCHEMA, at, "definitions stand at the top of a schema only", "move them there"
                )
            else:
                for step, part in _parts(keyword, value):
                    self._keywords(part, at if step is None else _below(at, step))

    def _unknown(self, keyword: str, path: str) -> None:
        if keyword in UNENFORCED:
            message = f"this keyword is not enforced: {UNENFORCED[keyword]}"
            self._problems.add(rules.UNKNOWN_KEY, path, message, "remove it")
            return
        meant = nearest(keyword, KEYWORDS)
        message = "unknown keyword" + (f"; did you mean {meant}?" if meant else "")
        self._problems.add(rules.UNKNOWN_KEY, path, message, f"rename it to {meant}" if meant else "remove it")

    def _reference(self, value: Any, path: str) -> None:
        name = value.removeprefix(_DEFS) if isinstance(value, str) else ""
        defs = self._schema.get("$defs")
        names = defs if isinstance(defs, FrozenMapping) else FrozenMapping[Any]()
        if not isinstance(value, str) or not value.startswith(_DEFS):
            message = f"expected a reference of the form {_DEFS}name, got {shown(value)}; nothing is fetched"
            self._problems.add(rules.SCHEMA_REFERENCE, path, message, "copy the schema into $defs")
        elif name not in names:
            meant = nearest(name, names)
            message = f"$defs has no {shown(name)}" + (f"; did you mean {meant}?" if meant else "")
            self._problems.add(rules.SCHEMA_REFERENCE, path, message, f"write {_DEFS}{meant}" if meant else None)

    def _size(self, schema: Any) -> int:
        """How many schemas this one is, with every reference written out."""
        if isinstance(schema, bool):
            return 1
        size = 1
        for keyword, value in schema.items():
            if keyword == "$ref":
                size += self._named(value.removeprefix(_DEFS))
            elif keyword != "$defs":
                size += sum(self._size(part) for _, part in _parts(keyword, value))
        return min(size, MAX_PARTS * MAX_PARTS)

    def _named(self, name: str) -> int:
        if name in self._sizes:
            return self._sizes[name]
        if name in self._following or len(self._following) >= MAX_CHAIN:
            self._report_chain(name)
            return 1
        self._following.append(name)
        size = self._size(self._schema["$defs"][name])
        self._following.pop()
        self._sizes[name] = size
        return size

    def _report_chain(self, name: str) -> None:
        if self._circular:
            return
        self._circular = True  # one report of it is enough
        circle = name in self._following
        what = "refer to each other in a circle" if circle else f"refer to each other more than {MAX_CHAIN} times"
        chain = " -> ".join(escape(step, 40) for step in (*self._following, name)[-4:])
        path = join(join(self._path, "$defs"), self._following[0])
        self._problems.add(rules.SCHEMA_REFERENCE, path, f"definitions {what}: {chain}")


def _parts(keyword: str, value: Any) -> Iterator[tuple[str | int | None, Any]]:
    """The schemas inside a keyword's value, each with its key or index. Values of a wrong type have none."""
    holds = KEYWORDS[keyword].holds
    if holds == "one":
        yield None, value
    elif holds == "list" and isinstance(value, tuple):
        yield from enumerate(value)
    elif holds == "map" and isinstance(value, FrozenMapping):
        yield from value.items()


def _below(path: str, step: str | int) -> str:
    return f"{path}[{step}]" if isinstance(step, int) else join(path, step)


def _add_library_error(error: Any, path: str, problems: Problems) -> None:
    steps = list(getattr(error, "instance_path", ()))
    for step in steps:
        path = _below(path, step)
    keyword = next((step for step in reversed(steps) if step in KEYWORDS), None)
    if keyword in {"pattern", "patternProperties"}:
        problems.add(
            rules.BAD_SCHEMA,
            path,
            "expected a regular expression without look-around and backreferences",
            "look for unbalanced brackets, and for { and } that need a backslash",
        )
    elif keyword == "type":
        types = "null, boolean, integer, number, string, array and object"
        problems.add(rules.BAD_SCHEMA, path, f"expected one or a list of {types}")
    else:
        text = escape(str(getattr(error, "message", error)), 200)
        problems.add(rules.BAD_SCHEMA, path, f"JSON Schema does not allow this: {text}")


def _fetch_nothing(uri: str) -> NoReturn:
    message = f"{uri} is not fetched"
    raise ValueError(message)
