"""Free JSON data inside a contract: bounded, deeply frozen, and interpreted by nobody.

The walk counts bytes as it goes instead of serializing first, so that data that is shared, cyclic or simply huge
costs no more than its bound.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs

from infrafabric.contract import rules
from infrafabric.contract.frozen import FrozenList, FrozenMapping
from infrafabric.contract.problems import Problems, join, shown

#: The largest integer that every JSON reader keeps exactly (RFC 7493, section 2.2).
MAX_EXACT_INT = 2**53 - 1


@attrs.frozen(kw_only=True)
class Data:
    """A mapping of JSON data, bounded in size and depth, that nothing in infrafabric interprets."""

    max_bytes: int
    max_depth: int
    what: str = "a mapping of JSON data"

    @property
    def expects(self) -> str:
        """The bounds in words."""
        return f"{self.what}, at most {self.max_bytes:,} bytes as JSON and {self.max_depth} levels deep"

    def read(self, value: Any, path: str, problems: Problems) -> FrozenMapping[Any]:
        """A deep, frozen copy."""
        if not isinstance(value, Mapping):
            problems.add(rules.WRONG_TYPE, path, f"expected {self.expects}, got {shown(value)}")
            return FrozenMapping()
        try:
            return _Freezer(self, problems).mapping(value, path, 1)
        except _OutOfBounds as over:
            problems.add(rules.TOO_LARGE, path, f"expected {self.expects}; {over}")
            return FrozenMapping()


class _OutOfBounds(Exception):
    """The data is larger or deeper than its field holds. It ends the walk and never leaves this module."""


class _Freezer:
    """One walk over untrusted data that stops at the first byte or level too many, so that it always ends."""

    def __init__(self, bounds: Data, problems: Problems) -> None:
        self._bounds = bounds
        self._problems = problems
        self._bytes_left = bounds.max_bytes

    def mapping(self, value: Mapping[Any, Any], path: str, depth: int) -> FrozenMapping[Any]:
        self._enter(len(value), depth)
        frozen: dict[str, Any] = {}
        for key, item in value.items():
            if isinstance(key, str):
                self._spend(1)
                frozen[self._text(key, join(path, key))] = self._any(item, join(path, key), depth)
            else:
                self._spend(1)
                message = f"expected keys that are text, got {shown(key)}"
                self._problems.add(rules.WRONG_TYPE, join(path, key), message, "quote the key")
        return FrozenMapping(frozen)

    def _any(self, value: Any, path: str, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            self._spend(5 if value is False else 4)
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, int | float):
            return self._number(value, path)
        if isinstance(value, Mapping):
            return self.mapping(value, path, depth + 1)
        if isinstance(value, list | tuple):
            self._enter(len(value), depth + 1)
            return FrozenList(self._any(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value))
        what = "text, a finite number, true, false, null, a list or a mapping"
        self._problems.add(rules.WRONG_TYPE, path, f"expected {what}, got {shown(value)}", "write it as text")
        return None

    def _text(self, value: str, path: str) -> str:
        text = str.__str__(value)
        self._spend(len(text))  # at least one byte a character: a huge text is not encoded first
        try:
            encoded = json.dumps(text, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            self._problems.add(rules.BAD_TEXT, path, f"expected Unicode text, got half a surrogate pair: {shown(text)}")
            return ""
        self._spend(len(encoded) - len(text))
        return text

    def _number(self, value: float, path: str) -> int | float:
        exact = isinstance(value, int)
        number = int.__int__(value) if isinstance(value, int) else float.__float__(value)
        if not math.isfinite(number) if not exact else abs(number) > MAX_EXACT_INT:
            message = f"expected a finite number, whole ones within {MAX_EXACT_INT:,}, got {shown(value)}"
            self._problems.add(rules.BAD_NUMBER, path, message, "write it as text")
            return 0
        self._spend(len(repr(number)))
        return number

    def _enter(self, entries: int, depth: int) -> None:
        if depth > self._bounds.max_depth:
            text = f"this is deeper than {self._bounds.max_depth} levels"
            raise _OutOfBounds(text)
        self._spend(2 + max(entries - 1, 0))

    def _spend(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            text = f"this is more than {self._bounds.max_bytes:,} bytes"
            raise _OutOfBounds(text)
