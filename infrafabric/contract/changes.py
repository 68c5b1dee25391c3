"""What can change between two versions of a contract, whom it hurts, and how much the version has to rise for it.

Whom a change hurts decides who has to agree: more power is a question of **security**, less of it may break the
**guest**, weaker promises and other parameters the **caller**, and what alerts and digests say the **operator**.
"""

from __future__ import annotations

import enum
from typing import Any, Final

import attrs

from infrafabric.contract.problems import shown


class Hurts(enum.StrEnum):
    """Who has to look at a change."""

    SECURITY = "security"
    GUEST = "guest"
    CALLER = "caller"
    OPERATOR = "operator"
    NOBODY = "nobody"


class Bump(enum.IntEnum):
    """The part of a version that rises, the smallest first."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen
class ChangeRule:
    """One kind of change: its stable id, whom it hurts, the bump it needs, and why."""

    id: str
    hurts: Hurts
    bump: Bump
    explanation: str


@attrs.frozen(kw_only=True)
class Change:
    """One difference between two contracts: the rule it falls under, where it is, and both values (None: none)."""

    rule: ChangeRule
    path: str
    old: Any
    new: Any

    @property
    def breaking(self) -> bool:
        """True when somebody who relied on the old contract may be let down: the bump is major."""
        return self.rule.bump is Bump.MAJOR

    def __str__(self) -> str:
        hurts = "" if self.rule.hurts is Hurts.NOBODY else f", hurts {self.rule.hurts}"
        return f"{self.rule.id} {self.path}: {shown(self.old)} -> {shown(self.new)} ({self.rule.bump}{hurts})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "rule": self.rule.id,
            "path": self.path,
            "old": self.old,
            "new": self.new,
            "hurts": self.rule.hurts.value,
            "bump": str(self.rule.bump),
        }


SWARM_ID_CHANGED: Final = ChangeRule(
    "SWARM_ID_CHANGED", Hurts.CALLER, Bump.MAJOR, "Callers, dashboards and SLO history know the swarm by its id."
)
CAPABILITY_ADDED: Final = ChangeRule(
    "CAPABILITY_ADDED",
    Hurts.SECURITY,
    Bump.MINOR,
    "The swarm is given work that nobody reviewed it for.",
)
CAPABILITY_REMOVED: Final = ChangeRule(
    "CAPABILITY_REMOVED", Hurts.CALLER, Bump.MAJOR, "Callers who look for the capability no longer find the swarm."
)
LIMIT_RAISED: Final = ChangeRule(
    "LIMIT_RAISED", Hurts.SECURITY, Bump.MINOR, "The guest may use more of the host than was reviewed."
)
LIMIT_LOWERED: Final = ChangeRule(
    "LIMIT_LOWERED", Hurts.GUEST, Bump.MAJOR, "What ran within the old limit may now be slowed, refused or ended."
)
PERMISSION_WIDENED: Final = ChangeRule(
    "PERMISSION_WIDENED", Hurts.SECURITY, Bump.MAJOR, "The guest may import what it could not."
)
PERMISSION_NARROWED: Final = ChangeRule(
    "PERMISSION_NARROWED", Hurts.GUEST, Bump.MAJOR, "A module that imports what is no longer granted does not load."
)
SLO_RELAXED: Final = ChangeRule("SLO_RELAXED", Hurts.CALLER, Bump.MAJOR, "Callers are promised less.")
SLO_TIGHTENED: Final = ChangeRule(
    "SLO_TIGHTENED", Hurts.NOBODY, Bump.MINOR, "Callers are promised more; alerts fire earlier."
)
SLO_PERIOD_CHANGED: Final = ChangeRule(
    "SLO_PERIOD_CHANGED", Hurts.OPERATOR, Bump.MAJOR, "Budgets, alert windows and past reports no longer compare."
)
TASK_ADDED: Final = ChangeRule("TASK_ADDED", Hurts.NOBODY, Bump.MINOR, "More is said about one more task.")
TASK_REMOVED: Final = ChangeRule(
    "TASK_REMOVED",
    Hurts.CALLER,
    Bump.MAJOR,
    "How it is called is detected again; its parameters are unchecked.",
)
TASK_ABI_CHANGED: Final = ChangeRule(
    "TASK_ABI_CHANGED", Hurts.GUEST, Bump.MAJOR, "The guest gets its parameters by another convention."
)
TASK_RETURNS_CHANGED: Final = ChangeRule(
    "TASK_RETURNS_CHANGED", Hurts.CALLER, Bump.MAJOR, "Callers get the same answer as another type."
)
PARAMS_NARROWED: Final = ChangeRule(
    "PARAMS_NARROWED", Hurts.CALLER, Bump.MAJOR, "Parameters that were unchecked, or allowed, may now be refused."
)
PARAMS_WIDENED: Final = ChangeRule(
    "PARAMS_WIDENED", Hurts.SECURITY, Bump.MINOR, "The guest gets parameters that it was protected from."
)
PARAMS_CHANGED: Final = ChangeRule(
    "PARAMS_CHANGED", Hurts.CALLER, Bump.MAJOR, "Other parameters are allowed; some that were may be refused."
)
PARAMS_REWORDED: Final = ChangeRule(
    "PARAMS_REWORDED", Hurts.NOBODY, Bump.PATCH, "Only what people read about the parameters changed."
)
PARAMETERS_REORDERED: Final = ChangeRule(
    "PARAMETERS_REORDERED", Hurts.GUEST, Bump.MAJOR, "A scalar task takes named parameters in the order of this list."
)
INSTANCE_CHANGED: Final = ChangeRule(
    "INSTANCE_CHANGED", Hurts.GUEST, Bump.MAJOR, "State is kept between tasks that was not, or the other way round."
)
DETERMINISM_CHANGED: Final = ChangeRule(
    "DETERMINISM_CHANGED", Hurts.GUEST, Bump.MAJOR, "The guest sees another clock and other random numbers."
)
MODULE_CHANGED: Final = ChangeRule("MODULE_CHANGED", Hurts.SECURITY, Bump.PATCH, "Other code runs under the contract.")
MODULE_UNPINNED: Final = ChangeRule(
    "MODULE_UNPINNED", Hurts.SECURITY, Bump.MAJOR, "Any file of that name may now run under the contract."
)
MODULE_PINNED: Final = ChangeRule(
    "MODULE_PINNED", Hurts.NOBODY, Bump.PATCH, "Only one build of the module may run under the contract."
)
DESCRIPTION_CHANGED: Final = ChangeRule("DESCRIPTION_CHANGED", Hurts.NOBODY, Bump.PATCH, "Only people read it.")
METADATA_CHANGED: Final = ChangeRule(
    "METADATA_CHANGED", Hurts.NOBODY, Bump.PATCH, "It is kept and shown, never interpreted."
)

#: Every kind of change by its id, in the order above.
CHANGES: Final[dict[str, ChangeRule]] = {
    rule.id: rule for rule in tuple(globals().values()) if isinstance(rule, ChangeRule)
}
