"""One attack as data: a hostile module, the contract it runs under, what is asked of it, and how that has to end.

An attack is a record with its guest beside its expected ending, so that the party reads as a table. Rejected: a class
or a test function for each, which hides the expectation in code and cannot be listed by the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.testing import wat

if TYPE_CHECKING:
    from infrafabric.attack.scene import Scene
    from infrafabric.chassis import TaskResult

#: How loading ends when nothing refuses it; else it is the error's code.
LOADED = "loaded"

#: The outputs that are not looked at.
ANYTHING = object()

#: Looks at one result and says what is wrong with it.
Look = Callable[["TaskResult"], Iterable[str]]
#: Looks at all that happened, or does more than one call can, and says what is wrong.
Check = Callable[["Scene"], Iterable[str]]


@attrs.frozen(kw_only=True)
class Call:
    """One task asked of the hostile guest. ``expect``: the statuses that are right; ``output`` of a success."""

    task: str = "run"
    params: Any = None
    expect: tuple[str, ...] = ("success",)
    output: Any = ANYTHING
    timeout_seconds: float | None = None
    look: Look | None = None


@attrs.frozen(kw_only=True)
class Attack:
    """One way to hurt the host or a neighbour.

    ``tries`` is a sentence that begins with a verb. ``load`` names the endings of loading that are right: `LOADED`, or
    codes of errors. ``limits`` and ``contract`` change what `stage.contract_for` grants. ``late_seconds`` is how much
    later than its deadline one call may end; ``extra_memory_mib`` what the process may take beyond the contract.
    ``perform`` runs after the calls, ``check`` at the end.
    """

    name: str
    kind: str = ""
    tries: str
    module: Callable[[], bytes]
    load: tuple[str, ...] = (LOADED,)
    calls: tuple[Call, ...] = ()
    limits: Mapping[str, Any] = attrs.field(factory=dict)
    contract: Mapping[str, Any] = attrs.field(factory=dict)
    late_seconds: float = 0.25
    extra_memory_mib: int = 96
    perform: Check | None = None
    check: Check | None = None

    @property
    def expected(self) -> str:
        """The right ending in words: ``loaded; run: timeout``."""
        load = " or ".join(self.load)
        calls = [f"{call.task:.40}: {' or '.join(call.expect)}" for call in self.calls]
        if self.load != (LOADED,) and LOADED not in self.load:
            return f"refused: {load}"
        return "; ".join([load, *_shortened(calls)])


def _shortened(calls: list[str]) -> list[str]:
    # A dozen calls of one kind read as one.
    return [f"{call} (x{calls.count(call)})" if calls.count(call) > 1 else call for call in dict.fromkeys(calls)]


def text(source: str) -> Callable[[], bytes]:
    """A module written in WebAssembly text, assembled when it is needed."""
    return lambda: wat(source)


def run(*expect: str, output: Any = ANYTHING, look: Look | None = None) -> tuple[Call, ...]:
    """One call of the task ``run`` without parameters, and how it has to end."""
    return (Call(expect=expect or ("success",), output=output, look=look),)


def trapped(code: str) -> Look:
    """Looks whether a trap is the one that was meant."""

    def look(result: TaskResult) -> Iterable[str]:
        if result.error is None or result.error.trap_code != code:
            yield f"trap code {code} expected, got {result.error.trap_code if result.error else result.status}"

    return look


def group(kind: str, *attacks: Attack) -> tuple[Attack, ...]:
    """Attacks of one kind."""
    return tuple(attrs.evolve(attack, kind=kind) for attack in attacks)
