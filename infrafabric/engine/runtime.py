"""One swarm in the engine: its program, its sandbox, and the instance it keeps.

`SwarmRuntime.execute` is steps 3 to 6 of a task: take an instance, call the export by its convention, decode the
answer, measure, and discard or keep the instance. It returns the output or raises `GuestEnded`; nothing else
leaves it but what a signal handler of the application raised.
"""

from __future__ import annotations

import atexit
import time
from threading import get_ident
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine import abi, entry
from infrafabric.engine.abi import scalar
from infrafabric.engine.engines import on_demand_engine
from infrafabric.engine.governing import Terms
from infrafabric.engine.guestlog import SCRIBE
from infrafabric.engine.instance import Instance
from infrafabric.engine.running import RUNNING, GuestEnded, Run, Verdict
from infrafabric.engine.settings import CodeKind
from infrafabric.engine.wasi import WasiState
from infrafabric.errors import Outcome, SwarmInitError

if TYPE_CHECKING:
    from types import ModuleType

    from infrafabric.engine.exports import Function
    from infrafabric.engine.governing import Governor
    from infrafabric.engine.guestlog import SwarmLog
    from infrafabric.engine.instance import Sandbox
    from infrafabric.engine.program import Program

#: Set when the interpreter ends: no guest is entered any more.
_closing = False
_trap_handlers: entry.TrapHandlers | None = None
#: How long interpreter shutdown waits for guests to end.
_SHUTDOWN_SECONDS = 5.0


class NoRoomError(Exception):
    """This thread has not the stack that a guest needs; another one has."""


def enter(run: Run) -> Run | None:
    """Make the calling thread ``run``'s: callbacks find it, faults reach the engine, signals wait. Then `leave` it.

    Returns the run that the thread is inside of already: a logging handler may run a task while a guest speaks.
    """
    if not entry.THREAD.has_stack:
        raise NoRoomError
    if _closing:
        raise GuestEnded(Verdict(Outcome.CANCELLED, "the interpreter is shutting down"))
    (_trap_handlers or _first_entry()).restore_if_taken()
    ident = get_ident()
    outer = RUNNING.get(ident)
    if ident == entry.MAIN_THREAD:
        run.lifts_shield = not entry.SHIELD.active
        if run.lifts_shield:
            entry.SHIELD.raise_up()
        run.shield = entry.SHIELD
    RUNNING[ident] = run
    run.mark()
    return outer


def leave(run: Run, outer: Run | None) -> None:
    """Give the calling thread back to ``outer``, or to nobody."""
    if outer is None:
        del RUNNING[get_ident()]
    else:
        RUNNING[get_ident()] = outer
    if run.shield is not None:
        run.shield = None
        if run.lifts_shield:
            entry.SHIELD.lift()


def _first_entry() -> entry.TrapHandlers:
    global _trap_handlers  # noqa: PLW0603 - a fact about the process
    # The engine installs its handlers with the first engine that is made.
    on_demand_engine(CodeKind())
    _trap_handlers = entry.TrapHandlers()
    return _trap_handlers


