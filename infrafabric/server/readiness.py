"""Whether the server may be sent requests: what `/ready` says, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from infrafabric.server.deployment import Deployment


class Readiness:
    """What stands in the way of more requests. A change of a contract that was refused does not: the old one serves."""

    def __init__(self, chassis: IFChassis, deployment: Deployment | None) -> None:
        self._chassis = chassis
        self._deployment = deployment
        self.draining = False

    def reasons(self) -> list[str]:
        """Why not, in sentences; empty when ready."""
        reasons = []
        if self.draining:
            reasons.append("the server is shutting down")
        if self._deployment is not None:
            reasons += [
                f"{name} is not loaded: its contract or module is refused" for name in self._deployment.missing()
            ]
        return reasons

    def to_dict(self) -> dict[str, Any]:
        """Plain data. Whoever may see it may not see the contracts: names, no texts of theirs."""
        reasons = self.reasons()
        refused = list(self._deployment.refused_changes()) if self._deployment is not None else []
        return {
            "ready": not reasons,
            "reasons": reasons,
            "swarms": len(self._chassis.list_loaded_swarms()),
            "refused_changes": refused,
        }
