"""Parameters from a JSON body: strict, and with the place where it stops being JSON.

As strict as what is read from guests: no NaN or infinity, no key twice, bounded depth and digits, no half of a
surrogate pair. Two readers of one body that differ in what they make of such things are how filters are got around.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final, NoReturn

from infrafabric.errors import escape
from infrafabric.server.problems import RequestRefusedError, refused

#: Lists and objects may stand in each other so deep.
MAX_DEPTH: Final = 64
#: Digits of one number.
MAX_DIGITS: Final = 400
#: What a value takes in memory, at least.
_VALUE_BYTES: Final = 64


class _NotTakenError(ValueError):
    """JSON that is not taken, and why."""


def read_params(body: bytes) -> Any:
    """The value of a JSON text. Raises `RequestRefusedError` (400) that says what is wrong, and where."""
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
            _refuse_depth(value)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _bad(f"this is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise _bad("a text escapes half of a surrogate pair; write both halves, or the character itself") from None
    except UnicodeDecodeError as error:
        raise _bad(f"this is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}") from None
    except RecursionError:
        raise _bad(_TOO_DEEP) from None
    except _NotTakenError as error:
        raise _bad(str(error)) from None
    return value


def read_bytes(body: bytes) -> int:
    """What the value of a JSON text takes in memory, roughly: many small values take far more than their text."""
    size = _separators(body)
    if size * _VALUE_BYTES > len(body):  # what stands inside texts separates nothing
        pieces = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        size = sum(map(_separators, pieces[::2]))
    return len(body) + size * _VALUE_BYTES


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


_TOO_DEEP: Final = f"lists and objects stand in each other more than {MAX_DEPTH} deep"


def _bad(why: str) -> RequestRefusedError:
    return refused(HTTPStatus.BAD_REQUEST, "bad_json", why)


def _refuse_depth(value: Any) -> None:
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [inner for outer in level for inner in _containers(outer)]
    if level:
        raise _NotTakenError(_TOO_DEEP)


def _containers(outer: dict[str, Any] | list[Any]) -> list[dict[str, Any] | list[Any]]:
    inside = outer.values() if isinstance(outer, dict) else outer
    return [item for item in inside if isinstance(item, dict | list)]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value] # None is what it is for
        raise _NotTakenError(f"an object has the key '{escape(twice, 100)}' twice; remove one of them")
    return value


def _constant(name: str) -> NoReturn:
    raise _NotTakenError(f"{name} is not JSON; write null, or a text")


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _float(digits: str) -> float:
    _check_digits(digits)
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _NotTakenError(f"the number {digits[:40]} is too large; numbers go up to 1.8e308")
    return value


def _check_digits(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise _NotTakenError(f"a number has {len(digits):,} digits; at most {MAX_DIGITS} are read")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
)
