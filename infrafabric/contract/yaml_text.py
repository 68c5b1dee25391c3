"""Reading YAML 1.2 as plain data with places: no tags, no merge keys, no bombs.

The library's events are read, not its objects: they come one by one, so that a bomb is refused at its sixty-fifth
bracket, and they show tags, doubled keys and aliases, which a constructed value has swallowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from infrafabric.contract import text_rules
from infrafabric.contract.document import Document, Path, Source, Where
from infrafabric.contract.problems import MAX_PROBLEMS, join, shown
from infrafabric.contract.scalars import plain_scalar
from infrafabric.contract.shape import MAX_DEPTH, MAX_VALUES, TOO_DEEP_TEXT, TOO_MANY_TEXT
from infrafabric.errors import Problem, escape

if TYPE_CHECKING:
    from infrafabric.contract.rules import Rule

#: So many aliases may stand in one file.
MAX_ALIASES = 32

_TAG = re.compile(r"![^\s,\[\]{}]*")
#: Line breaks and marks to YAML 1.1 and to the library, but ordinary characters to YAML 1.2.
_AMBIGUOUS = re.compile("[\x85\u2028\u2029\ufeff]")

#: Words of the library's messages, and what to do about them.
_ADVICE = (
    ("cannot start any token", "indent with spaces, and quote text that begins with a special character"),
    ("mapping values are not allowed", "quote text that holds ': ', and check the indentation"),
    ("could not find expected ':'", "write 'key: value', with a space after the colon"),
    ("found unexpected end of stream", "close the quotes"),
    ("expected ',' or", "put a comma between entries and close the bracket"),
    ("expected <block end>", "indent the keys of one mapping by the same number of spaces"),
    ("special characters are not allowed", "remove the character, or write it as an escape in double quotes"),
)


def read_yaml(source: Source) -> Document:
    """The document that YAML text says; one that cannot be parsed has a syntax problem and no data."""
    reader = _Reader(source)
    is_read = reader.read()
    return Document(
        source=source,
        format="yaml",
        data=reader.data if is_read else None,
        problems=tuple(reader.problems),
        is_read=is_read,
        find_places=lambda: reader.places,
    )


class _EndOfReadingError(Exception):
    """What follows cannot be judged. It never leaves this module."""


@attrs.define(eq=False)
class _Open:
    """A mapping or list that has begun and not ended, with its path as steps and as text.

    ``path`` is None in what is not part of the data: a second value of a doubled key, or what stands in a key.
    ``key_at`` is where the key began whose value comes next; None: a key comes next.
    """

    value: dict[Any, Any] | list[Any]
    path: Path | None
    text: str
    anchor: str | None
    key: Any = None
    key_at: int | None = None
    key_is_good: bool = True


class _Reader:
    """One pass over a text's events."""

    def __init__(self, source: Source) -> None:
        self.problems: list[Problem] = []
        self.places: dict[Path, Where] = {(): Where(None, 0)}
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self.data: Any = None
        self._values = self._aliases = self._documents = 0

    def read(self) -> bool:
        """Fill `data`, `places` and `problems`; False when the rest of the text cannot be judged."""
        from ruamel.yaml import YAML  # noqa: PLC0415 - only YAML needs it
        from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

        unclear = _AMBIGUOUS.search(self._source.text)
        try:
            if unclear:
                message = f"the character U+{ord(unclear.group()):04X} is a line break to some readers of YAML only"
                self._stop(text_rules.NOT_TEXT, unclear.start(), message, "remove it, or write it as an escape")
            for event in YAML(typ="safe", pure=True).parse(self._source.text):
                self._take(type(event).__name__, event)
        except _EndOfReadingError:
            return False
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            return self._refused(str(error.problem or error.context), mark.index if mark else 0)
        except YAMLError as error:
            return self._refused(str(getattr(error, "reason", error)), int(getattr(error, "position", 0)))
        return True

    def _refused(self, what: str, offset: int) -> bool:
        fix = next((advice for words, advice in _ADVICE if words in what), None)
        self._report(text_rules.SYNTAX, offset, f"this is not YAML: {escape(what, 200)}", fix)
        return False

    def _stop(self, rule: Rule, offset: int, message: str, fix: str | None = None) -> NoReturn:
        self._report(rule, offset, message, fix)
        raise _EndOfReadingError

    def _report(self, rule: Rule, offset: int, message: str, fix: str | None = None, path: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            line, column = self._source.place(offset)
            self.problems.append(Problem(rule=rule.id, path=path, message=message, fix=fix, line=line, column=column))

    def _take(self, kind: str, event: Any) -> None:
        match kind:
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                self._begin(event, {} if kind == "MappingStartEvent" else [])
            case "MappingEndEvent" | "SequenceEndEvent":
                frame = self._open.pop()
                if frame.anchor is not None:
                    self._anchors[frame.anchor] = frame.value
            case "DocumentStartEvent":
                self._document(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            fix = "write it to a file of its own"
            self._stop(text_rules.SEVERAL_DOCUMENTS, event.start_mark.index, "a second document begins here", fix)
        if event.version is not None and tuple(event.version) != (1, 2):
            version = ".".join(map(str, event.version))
            self._report(text_rules.YAML_VERSION, 0, f"expected YAML 1.2, got {version}", "remove the %YAML line")
        if event.tags:
            self._report(text_rules.TAG, 0, "tags are not allowed, so none can be declared", "remove the %TAG line")

    def _scalar(self, event: Any) -> None:
        self._count(event)
        plain = not event.style
        value = plain_scalar(event.value) if plain else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        offset = event.start_mark.index
        if plain and not event.value and self._open and self._open[-1].key_at is not None:
            offset = self._open[-1].key_at  # nothing is written: its key is what one can see
        self._add(value, offset, merges=plain and event.value == "<<")

    def _alias(self, event: Any) -> None:
        offset = event.start_mark.index
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop(text_rules.ALIAS, offset, f"more than {MAX_ALIASES} aliases", "write the values out")
        if event.anchor not in self._anchors:
            inside = any(frame.anchor == event.anchor for frame in self._open)
            what = "stands inside its own anchor" if inside else "has no anchor before it"
            self._stop(text_rules.ALIAS, offset, f"the alias *{escape(event.anchor, 60)} {what}", "write the value out")
        self._add(self._anchors[event.anchor], offset)

    def _begin(self, event: Any, value: dict[Any, Any] | list[Any]) -> None:
        self._count(event)
        if len(self._open) >= MAX_DEPTH:
            self._stop(text_rules.TOO_DEEP, event.start_mark.index, TOO_DEEP_TEXT)
        path, text = self._add(value, event.start_mark.index)
        self._open.append(_Open(value, path, text, event.anchor))

    def _count(self, event: Any) -> None:
        offset = event.start_mark.index
        self._values += 1
        if self._values > MAX_VALUES:
            self._stop(text_rules.TOO_MANY_VALUES, offset, TOO_MANY_TEXT)
        if event.tag is not None:
            tag = _TAG.search(self._source.text, offset)
            shown_tag = escape(tag.group() if tag else str(event.tag), 60)
            self._report(text_rules.TAG, offset, f"the tag {shown_tag} is not allowed", "remove the tag")

    def _add(self, value: Any, offset: int, *, merges: bool = False) -> tuple[Path | None, str]:
        """Put a value where it belongs: the root, a list, or the key or value of a mapping. Gives its path."""
        if not self._open:
            self.data = value
            self.places[()] = Where(None, offset)
            return (), ""
        frame = self._open[-1]
        if isinstance(frame.value, list):
            index = len(frame.value)
            frame.value.append(value)
            return self._place(frame, index, Where(None, offset)), f"{frame.text}[{index}]"
        if frame.key_at is None:
            frame.key, frame.key_at = value, offset
            frame.key_is_good = self._check_key(frame, frame.value, offset, merges=merges)
            return None, ""
        key, where, frame.key_at = frame.key, Where(frame.key_at, offset), None
        if not frame.key_is_good:
            return None, ""
        frame.value[key] = value
        return self._place(frame, key, where), join(frame.text, key)

    def _place(self, frame: _Open, step: Any, where: Where) -> Path | None:
        if frame.path is None:
            return None
        path = (*frame.path, step)
        self.places[path] = where
        return path

    def _check_key(self, frame: _Open, mapping: dict[Any, Any], offset: int, *, merges: bool) -> bool:
        if frame.path is None:
            return False
        if isinstance(frame.key, dict | list):
            self._report(text_rules.KEY_NOT_TEXT, offset, f"expected a key that is text, got {shown(frame.key)}")
        elif merges:
            self._report(text_rules.MERGE_KEY, offset, "YAML 1.2 has no merge keys", "write the keys out")
        elif frame.key in mapping:
            message = f"the key {shown(frame.key)} stands in this mapping already"
            first = self.places[(*frame.path, frame.key)]
            message += f", on line {self._source.place(first.key or 0)[0]}"
            path = join(frame.text, frame.key)
            self._report(text_rules.DUPLICATE_KEY, offset, message, "remove one of them", path)
        else:
            return True
        return False
