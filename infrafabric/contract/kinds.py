"""The kinds of value a contract's fields take: numbers, texts, choices, flags, lists of texts.

Times are in `times`, free data is in `data`, nested records are in `record`, parameter schemas in `params`.

A kind is a small record that can read a value (check it, and give it back frozen) and that a generator of
schemas and reference pages can look into. The alternative, a validator function a field, hides its range in code.
"""

from __future__ import annotations

import math
import re
from typing import Any, Protocol

import attrs

from infrafabric.contract import rules
from infrafabric.contract.frozen import FrozenList
from infrafabric.contract.problems import Problems, nearest, shown

#: The advice for a number that should be text; whoever knows the file completes it with the number as it is written.
QUOTE_IT = "quote it, so that it stays text"


class Kind(Protocol):
    """What a field needs of its kind."""

    @property
    def expects(self) -> str:
        """What is allowed, as it reads after "expected "."""

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        """The value as it is stored. What is wrong is added to ``problems``; the result is then not used."""


@attrs.frozen(kw_only=True)
class Number:
    """A finite number in a range.

    ``whole``: integers only. ``above``, ``below``: the minimum or maximum itself is outside. ``nullable``: None
    (null) is allowed and means "not limited".
    """

    minimum: float
    maximum: float
    unit: str
    whole: bool = False
    above: bool = False
    below: bool = False
    nullable: bool = False

    @property
    def expects(self) -> str:
        """The range in words, as "a whole number from 1 to 4,096 (MiB)"."""
        what = "a whole number" if self.whole else "a number"
        if self.above or self.below:
            low = f"{'above' if self.above else 'from'} {self.minimum:,}"
            high = f"{'below' if self.below else 'up to'} {self.maximum:,}"
            what = f"{what} {low} and {high}"
        else:
            what = f"{what} from {self.minimum:,} to {self.maximum:,}"
        return f"{what} ({self.unit})" + (" or null" if self.nullable else "")

    def read(self, value: Any, path: str, problems: Problems) -> int | float | None:
        """The number as it was given (an int stays an int); never a bool, never from text."""
        if value is None and self.nullable:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}", _unquoted(value))
            return None
        number = int.__int__(value) if isinstance(value, int) else float.__float__(value)
        if not self._holds(number):
            problems.add(rules.BAD_NUMBER, path, f"expected {self.expects}, got {shown(value)}", self._fix(number))
        return number

    def _holds(self, number: float) -> bool:
        if not isinstance(number, int) and (self.whole or not math.isfinite(number)):
            return False
        over = number > self.minimum if self.above else number >= self.minimum
        under = number < self.maximum if self.below else number <= self.maximum
        return over and under

    def _fix(self, number: float) -> str | None:
        if not isinstance(number, int):
            if not math.isfinite(number):
                return "leave the key out to get its default"
            if self.whole and self.minimum <= number <= self.maximum:
                return f"write {round(number)}"
        if number <= self.minimum and not self.above:
            return f"the smallest allowed value is {self.minimum}"
        if number >= self.maximum and not self.below:
            return f"the largest allowed value is {self.maximum}"
        return None


