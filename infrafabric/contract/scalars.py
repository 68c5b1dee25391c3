"""What an unquoted scalar of YAML means: the core schema of YAML 1.2.2, section 10.3.2.

The library's own resolver was rejected: it reads ``1_000``, ``0b1`` and dates as other readers of YAML 1.2 do not.
"""

from __future__ import annotations

import re
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
_BASES: Final = {"0o": 8, "0x": 16}
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
#: Longer integers are beyond every range; Python takes quadratic time to read them.
_MAX_DIGITS: Final = 400


def plain_scalar(text: str) -> Any:
    """The null, flag, number or text that an unquoted scalar is.

    >>> plain_scalar("0x1f"), plain_scalar("1e3"), plain_scalar("no"), plain_scalar("~")
    (31, 1000.0, 'no', None)
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return whole_number(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def whole_number(text: str) -> int | float:
    """An integer of any length; an infinity, which every field refuses, when it is absurdly long."""
    if len(text) > _MAX_DIGITS:
        return float("-inf") if text.startswith("-") else float("inf")
    base = _BASES.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)
