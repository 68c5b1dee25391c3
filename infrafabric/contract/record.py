"""The base of a contract's records: validated as a whole, frozen, and readable as mappings.

Every field is read before anything is raised, so one error lists all that is wrong. attrs validators stop at the
first. `Part` and `PartMap` are the kinds of the fields that hold further records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import attrs

from infrafabric.contract import rules
from infrafabric.contract.fields import specs
from infrafabric.contract.frozen import FrozenMapping, thaw
from infrafabric.contract.problems import Problems, join, nearest, shown

if TYPE_CHECKING:
    from infrafabric.contract.kinds import Text


class Record(Mapping[str, Any]):
    """A frozen part of a contract. Equal to any mapping of the same items."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        """Check what the generated ``__init__`` stored, and store its frozen form."""
        self.fill({name: getattr(self, name) for name in specs(type(self))})

    def fill(self, values: Mapping[str, Any]) -> None:
        """Check all values, then store them frozen; for ``__init__`` only."""
        problems = Problems()
        clean = read_fields(type(self), values, "", problems)
        problems.raise_any()
        for name, value in clean.items():
            object.__setattr__(self, name, value)

    @classmethod
    def cross_check(cls, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        """Judge values against each other. ``values`` lacks those that are wrong by themselves."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The record that ``data`` describes, defaults filled in.

        Raises `ContractValidationError` with all problems: unknown and missing keys, wrong values, conflicts.
        """
        problems = Problems()
        clean = read_fields(cls, data, "", problems) if _is_mapping(data, "", problems) else {}
        problems.raise_any()
        return cls(**clean)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data; an independent copy that `from_dict` reads back."""
        plain: dict[str, Any] = thaw(self)
        return plain

    def evolve(self, **changes: Any) -> Self:
        """A changed copy, checked again. A mapping for a nested record changes only the keys it names."""
        for name, change in changes.items():
            kind = specs(type(self))[name].kind if name in specs(type(self)) else None
            if isinstance(kind, Part) and isinstance(change, Mapping) and not isinstance(change, Record):
                changes[name] = {**(getattr(self, name) or {}), **change}
        return attrs.evolve(self, **changes)  # type: ignore[misc, no-any-return, unused-ignore]

    def __getitem__(self, key: str) -> Any:
        if key in specs(type(self)):
            return getattr(self, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(specs(type(self)))

    def __len__(self) -> int:
        return len(specs(type(self)))

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))


@attrs.frozen
class Part:
    """The kind of a field that holds one record, written as that record or as a mapping of some of its keys.

    ``nullable``: None (null) is allowed and means that there is none.
    """

    record: type[Record]
    nullable: bool = attrs.field(kw_only=True, default=False)

    @property
    def expects(self) -> str:
        """The keys it takes."""
        return "a mapping with keys of " + ", ".join(specs(self.record)) + (" or null" if self.nullable else "")

    def read(self, value: Any, path: str, problems: Problems) -> Any:
        """The record; or, where something is wrong, the mapping of those of its values that are right."""
        if isinstance(value, self.record) or (value is None and self.nullable):
            return value
        if not _is_mapping(value, path, problems):
            return {}
        count = len(problems)
        clean = read_fields(self.record, value, path, problems)
        return clean if len(problems) > count else self.record(**clean)


@attrs.frozen(kw_only=True)
class PartMap:
    """The kind of a field that holds records by name."""

    record: type[Record]
    key: Text
    max_items: int

    @property
    def expects(self) -> str:
        """The keys and values it takes."""
        return f"a mapping from {self.key.form} to {Part(self.record).expects}"

    def read(self, value: Any, path: str, problems: Problems) -> FrozenMapping[Any]:
        """The records by name, in the order written."""
        parts: dict[str, Any] = {}
        if not _is_mapping(value, path, problems):
            return FrozenMapping()
        if len(value) > self.max_items:
            problems.add(rules.TOO_LARGE, path, f"expected at most {self.max_items:,} entries, got {len(value):,}")
            return FrozenMapping()
        part = Part(self.record)
        for key, item in value.items():
            name = self.key.read(key, join(path, key), problems)
            parts[name] = part.read(item, join(path, key), problems)
        return FrozenMapping(parts)


def read_fields(
    record: type[Record], data: Mapping[Any, Any], path: str, problems: Problems, *, in_file: bool = False
) -> dict[str, Any]:
    """The values of all fields of ``record``, defaults filled in; without those that are wrong.

    ``in_file``: the record's own fields are read as files write them. Only a contract's top level has such fields.
    """
    known = specs(record)
    clean: dict[str, Any] = {}
    wrong: set[str] = set()
    for key, value in data.items():
        if problems.full:
            break
        if not isinstance(key, str) or key not in known:
            _add_unknown_key(key, list(known), path, problems)
            continue
        count = len(problems)
        kind = known[key].file_kind if in_file else known[key].kind
        read = kind.read(value, join(path, key), problems)
        if len(problems) == count or isinstance(known[key].kind, Part | PartMap):
            clean[str.__str__(key)] = read
        else:
            wrong.add(key)
    for name, spec in known.items():
        if name in clean or name in wrong:
            continue
        if spec.default is None:
            kind = spec.file_kind if in_file else spec.kind
            problems.add(rules.MISSING_KEY, join(path, name), f"this key is missing; expected {kind.expects}")
        else:
            clean[name] = spec.default()
    record.cross_check(clean, path, problems)
    return clean


def _add_unknown_key(key: object, known: list[str], path: str, problems: Problems) -> None:
    meant = nearest(str.__str__(key), known) if isinstance(key, str) else None
    if meant:
        problems.add(rules.UNKNOWN_KEY, join(path, key), f"unknown key; did you mean {meant}?", f"rename it to {meant}")
    else:
        keys = ", ".join(known)
        problems.add(rules.UNKNOWN_KEY, join(path, key), f"unknown key; the keys here are {keys}", "remove it")


def _is_mapping(value: object, path: str, problems: Problems) -> bool:
    if isinstance(value, Mapping):
        return True
    fix = "write keys below it, or remove the line to get the defaults" if value is None else None
    problems.add(rules.WRONG_TYPE, path, f"expected a mapping, got {shown(value)}", fix)
    return False