class SwarmRuntime:
    """A loaded swarm, ready to execute. Close it when no task runs in it any more."""

    def __init__(
        self,
        program: Program,
        sandbox: Sandbox,
        log: SwarmLog,
        *,
        keep_instance: bool,
        governor: Governor | None = None,
    ) -> None:
        self.program = program
        self.sandbox = sandbox
        self.log = log
        self.terms = Terms(
            log=log, governor=governor, payload_bytes=sandbox.payload_bytes, deterministic=sandbox.deterministic
        )
        self.keep_instance = keep_instance
        self._has_memory = program.memory_name is not None
        #: Whether bytes can be put into an instance: pages that the host grows for them would add up in a kept one.
        self._can_place = program.allocator is not None or not keep_instance
        self._kept: Instance | None = None
        SCRIBE.start()

    def probe(self, deadline_ns: int) -> None:
        """Make one instance, as every task will: its start must succeed. Raises `SwarmInitError`."""
        run = Run(attrs.evolve(self.terms, governor=None), deadline_ns)  # loading has a bound of its own
        run.started_ns = time.monotonic_ns()
        try:
            outer = enter(run)
            try:
                instance = self._new_instance(run)
                if self.keep_instance:
                    self._kept = instance
                else:
                    instance.close()
            finally:
                run.instance = None
                leave(run, outer)
        except GuestEnded as ended:
            verdict = ended.verdict
            why = "it did not finish within max_load_seconds" if verdict.outcome is Outcome.TIMEOUT else verdict.message
            raise SwarmInitError(f"its first instance failed to start: {why}", verdict.guest_code) from None
        finally:
            if run.wasi is not None:
                run.wasi.flush(run)

    def function(self, task_name: str) -> Function | None:
        """The exported task of that name; None when there is none that can be called."""
        return self.program.tasks.get(task_name)

    def prepare(self, function: Function, params: Any, asked_abi: str | None) -> tuple[ModuleType, Any]:
        """The calling convention and the encoded parameters. Raises `GuestEnded` (invalid_params)."""
        if (asked_abi is None or asked_abi == scalar.NAME) and params:
            plain = scalar.plain(function, params)  # what most scalar tasks are given: nothing else it could mean
            if plain is not None and function.name != "_start":
                return scalar, plain
        convention = abi.choose(
            function, params, has_memory=self._has_memory, asked=asked_abi, can_place=self._can_place
        )
        return convention, convention.encode(function, params, self.sandbox.payload_bytes)

    def prepare_without_params(self, function: Function) -> tuple[ModuleType, Any] | None:
        """The same for None, of an export that takes no numbers and is no command: it can only be called as it is."""
        if function.type.params or function.name == "_start":
            return None
        return self.prepare(function, None, None)

    def execute(self, run: Run, function: Function, convention: ModuleType, encoded: Any, returns: str) -> Any:
        """Run one task and return its decoded output; the usage is left in ``run``. Raises `GuestEnded`."""
        outer = enter(run)
        try:
            if type(encoded) is WasiState:
                run.wasi = encoded
            instance: Instance | None = None
            whole = False
            try:
                instance = self._take(run)
                output = convention.invoke(instance, function, encoded, returns, kept=self.keep_instance)
                # A command has run to its end: its instance cannot be started again.
                whole = run.verdict is None and run.stop is None and run.wasi is not encoded
            finally:
                if instance is not None:
                    self._put_down(instance, run, whole=whole)
                else:
                    run.instance = None  # the one that could not be had for it is closed
                if run.wasi is not None:
                    run.wasi.flush(run)
                run.settle()
        finally:
            leave(run, outer)
        return output

    def _put_down(self, instance: Instance, run: Run, *, whole: bool) -> None:
        """Measure an instance, and close it unless it is kept and its guest returned normally."""
        instance.measure()
        if self.sandbox.fuel is not None:
            run.fuel_used = instance.fuel_used()
        run.instance = None  # or each would hold the other
        if whole and self.keep_instance:
            instance.look_ns = run.look_ns
            del instance.run  # or it would hold the task, and what that was given, until the next one comes
        else:
            self._kept = None
            instance.close()

    def _take(self, run: Run) -> Instance:
        instance = self._kept
        if instance is None:
            instance = self._new_instance(run)
            if self.keep_instance:
                self._kept = instance
        else:
            try:
                instance.attach(run)
            except BaseException:
                self._kept = None
                instance.close()
                raise
        return instance

    def _new_instance(self, run: Run) -> Instance:
        """An instance: of the pool when it is for one task and the pool has a slot, else on demand."""
        linked = self.program.linked(pooled=not self.keep_instance)
        slots = linked.engine.slots
        if slots is not None:
            try:
                slots.pop()
            except IndexError:  # as many fresh instances as the pool has slots are running
                linked = self.program.linked(pooled=False)
        return Instance(self.program, linked, self.sandbox, run)

    def close(self) -> None:
        """Free the kept instance."""
        instance, self._kept = self._kept, None
        if instance is not None:
            instance.close()


def stop(run: Run, verdict: Verdict) -> None:
    """End a task from any thread: its guest sees it within a tick."""
    run.request_stop(verdict)
    instance = run.instance
    if instance is not None:
        instance.linked.engine.ticker.wake()


def _shut_down() -> None:
    """At interpreter exit: end every guest, so that no thread is inside one when Python goes away."""
    global _closing  # noqa: PLW0603 - a fact about the process
    _closing = True
    end = time.monotonic() + _SHUTDOWN_SECONDS
    while RUNNING and time.monotonic() < end:
        for run in list(RUNNING.values()):
            stop(run, Verdict(Outcome.CANCELLED, "the interpreter is shutting down"))
        time.sleep(0.005)
    SCRIBE.flush()


atexit.register(_shut_down)
