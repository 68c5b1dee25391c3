"""Reading TOML as plain data with places.

The standard library parses. It says nothing about places, and takes minutes for a dotted key of a hundred thousand
parts; so a light scan of keys, brackets and strings comes first, which finds the places and stops bombs. The scan
takes more than TOML does and judges nothing: what is not TOML is left to the parser.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract import text_rules
from infrafabric.contract.document import Document, Path, Source, Where
from infrafabric.contract.shape import MAX_DEPTH, MAX_VALUES, TOO_DEEP_TEXT, TOO_MANY_TEXT, shape_problem
from infrafabric.errors import Problem, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.contract.rules import Rule

_LONG_NUMBER = re.compile(r"\d[\d_]{400,}")
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = " (at end of document)"

#: Strings first, so that nothing inside them counts; then punctuation, line breaks, and words.
_TOKEN = re.compile(
    r'(?P<string>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?!"")(?:[^"\\\n]|\\.)*"|\'(?!\'\')[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<mark>[\[\]{}=,.])|(?P<word>[^\s\[\]{}=,.\"'\#]+)|(?P<stray>[\"'])",
    re.DOTALL,
)


def read_toml(source: Source) -> Document:
    """The document that TOML text says; one that cannot be parsed has a syntax problem and no data."""
    scan = Scan(source.text)
    if scan.stopped is not None:
        rule, offset, message = scan.stopped
        return _unread(source, rule, offset, message)
    try:
        data = tomllib.loads(source.text)
    except RecursionError:
        return _unread(source, text_rules.TOO_DEEP, 0, TOO_DEEP_TEXT)
    except tomllib.TOMLDecodeError as error:
        return _refused(source, scan, str(error))
    except ValueError:  # Python's own bound on the digits of an integer
        long = _LONG_NUMBER.search(source.text)
        return _unread(source, text_rules.SYNTAX, long.start() if long else 0, "a number of more than 4,000 digits")
    found = shape_problem(data)
    if found is not None:
        rule, path, message = found
        return _unread(source, rule, scan.places.get(path, Where(None, 0)).value, message)
    return Document(source=source, format="toml", data=data, find_places=lambda: scan.places)


def _unread(source: Source, rule: Rule, offset: int, message: str, fix: str | None = None) -> Document:
    line, column = source.place(offset)
    problem = Problem(rule=rule.id, path="", message=message, line=line, column=column, fix=fix)
    return Document(source=source, format="toml", data=None, problems=(problem,), is_read=False)


def _refused(source: Source, scan: Scan, text: str) -> Document:
    """What the parser refused, at the place that it names."""
    at = _AT.search(text)
    what = escape(text[: at.start()] if at else text.removesuffix(_AT_END), 200)
    offset = source.offset(int(at.group(1)), int(at.group(2))) if at else len(source.text)
    if "overwrite" in what or "twice" in what:
        offset = next((s.start for s in reversed(scan.statements) if s.start < offset), offset)
        message = "this key or table stands in the file already"
        return _unread(source, text_rules.DUPLICATE_KEY, offset, message, "remove one of them")
    return _unread(source, text_rules.SYNTAX, offset, f"this is not TOML: {what}", _advice(what))


def _advice(what: str) -> str | None:
    if "after a statement" in what:
        return "put one 'key = value' on a line"
    if what.startswith("Invalid value"):
        return "quote text; true, false and numbers stand without quotes"
    return None


@attrs.frozen
class Statement:
    """One table header or ``key = value``: its full path, where its key and value begin, and where it ends."""

    path: Path
    start: int
    value: int
    end: int
    is_header: bool = attrs.field(kw_only=True)


class Scan:
    """One pass over the tokens of a text: its statements, and the place of each path.

    ``stopped`` says where and why the rest was not looked at: the text is too deep or holds too much.
    """

    def __init__(self, text: str) -> None:
        self.statements: list[Statement] = []
        self.places: dict[Path, Where] = {(): Where(None, 0)}
        self.stopped: tuple[Rule, int, str] | None = None
        self._tokens = list(_tokens(text))
        self._at = 0
        self._tables: dict[Path, int] = {}  # how many [[entries]] an array of tables has
        self._run()

    def _run(self) -> None:
        table: Path = ()
        while self.stopped is None and self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.lastgroup == "newline":
                self._at += 1
            elif token.group() == "[":
                table = self._header()
            else:
                self._pair(table, statement=True)
                self._skip_line()

    def _word(self) -> str:
        return self._tokens[self._at].group() if self._at < len(self._tokens) else "\n"

    def _start(self) -> int:
        return self._tokens[min(self._at, len(self._tokens) - 1)].start()

    def _skip_line(self) -> None:
        while self._word() != "\n":
            self._at += 1

    def _header(self) -> Path:
        start = self._start()
        brackets = 0
        while self._word() == "[" and brackets < 2:
            brackets += 1
            self._at += 1
        path, key_at = self._key(())
        if brackets > 1:
            entry = self._tables[path] = self._tables.get(path, -1) + 1
            self._note(path, key_at, start)
            path = (*path, entry)
        self._note(path, key_at if brackets == 1 else None, start)
        self._skip_line()
        end = self._tokens[self._at - 1].end()
        self.statements.append(Statement(path, start, start, end, is_header=True))
        return path

    def _key(self, table: Path) -> tuple[Path, int]:
        """A dotted key, as a path that steps into the last entry of arrays of tables; and where its last part is."""
        path, parts, after_dot = table, 0, True
        key_at = part_at = self._start()
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.lastgroup in {"mark", "newline"} and token.group() != ".":
                break
            if (token.group() == ".") == after_dot:
                break  # "a b" and "a..b" are no keys
            self._at += 1
            after_dot = token.group() == "."
            if after_dot:
                continue
            parts += 1
            if len(path) >= MAX_DEPTH:
                self.stopped = (text_rules.TOO_DEEP, token.start(), TOO_DEEP_TEXT)
                break
            if parts > 1 and path in self._tables:
                path = (*path, self._tables[path])
            key_at = token.start()
            if parts > 1 and isinstance(path[-1], str):
                self._note(path, part_at, part_at)
            part_at = key_at
            path = (*path, _unquoted(token.group()))
        return path, key_at

    def _pair(self, table: Path, *, statement: bool = False) -> None:
        start = self._start()
        path, key_at = self._key(table)
        if self._word() != "=" or self.stopped is not None:
            self._at += self._word() != "\n"  # not TOML; go on, so that the scan ends
            return
        self._at += 1
        value_at = self._start()
        self._note(path, key_at, value_at)
        self._value(path)
        if statement:
            end = self._tokens[self._at - 1].end()
            self.statements.append(Statement(path, start, value_at, end, is_header=False))

    def _value(self, path: Path) -> None:
        word = self._word()
        if word not in {"[", "{"}:
            while self._word() not in {"\n", ",", "]", "}"}:  # 1.5 and 07:32 are several tokens
                self._at += 1
            return
        if len(path) >= MAX_DEPTH:
            self.stopped = (text_rules.TOO_DEEP, self._start(), TOO_DEEP_TEXT)
            return
        self._at += 1
        closing, index = ("]" if word == "[" else "}"), 0
        while self._at < len(self._tokens) and self.stopped is None:
            if self._word() == closing:
                self._at += 1
                return
            if self._word() in {"\n", ","}:
                self._at += 1
            elif word == "{":
                self._pair(path)
            else:
                before = self._at
                self._note((*path, index), None, self._start())
                self._value((*path, index))
                index += 1
                self._at += self._at == before  # a bracket that closes something else: not TOML

    def _note(self, path: Path, key: int | None, value: int) -> None:
        self.places.setdefault(path, Where(key, value))
        if len(self.places) > MAX_VALUES and self.stopped is None:
            self.stopped = (text_rules.TOO_MANY_VALUES, value, TOO_MANY_TEXT)


def comments_in(text: str) -> list[str]:
    """The comments of valid TOML, in order, without blanks at their ends."""
    return [found.group().rstrip() for found in _TOKEN.finditer(text) if found.lastgroup == "comment"]


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """The tokens that count; at quotes that never close the parser stops, and so does the scan."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "stray":
            return
        if found.lastgroup != "comment":
            yield found


def _unquoted(word: str) -> str:
    if word[:1] not in {'"', "'"}:
        return word
    try:
        return next(iter(tomllib.loads(f"{word} = 0")))
    except ValueError:
        return word
