"""Declaring a contract's field once: its default, kind, meaning, enforcer, and what happens when it is broken.

Validation, mapping access and serialization read these declarations, and so can a schema or a reference page.
Decorating attributes with separate validators was the alternative; the range would then stand in several places.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.contract.kinds import Kind

Looser = Literal["up", "down", ""]

_KEY = "infrafabric"


@attrs.frozen(kw_only=True)
class FieldSpec:
    """Everything known about one field of a contract.

    ``enforced_by`` names the package that keeps the promise; ``broken`` says what a task or load ends with when
    it is broken ("" where it cannot be). ``default`` makes the value for a missing key; None: the key is required.
    ``file_kind`` is what files take, which may be less than what Python does. ``examples`` are values worth copying.
    ``looser`` says which way the field gives more: "up" (more, true, or a later choice), "down", or "" for neither.
    """

    name: str
    kind: Kind
    file_kind: Kind
    doc: str
    enforced_by: str
    broken: str
    default: Callable[[], Any] | None
    examples: tuple[Any, ...]
    looser: Looser

    def gives_more(self, one: Any, other: Any) -> bool:
        """Whether ``one`` gives more than ``other``: None (null) is "not limited", and later choices give more."""
        if not self.looser:
            return False
        low, high = (other, one) if self.looser == "up" else (one, other)
        return self._rank(low) < self._rank(high)

    def _rank(self, value: Any) -> float:
        if value is None:
            return float("inf")
        options = getattr(self.kind, "options", None)
        return options.index(value) if options else float(value)


def field(  # noqa: PLR0913 - one argument a fact
    kind: Kind,
    doc: str,
    *,
    enforced_by: str,
    broken: str = "",
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    file_kind: Kind | None = None,
    examples: tuple[Any, ...] = (),
    looser: Looser = "",
) -> Any:
    """An attrs field that carries its specification. Without ``default`` and ``factory`` it is required."""
    metadata = {_KEY: (kind, file_kind or kind, doc, enforced_by, broken, examples, looser)}
    return attrs.field(default=attrs.Factory(factory) if factory else default, metadata=metadata)


@cache
def specs(record: type) -> dict[str, FieldSpec]:
    """The specification of each field of a record class, by name, in order."""
    found = {}
    for attribute in attrs.fields(record):
        kind, file_kind, doc, enforced_by, broken, examples, looser = attribute.metadata[_KEY]
        found[attribute.name] = FieldSpec(
            name=attribute.name,
            kind=kind,
            file_kind=file_kind,
            doc=doc,
            enforced_by=enforced_by,
            broken=broken,
            default=_default_of(attribute),
            examples=examples,
            looser=looser,
        )
    return found


def _default_of(attribute: attrs.Attribute[Any]) -> Callable[[], Any] | None:
    if attribute.default is attrs.NOTHING:
        return None
    if isinstance(attribute.default, attrs.Factory):  # type: ignore[arg-type] # typed as a function, is a class
        return attribute.default.factory  # type: ignore[no-any-return, union-attr]
    return lambda: attribute.default
