"""`SloSnapshot.to_dict`, the other way: the snapshot that plain data describe.

The types of the records say what stands where. A schema of its own was rejected: it would have to be kept in step with
them. What is missing or of another type is refused, with its path.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

import attrs

from infrafabric.telemetry.slo import alerts, burn, exclusions, snapshot
from infrafabric.telemetry.slo.snapshot import EndingCount, SloSnapshot


def snapshot_from_dict(plain: Any) -> SloSnapshot:
    """The snapshot that `SloSnapshot.to_dict` turned into ``plain``. `ValueError` says what does not fit, and where."""
    found: SloSnapshot = _value(SloSnapshot, plain, "")
    return found


def _value(kind: Any, plain: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        options = typing.get_args(kind)
        if plain is None and types.NoneType in options:
            return None
        kind = next(option for option in options if option is not types.NoneType)
    if origin is tuple:
        return _items(typing.get_args(kind)[0], plain, path)
    if attrs.has(kind):
        return _record(kind, plain, path)
    if kind is float and type(plain) is int:
        return float(plain)
    if kind is alerts.AlertState and isinstance(plain, str):
        try:
            return kind(plain)
        except ValueError:
            raise ValueError(f"{path} is {plain!r}, which is no state") from None
    if type(plain) is not kind:
        raise ValueError(f"{path} is {plain!r}; expected {kind.__name__}")
    return plain


def _items(kind: Any, plain: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(plain, dict):
        raise ValueError(f"{path} is {plain!r}; expected a mapping")  # noqa: TRY004 - the data are wrong, not a type
    if kind is EndingCount:  # in plain data the count stands for its record
        plain = {name: {"name": name, "events": events} for name, events in plain.items()}
    return tuple(_value(kind, item, f"{path}.{name}") for name, item in plain.items())


def _record(kind: Any, plain: Any, path: str) -> Any:
    if not isinstance(plain, dict):
        raise ValueError(f"{path or 'the snapshot'} is {plain!r}; expected a mapping")  # noqa: TRY004 - as above
    known = _fields(kind)
    missing = [name for name, (_, needed) in known.items() if needed and name not in plain]
    if missing:
        raise ValueError(f"{path or 'the snapshot'} has no {missing[0]}")
    below = f"{path}." if path else ""
    return kind(**{name: _value(known[name][0], plain[name], below + name) for name in known if name in plain})


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The type of each field of a record, and whether it has to be there."""
    names = {**vars(burn), **vars(exclusions), **vars(snapshot)}
    types_ = typing.get_type_hints(kind, globalns=names)
    return {field.name: (types_[field.name], field.default is attrs.NOTHING) for field in attrs.fields(kind)}