def _unquoted(value: Any) -> str | None:
    """The advice for a number that was written as text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", value):
        return f"write {value} without quotes"
    return None


@attrs.frozen(kw_only=True)
class Text:
    """A printable text. ``form`` says its grammar in words, ``pattern`` as a regular expression for all of it.

    ``lines``: line breaks and tabs are allowed.
    """

    form: str
    max_characters: int
    pattern: str = ".*"
    lines: bool = False
    example: str = ""

    @property
    def expects(self) -> str:
        """The grammar in words, with an example."""
        return self.form + (f', as in "{self.example}"' if self.example else "")

    def read(self, value: Any, path: str, problems: Problems) -> str:
        """The text as an exact ``str``; members of text enums become their value."""
        if not isinstance(value, str):
            fix = QUOTE_IT if isinstance(value, int | float) and not isinstance(value, bool) else None
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}", fix)
            return ""
        text = str.__str__(value)
        if len(text) > self.max_characters:
            message = f"expected at most {self.max_characters:,} characters, got {len(text):,}"
            problems.add(rules.TOO_LARGE, path, message)
        elif not self.accepts(text):
            other = text.strip().lower()
            fix = f'write "{other}"' if other != text and self.accepts(other) else None
            problems.add(rules.BAD_TEXT, path, f"expected {self.expects}, got {shown(text)}", fix)
        return text

    def accepts(self, text: str) -> bool:
        """Whether ``text``, of any length, is of this form."""
        printable = text.replace("\n", "").replace("\t", "") if self.lines else text
        return printable.isprintable() and re.fullmatch(self.pattern, text, re.DOTALL) is not None


@attrs.frozen
class OptionalText:
    """A text, or None (null) where there is none."""

    text: Text

    @property
    def expects(self) -> str:
        """The grammar of the text."""
        return f"{self.text.expects} or null"

    def read(self, value: Any, path: str, problems: Problems) -> str | None:
        """The text, or None."""
        return None if value is None else self.text.read(value, path, problems)


@attrs.frozen(kw_only=True)
class Choice:
    """One of a few words. ``nullable``: None (null) is allowed too."""

    options: tuple[str, ...]
    nullable: bool = False

    @property
    def expects(self) -> str:
        """The words."""
        return "one of " + ", ".join(self.options) + (" or null" if self.nullable else "")

    def read(self, value: Any, path: str, problems: Problems) -> str | None:
        """The word as an exact ``str``."""
        if value is None and self.nullable:
            return None
        if not isinstance(value, str):
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}")
        elif value not in self.options:
            meant = nearest(str.__str__(value), self.options)
            fix = f"write {meant}" if meant else None
            problems.add(rules.BAD_CHOICE, path, f"expected {self.expects}, got {shown(value)}", fix)
        else:
            return str.__str__(value)
        return None


@attrs.frozen
class Flag:
    """True or false, and nothing that merely resembles them."""

    expects: str = "true or false"

    def read(self, value: Any, path: str, problems: Problems) -> bool:
        """The flag."""
        if not isinstance(value, bool):
            meant = _FLAG_WORDS.get(str.__str__(value).lower()) if isinstance(value, str) else None
            fix = f"write {meant}, without quotes" if meant else None
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}", fix)
        return value is True


#: What people write who know YAML 1.1, shells, or other configuration files.
_FLAG_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "y"), "true"),
    **dict.fromkeys(("false", "no", "off", "n"), "false"),
}


@attrs.frozen(kw_only=True)
class TextList:
    """A list of distinct texts."""

    item: Text
    max_items: int

    @property
    def expects(self) -> str:
        """The list in words."""
        return f"a list of distinct texts, each {self.item.expects}"

    def read(self, value: Any, path: str, problems: Problems) -> FrozenList[str]:
        """The texts in their order; those of a set are sorted, because a set has none."""
        if isinstance(value, set | frozenset):
            value = sorted(value, key=str)
        if not isinstance(value, list | tuple):
            fix = f"write [{shown(value)}]" if isinstance(value, str) else None
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}", fix)
            return FrozenList()
        if len(value) > self.max_items:
            problems.add(rules.TOO_LARGE, path, f"expected at most {self.max_items:,} entries, got {len(value):,}")
            return FrozenList()
        texts: list[str] = []
        first: dict[str, int] = {}
        for index, entry in enumerate(value):
            text = self.item.read(entry, f"{path}[{index}]", problems)
            if isinstance(entry, str) and first.setdefault(text, index) != index:
                message = f"{shown(text)} is listed already, at {path}[{first[text]}]"
                problems.add(rules.DUPLICATE, f"{path}[{index}]", message, "remove one of them")
            texts.append(text)
        return FrozenList(texts)
