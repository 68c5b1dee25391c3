"""What a swarm may touch outside itself, and how its instances live. The defaults grant what cannot do harm."""

from __future__ import annotations

from typing import Literal

import attrs

from infrafabric.contract.fields import field
from infrafabric.contract.kinds import Choice, Flag
from infrafabric.contract.record import Record


@attrs.frozen(kw_only=True, eq=False)
class Permissions(Record):
    """What the guest may import."""

    log: bool = field(
        Flag(),
        "The guest may import env.log.",
        enforced_by="engine",
        broken="import_denied at load",
        default=True,
        looser="up",
    )
    wasi: Literal["none", "inert"] = field(
        Choice(options=("none", "inert")),
        "inert: WASI preview 1 without files, environment and network. none: importing WASI is refused.",
        enforced_by="engine",
        broken="import_denied at load",
        default="inert",
        looser="up",
    )


@attrs.frozen(kw_only=True, eq=False)
class Execution(Record):
    """How the swarm's instances live and what they can observe."""

    instance: Literal["task", "swarm"] = field(
        Choice(options=("task", "swarm")),
        "task: a fresh instance for each task. swarm: one instance is kept, which needs max_concurrent_tasks 1, "
        "and any ending but success replaces it.",
        enforced_by="engine",
        default="task",
    )
    deterministic: bool = field(
        Flag(),
        "True: frozen clock, seeded random numbers and canonical NaNs, so that the same input gives the same output "
        "and, with max_fuel, costs the same fuel.",
        enforced_by="engine",
        default=False,
    )
