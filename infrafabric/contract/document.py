"""`Document`: the plain data that a text says, and where in the text each part of it stands.

Readers give offsets by path; lines and columns are worked out when somebody has to be told. Data types that carry
their own position (as round-trip YAML loaders make) were rejected: every check would have to know about them, and
TOML and JSON have none.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import attrs

from infrafabric.contract import rules
from infrafabric.contract.kinds import QUOTE_IT
from infrafabric.contract.problems import join
from infrafabric.contract.rulebook import RULES

if TYPE_CHECKING:
    from infrafabric.errors import Problem

Format = Literal["yaml", "toml", "json"]
#: The keys and indexes that lead from the root of the data to a value.
Path = tuple[Any, ...]

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"[-+]?[0-9][0-9._eE+-]{0,127}")


@attrs.frozen(eq=False)
class Source:
    """A text with the name it is known by, and its lines. Lines and columns count from 1, columns in characters."""

    name: str
    text: str = attrs.field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect.bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a place."""
        return self._line_starts[min(line, len(self._line_starts)) - 1] + column - 1

    def line(self, number: int) -> str:
        """The text of a line without its line break; "" for one that does not exist."""
        if not 1 <= number <= len(self._line_starts):
            return ""
        start = self._line_starts[number - 1]
        end = _LINE_BREAK.search(self.text, start)
        return self.text[start : end.start() if end else None]


@attrs.frozen
class Where:
    """Where a value stands: the offset of its key (None in lists and at the root) and of the value itself."""

    key: int | None
    value: int


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """What a text says. ``problems`` are those of its writing (doubled keys and the like), located.

    ``data`` is plain; without ``is_read`` it is None, and ``problems`` say why. ``find_places`` gives the place of
    each path; it runs only when something has to be located.
    """

    source: Source
    format: Format
    data: Any
    problems: tuple[Problem, ...] = ()
    is_read: bool = True
    find_places: Callable[[], Mapping[Path, Where]] = dict

    @cached_property
    def places(self) -> Mapping[Path, Where]:
        """Where each value stands, by its path."""
        return self.find_places()

    @cached_property
    def _paths(self) -> dict[str, Path]:
        """The paths by how problems write them."""
        written: dict[str, Path] = {}
        texts: dict[Path, str] = {(): ""}
        for path in sorted(self.places, key=len):
            if path:
                above = texts[path[:-1]]
                last = path[-1]
                in_list = self.places[path].key is None
                texts[path] = f"{above}[{last}]" if in_list else join(above, last)
            written.setdefault(texts[path], path)
        return written

    def locate(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The problems with line and column, those of the text's writing among them, in the order of the text.

        What is not written (a missing key, a default) is shown at the nearest part that is.
        """
        found = [*self.problems, *(self._locate(problem) for problem in problems)]
        return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0)))

    def is_written(self, path: str) -> bool:
        """Whether the document has a value at a problem's path, rather than leaving it to its default."""
        return path in self._paths

    def offset_of(self, path: str, *, at_key: bool = False) -> int | None:
        """Where the value of a problem's path, or the nearest part of the document around it, begins."""
        while path not in self._paths and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        found = self._paths.get(path)
        if found is None:
            return None
        where = self.places[found]
        return where.key if at_key and where.key is not None else where.value

    def _locate(self, problem: Problem) -> Problem:
        path = self._paths.get(problem.path)
        offset = self.offset_of(problem.path, at_key=self._is_about_key(problem, path))
        if offset is None:
            return problem
        line, column = self.source.place(offset)
        fix = problem.fix
        if fix == QUOTE_IT and path is not None:
            number = _NUMBER.match(self.source.text, offset)
            fix = f'{fix}: "{number.group()}"' if number else fix
        return attrs.evolve(problem, line=line, column=column, fix=fix)

    def _is_about_key(self, problem: Problem, path: Path | None) -> bool:
        rule = RULES.get(problem.rule)
        if rule is not None and rule.at_key:
            return True
        if not path or self.places[path].key is None:
            return False
        if not isinstance(path[-1], str):
            return True
        value = self.value_at(path)
        return problem.rule == rules.BAD_TEXT.id and isinstance(value, Mapping)

    def value_at(self, path: Path) -> Any:
        """The value that stands at a path of `places`."""
        value = self.data
        for step in path:
            value = value[step]
        return value
