"""What a swarm's failures cost it: whether a spent error budget, or failures in a row, slow it down or shut it off."""

from __future__ import annotations

from typing import Literal

import attrs

from infrafabric.contract.fields import field
from infrafabric.contract.kinds import Choice, Number
from infrafabric.contract.record import Record

OnExhausted = Literal["observe", "throttle", "quarantine"]


@attrs.frozen(kw_only=True, eq=False)
class Enforcement(Record):
    """The budget policy of one swarm (``enforcement`` in a contract). The default only observes."""

    on_exhausted: OnExhausted = field(
        Choice(options=("quarantine", "throttle", "observe")),
        "What happens while the error budget of an objective is spent. throttle: one task is admitted every "
        "retry_after_seconds. quarantine: the swarm is shut off, and again at each further failure.",
        enforced_by="chassis",
        broken="rate_limited (throttle), quarantined (quarantine)",
        default="observe",
        looser="up",
    )
    on_consecutive_failures: int | None = field(
        Number(minimum=1, maximum=1_000_000, unit="tasks that failed by the guest's fault", whole=True, nullable=True),
        "So many failures of the guest in a row shut the swarm off. Null: they do not.",
        enforced_by="chassis",
        broken="quarantined",
        default=None,
        examples=(5,),
        looser="up",
    )
    retry_after_seconds: float = field(
        Number(minimum=0.1, maximum=86_400, unit="seconds"),
        "A swarm that was shut off is tried again after this long, with one task; a throttled one runs one task in "
        "this time.",
        enforced_by="chassis",
        broken="quarantined",
        default=30,
        looser="down",
    )

    @property
    def observes_only(self) -> bool:
        """Whether nothing is ever enforced."""
        return self.on_exhausted == "observe" and self.on_consecutive_failures is None
