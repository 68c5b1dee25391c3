"""What a linter has to know about a module to say whether it fits a contract.

Whoever can read modules and knows what can be granted fills this in; the contract package reads no modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen(kw_only=True)
class DeniedImport:
    """An import that the contract does not let the module have. Texts are escaped."""

    name: str
    reason: str
    fix: str = ""


@attrs.frozen(kw_only=True)
class ExportFacts:
    """An export that can be called as a task.

    ``signature`` is for people; ``unfit`` says of each calling convention that the export cannot have, why.
    """

    signature: str
    parameter_count: int
    unfit: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ModuleFacts:
    """A module, judged against one contract. ``memory_bytes`` is what an instance begins with.

    ``refusal`` says, escaped, why no contract could let it load; "" where one could.
    """

    size_bytes: int
    memory_bytes: int = 0
    denied_imports: tuple[DeniedImport, ...] = ()
    refusal: str = ""
    exports: Mapping[str, ExportFacts] = attrs.field(factory=dict)
