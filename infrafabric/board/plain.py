"""The records of the board as plain data for JSON, and back again from data that nobody vouches for.

One function over the fields and their types serves every record. A converter library was rejected: the core takes no
further dependency for thirty lines; a schema beside the records would have to be kept in step with them.
"""

from __future__ import annotations

import math
import types
import typing
from functools import cache
from typing import Any, Final, TypeVar

import attrs

from infrafabric.errors import BoardError, escape

T = TypeVar("T")

#: Data nested deeper than this are no board: contracts end long before.
MAX_DEPTH: Final = 32
#: What an error shows of a wrong value.
_SHOWN: Final = 40
#: No count of ours gets near; arithmetic and other languages' numbers can take it.
_MAX_INT: Final = 2**63 - 1
#: A time that the calendar of every platform and time zone has: in the year 8307.
_MAX_TIME: Final = 200_000_000_000
_KINDS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def to_dict(record: Any) -> dict[str, Any]:
    """A record of the board as data that JSON can hold; what an open mapping holds is passed on as it is."""
    plain: dict[str, Any] = _plain(record)
    return plain


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is tuple:
        return list(value) if value and type(value[0]) in _KINDS else [_plain(item) for item in value]
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if attrs.has(kind):
        return {name: _plain(getattr(value, name)) for name in _fields(kind)}
    return value


def from_dict(kind: type[T], plain: Any) -> T:
    """The record that `to_dict` turned into ``plain``. `BoardError` says what does not fit, and where.

    Every field has to be there, with its own type, and nothing else; numbers are finite. Texts are made safe to print:
    what a terminal would act upon is escaped, except line breaks and tabs.
    """
    found: T = _value(kind, plain, "")
    return found


def _value(kind: Any, plain: Any, path: str) -> Any:  # noqa: PLR0911 - one line for each kind there is
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        options = [option for option in typing.get_args(kind) if option is not types.NoneType]
        return None if plain is None else _value(options[0], plain, path)
    if origin is tuple:
        return _items(typing.get_args(kind)[0], plain, path)
    if origin is dict:
        return _mapping(typing.get_args(kind)[1], plain, path)
    if kind is Any:
        return _anything(plain, path, 0)
    if attrs.has(kind):
        return _record(kind, plain, path)
    if kind is float and type(plain) in {int, float}:
        return _float(plain, path)
    if type(plain) is not kind:
        raise _wrong(plain, path, _KINDS[kind])
    return _scalar(plain, path)


def _items(kind: Any, plain: Any, path: str) -> tuple[Any, ...]:
    if type(plain) is not list:
        raise _wrong(plain, path, "a list")
    return tuple(_value(kind, item, f"{path}[{place}]") for place, item in enumerate(plain))


def _mapping(kind: Any, plain: Any, path: str) -> dict[str, Any]:
    if type(plain) is not dict:
        raise _wrong(plain, path, "a mapping")
    return {_key(key, path): _value(kind, item, _below(path, key)) for key, item in plain.items()}


def _record(kind: Any, plain: Any, path: str) -> Any:
    if type(plain) is not dict:
        raise _wrong(plain, path, "a mapping")
    fields = _fields(kind)
    for name in fields:
        if name not in plain:
            raise BoardError(f"{path or 'the board'} has no {name!r}; take it again with this version of infrafabric")
    for name in plain:
        if name not in fields:
            raise BoardError(
                f"{_below(path, name)} is no field of {kind.__name__}; take it again with this version of infrafabric"
            )
    return kind(**{name: _value(field, plain[name], _below(path, name)) for name, field in fields.items()})


def _anything(plain: Any, path: str, depth: int) -> Any:
    """Plain data of any shape, as JSON has it: not too deep, and every number finite."""
    if depth > MAX_DEPTH:
        raise BoardError(f"{path} is nested more than {MAX_DEPTH} deep; a board is not")
    if type(plain) is dict:
        return {_key(key, path): _anything(item, _below(path, key), depth + 1) for key, item in plain.items()}
    if type(plain) is list:
        return [_anything(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(plain)]
    if plain is None or type(plain) in {str, int, float, bool}:
        return _scalar(plain, path)
    raise _wrong(plain, path, "data that JSON can hold")


def _scalar(plain: Any, path: str) -> Any:
    if type(plain) is str:
        return printable(plain)
    if type(plain) is float and not math.isfinite(plain):
        raise _wrong(plain, path, "a finite number")
    if type(plain) is int and abs(plain) > _MAX_INT:
        raise BoardError(f"{path} is beyond 64 bits; expected a whole number up to {_MAX_INT}")
    return plain


def _float(plain: float, path: str) -> float:
    """A number that arithmetic can take, no larger than what can be counted; a time that a calendar has."""
    number = float(_scalar(plain, path))
    name = path.rpartition(".")[2]
    if (name == "at" or name.endswith("_at")) and abs(number) > _MAX_TIME:
        raise BoardError(f"{path} is {number:g}; expected seconds since 1970, up to {_MAX_TIME:,}")
    if abs(number) > float(_MAX_INT):
        raise BoardError(f"{path} is {number:g}; expected a number up to {float(_MAX_INT):g}")
    return number


def printable(text: str) -> str:
    r"""A text with all but line breaks and tabs escaped that is not printable.

    >>> print(printable("two\nlines, \x1b[31mred"))
    two
    lines, \x1b[31mred
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _key(key: Any, path: str) -> str:
    if type(key) is not str:
        raise _wrong(key, path, "text as a key")
    return printable(key)


def _below(path: str, name: object) -> str:
    shown = escape(str(name), _SHOWN)
    return f"{path}.{shown}" if path else shown


def _wrong(plain: Any, path: str, expected: str) -> BoardError:
    return BoardError(f"{path or 'the board'} is {escape(repr(plain)[:200], _SHOWN)}; expected {expected}")


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """The type of each field of a record, in order."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in attrs.fields(kind)}
