"""Mappings and lists that cannot change, and still compare equal to the plain ones a caller writes.

``types.MappingProxyType`` was the alternative; it can be neither pickled nor hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

T_co = TypeVar("T_co", covariant=True)


class FrozenList(tuple[T_co, ...]):
    """A tuple that equals a list of the same items: ``contract.capabilities == ["docs:tutorials"]``."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


class FrozenMapping(Mapping[str, T_co]):
    """A hashable mapping in the order it was written; equal to any mapping of the same items.

    It copies the mapping it is made from, not the values inside.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, T_co] | None = None) -> None:
        self._items: dict[str, T_co] = dict(items or {})

    def __getitem__(self, key: str) -> T_co:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenMapping[T_co]], tuple[dict[str, T_co]]]:
        return FrozenMapping, (self._items,)


def thaw(value: Any) -> Any:
    """A plain, independent copy: mappings become dicts and tuples lists, all the way down."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value
