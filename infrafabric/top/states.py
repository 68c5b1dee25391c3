"""How a state looks: a word, a symbol and a colour, so that none of them is ever the only sign.

Colours are the terminal's own sixteen. Fixed ones were rejected: nobody knows the background behind them.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Look:
    """A state as people see it. ``style`` is one of the names in `STYLES`."""

    symbol: str
    word: str
    style: str
    is_trouble: bool = False


#: What a style is made of. Names, because a plain table has none of them.
STYLES: Final = {
    "": "",
    "head": "bold",
    "bad": "bold ansi_red",
    "warn": "bold ansi_yellow",
    "good": "ansi_green",
    "info": "ansi_cyan",
    "quiet": "dim",
}

#: By the names of the states of objectives and alerts, the worst first.
_LOOKS: Final = {
    "exhausted": Look("✖", "exhausted", "bad", is_trouble=True),
    "firing": Look("▲", "firing", "bad", is_trouble=True),
    "increasing": Look("△", "increasing", "warn"),
    "recovering": Look("▽", "recovering", "warn"),
    "inactive": Look("●", "inactive", "good"),
    "insufficient_data": Look("○", "insufficient", "quiet"),
    "no_data": Look("·", "no data", "quiet"),
    "unreachable": Look("–", "unreachable", "quiet"),  # noqa: RUF001 - a dash that is no minus
}

#: What the contract's budget policy does, where it does anything.
_ENFORCEMENT: Final = {
    "throttled": Look("▼", "throttled", "warn", is_trouble=True),
    "quarantined": Look("■", "quarantined", "bad", is_trouble=True),
    "half_open": Look("◇", "on probation", "warn"),
}


def look(state: str) -> Look:
    """How a state looks; one of a newer program is shown by its name."""
    return _LOOKS.get(state) or Look("?", state, "warn")


def enforcement_look(enforcement: str) -> Look | None:
    """How the budget policy looks; None while it lets everything through or only observes."""
    if enforcement in {"", "closed", "observe", "none"}:
        return None
    return _ENFORCEMENT.get(enforcement) or Look("?", enforcement, "warn")


def legend() -> tuple[tuple[Look, str], ...]:
    """Every state with the name that the reference calls it by, the worst first."""
    return tuple((seen, name) for name, seen in _LOOKS.items())
