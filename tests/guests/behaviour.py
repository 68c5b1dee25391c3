"""How the tests hold a guest to what guests.toml says of it: under a contract, through a chassis, check by check.

Contracts here are the default one: `ServiceContract` with a name and nothing else, but for what a check needs said
about its task. Conventions are detected wherever they can be; the exception is a list of numbers that a guest wants as
JSON, which reads as scalars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guests.manifest import load_guests
from infrafabric.chassis import ServiceContract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from guests.manifest import Check, Guest
    from infrafabric.chassis import IFChassis, TaskResult

GUESTS = load_guests()


def promises(*checks: Check) -> dict[str, dict[str, str]]:
    """What the contract has to say about the tasks of ``checks``, beyond what is detected."""
    tasks: dict[str, dict[str, str]] = {}
    for check in checks:
        promise = tasks.setdefault(check.task, {})
        if check.returns != "auto":
            promise["returns"] = check.returns
        if check.abi == "buffer" and isinstance(check.params, list):
            promise["abi"] = "buffer"
    return {task: promise for task, promise in tasks.items() if promise}


def expect(result: TaskResult, check: Check) -> None:
    """Fail unless the task ended as the check says, in its convention, with its log."""
    assert result.status == check.outcome, str(result.error)
    if result.ok:
        assert (type(result.output), result.output) == (type(check.output), check.output)
    assert check.message in str(result.error)
    if check.outcome != "invalid_params":  # refused before a convention was chosen
        assert result.metadata["calling_convention"] == check.abi
    if check.logs:
        assert tuple(record.text for record in result.logs) == check.logs
    assert result.usage.log_dropped == 0


def run(chassis: IFChassis, guest: Guest, check: Check) -> TaskResult:
    """Run one check on the loaded guest."""
    return chassis.execute_task(guest.name, check.task, check.params, check.timeout_seconds, check=False)


def expect_checks(chassis: IFChassis, guest: Guest, module: bytes) -> None:
    """Hold ``module`` to all checks of ``guest``, loading it anew where the contract has to say something else."""
    for checks in sessions(guest):
        contract = ServiceContract(guest.name, tasks=promises(*checks), execution={"instance": guest.instance})
        chassis.load_swarm(guest.name, module, contract)
        for check in checks:
            expect(run(chassis, guest, check), check)
        chassis.unload_swarm(guest.name)


def sessions(guest: Guest) -> Iterator[Sequence[Check]]:
    """The checks in order, cut where one wants an answer read otherwise than an earlier one of its task."""
    session: list[Check] = []
    returns: dict[str, Any] = {}
    for check in guest.checks:
        if returns.setdefault(check.task, check.returns) != check.returns:
            yield session
            session, returns = [], {check.task: check.returns}
        session.append(check)
    yield session
