"""How large and deep a file's data may be, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.contract import text_rules

if TYPE_CHECKING:
    from infrafabric.contract.document import Path
    from infrafabric.contract.rules import Rule

#: Mappings and lists may stand in each other so deep.
MAX_DEPTH = 64
#: So many keys, entries and scalars may stand in one file.
MAX_VALUES = 50_000

TOO_DEEP_TEXT = f"more than {MAX_DEPTH} levels of nesting"
TOO_MANY_TEXT = f"more than {MAX_VALUES:,} values"


def shape_problem(data: Any) -> tuple[Rule, Path, str] | None:
    """The rule that the data's size breaks, the path where it does, and a message; None when it is within bounds.

    Keys count as values, as they do for a reader. The data is a tree.
    """
    count = 0
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        count += 2 if path and isinstance(path[-1], str) else 1
        if count > MAX_VALUES:
            return text_rules.TOO_MANY_VALUES, path, TOO_MANY_TEXT
        if isinstance(value, dict | list):
            if len(path) >= MAX_DEPTH:
                return text_rules.TOO_DEEP, path, TOO_DEEP_TEXT
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend(reversed([((*path, step), item) for step, item in items]))
    return None
