"""In which order the keys of a contract stand in a file, at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from infrafabric.contract.fields import specs
from infrafabric.contract.record import Part, PartMap
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.writing import KEY_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.contract.record import Record

T = TypeVar("T")


@attrs.frozen
class Shape:
    """What is known about a mapping's keys: they are those of ``record``, or names under which such records stand."""

    record: type[Record]
    by_name: bool = False

    def below(self, key: str) -> Shape | None:
        """The shape of the value of a key; None where nothing is known about it, so that it is left alone."""
        if self.by_name:
            return Shape(self.record)
        spec = specs(self.record).get(key)
        if spec is not None and isinstance(spec.kind, PartMap):
            return Shape(spec.kind.record, by_name=True)
        return Shape(spec.kind.record) if spec is not None and isinstance(spec.kind, Part) else None

    def rank(self, key: str) -> int | None:
        """The place of a key among the known ones; None for names and keys that are not known."""
        return self._ranks.get(key)

    @property
    def _ranks(self) -> dict[str, int]:
        names = () if self.by_name else KEY_ORDER if self.record is ServiceContract else tuple(specs(self.record))
        return {name: rank for rank, name in enumerate(("$schema", *names))}

    def arrange(self, items: Iterable[T], key_of: Callable[[T], str]) -> list[T]:
        """The items in the order of their keys; names, and keys that are not known, keep theirs."""
        ranks = self._ranks
        return sorted(items, key=lambda item: ranks.get(key_of(item), len(ranks)))


#: The shape of a whole contract.
CONTRACT = Shape(ServiceContract)
