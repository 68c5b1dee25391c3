"""Collecting everything that is wrong with a contract, and saying it in words that are safe to print.

Checks add to a collector and go on, instead of raising: an author corrects a file once, not once a mistake.
The collector is bounded, so that a hostile file cannot turn into a million messages.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from infrafabric.contract import rules
from infrafabric.errors import ContractValidationError, Problem, escape

if TYPE_CHECKING:
    from infrafabric.contract.rules import Rule

#: At most this many problems are listed; one more says that there were others.
MAX_PROBLEMS = 100

_SHOWN_CHARACTERS = 60
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Problems:
    """The problems found so far, in the order found."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def __len__(self) -> int:
        return len(self._found)

    @property
    def full(self) -> bool:
        """True when further problems would not be listed, so that looking for them is pointless."""
        return len(self._found) > MAX_PROBLEMS

    @property
    def found(self) -> tuple[Problem, ...]:
        """The problems so far."""
        return tuple(self._found)

    def add(self, rule: Rule, path: str, message: str, fix: str | None = None, *, severity: str | None = None) -> None:
        """Record that the value at ``path`` breaks ``rule``, with the rule's own severity unless another is given."""
        if len(self._found) < MAX_PROBLEMS:
            severity = severity or rule.severity
            self._found.append(Problem(rule=rule.id, path=path, message=message, severity=severity, fix=fix))
        elif not self.full:
            text = f"more than {MAX_PROBLEMS} problems; the others are not listed"
            fix = "correct those listed and check again"
            self._found.append(Problem(rule=rules.TOO_MANY_PROBLEMS.id, path="", message=text, fix=fix))

    def raise_any(self) -> None:
        """Raise `ContractValidationError` with all of them; do nothing when there are none."""
        if self._found:
            raise ContractValidationError(tuple(self._found))


def join(path: str, key: object) -> str:
    """The path of ``key`` inside ``path``; a key that is no plain word is quoted, escaped and cut.

    >>> join("tasks", "run"), join("tasks", "a b"), join("capabilities", 2)
    ('tasks.run', 'tasks["a b"]', 'capabilities[2]')
    """
    if isinstance(key, str) and _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else str(key)
    return f"{path}[{shown(key)}]"


def shown(value: object) -> str:  # noqa: PLR0911 - one line a type
    """How a value reads in a message: short, on one line, and never through its own ``__repr__``.

    >>> shown("256"), shown(None), shown([1, 2]), shown(10**5000)
    ('"256"', 'null', 'a list of 2', 'a number of more than 4,000 digits')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{escape(str.__str__(value), _SHOWN_CHARACTERS)}"'
    if isinstance(value, int):
        huge = int.bit_length(value) > 13_000  # Python refuses to print integers beyond 4,300 digits.
        return "a number of more than 4,000 digits" if huge else escape(int.__repr__(value), _SHOWN_CHARACTERS)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"a list of {len(value)}"
    return f"a value of type {escape(type(value).__name__, _SHOWN_CHARACTERS)}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` most likely means, or None.

    >>> nearest("max-memroy-MB", ["max_memory_mb", "max_fuel"])
    'max_memory_mb'
    """
    if len(word) > 64:  # Comparing is quadratic in the length.
        return None
    plain = {_fold(name): name for name in known}
    found = difflib.get_close_matches(_fold(word), plain, n=1)
    return plain[found[0]] if found else None


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
