"""One task, from the call to its result: the eight steps of the program, in order.

A `Task` is made by the caller's thread (steps 1 and 2: admission) and executed by whichever thread has its slot
(steps 3 to 8). Three callers exist: `IFChassis.execute_task` runs both halves on its own thread, `TaskFuture` puts a
queue and a worker between them, and the asyncio way is that future awaited.

Time and blame: the deadline starts at the call; whatever ends a task before an instance was taken is the
operator's (busy, rate_limited, host_exhausted) or the caller's, never the guest's, and gives its rate back.
"""

from __future__ import annotations

import time
from threading import get_ident
from typing import TYPE_CHECKING, Any

from infrafabric.chassis.account import failure_of, failure_of_refusal, figures_of
from infrafabric.chassis.passing import ask, leave_unheard, teach, turned_since
from infrafabric.chassis.refusal import (
    Refused,
    Superseded,
    bad_params,
    no_memory,
    not_granted,
    rate_limited,
    unknown_task,
)
from infrafabric.chassis.results import Facts, Failure, Figures, TaskResult, set_facts
from infrafabric.engine import GuestEnded, NoRoomError, Run, Verdict, entry, stop
from infrafabric.errors import ContractValidationError, Outcome, escape
from infrafabric.limits import RateToken, Refusal, SlotWaiter, Wait

if TYPE_CHECKING:
    from infrafabric.chassis.policy import Pass
    from infrafabric.chassis.swarm import LoadedSwarm, TaskPlan
    from infrafabric.chassis.workers import Workers
    from infrafabric.telemetry import TaskTrace

_CANCELLED = Verdict(Outcome.CANCELLED, "the task was cancelled")
#: A waiting task looks this often whether it was cancelled, or a signal came.
_WAIT_SLICE_NS = 5_000_000


#: These skip constructors of Python that only pass their arguments on.
_new_tuple, _new_result = tuple.__new__, object.__new__


class Task(Run):
    """One task under way: the engine's `Run`, and what becomes of it before and after.

    ``cancel`` works from any thread at any time.
    """

    # Class attributes are the values that most tasks keep.
    waiter: SlotWaiter | None = None
    convention: Any = None
    encoded: Any = None
    #: Whether the deadline is the caller's own, shorter timeout: then its expiry is the caller's, too.
    caller_deadline = False
    plan: TaskPlan
    #: Its span, where the application traces.
    trace: TaskTrace | None = None
    #: As what the budget policy let it in, where there is one.
    passed: Pass | None = None
    _token: RateToken | None = None
    _cancelled = False
    _entered = False

    def __init__(self, swarm: LoadedSwarm, name: str, timeout_seconds: float | None) -> None:
        self.name = name
        self.timeout_seconds = timeout_seconds
        self.called_ns = time.monotonic_ns()
        self._belong_to(swarm)

    def _belong_to(self, swarm: LoadedSwarm) -> None:
        """Be a task of this swarm, under its terms (`Run.__init__`, without the call)."""
        self.swarm = swarm
        self.terms = swarm.runtime.terms
        limit_ns, timeout_seconds = swarm.max_execution_ns, self.timeout_seconds
        if timeout_seconds is not None:
            self.caller_deadline = timeout_seconds * 1e9 < limit_ns
            if self.caller_deadline:
                limit_ns = int(timeout_seconds * 1e9)
        self.deadline_ns = self.called_ns + limit_ns
        swarm.tasks.add(self)

    def follow(self) -> None:
        """Go over to the swarm that took the place of this one. `prepare` comes next: other terms may hold there."""
        old, successor = self.swarm, self.swarm.successor
        if successor is None:
            raise AssertionError("nothing took the place of its swarm")  # pragma: no cover
        self._give_back()
        old.tasks.discard(self)
        self._belong_to(successor)

    # --- cancellation ------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End the task: a waiting one leaves the queue, a running guest stops within a tick."""
        self._cancelled = True
        waiter = self.waiter
        if waiter is not None:
            waiter.cancel()
        stop(self, _CANCELLED)

    def was_cancelled(self) -> bool:
        """Tell whether somebody asked it to end, or a signal handler raised while it waits on the main thread."""
        return self._cancelled or entry.interrupted()

    # --- steps 2 and 4: may it run, and with what ----------------------------------------------------

    def prepare(self, params: Any) -> None:
        """Find the export and encode the parameters, before anything is taken. Raises `Refused`."""
        swarm = self.swarm
        plan = swarm.plans.get(self.name) or swarm.plan(self.name)
        if plan is None:
            raise unknown_task(swarm, self.name)
        self.plan = plan
        if params is None and plan.without_params is not None:
            self.convention, self.encoded = plan.without_params
            return
        try:
            if plan.terms is not None:
                plan.terms.check_params(params)
            self.convention, self.encoded = swarm.runtime.prepare(plan.function, params, plan.abi)
        except GuestEnded as ended:
            raise Refused(ended.verdict.outcome, ended.verdict.message) from None
        except ContractValidationError as error:
            raise bad_params(self.name, error) from None

    def admit_rate(self, *, wait: bool) -> float:
        """Take the rate. Returns 0.0, or with ``wait`` the seconds after which to ask again. Raises `Refused`."""
        if self.swarm.policy is not None and self.passed is None:
            seconds = ask(self, self.swarm.policy, wait=wait)
            if seconds:
                return seconds
        answer = self.swarm.rate.try_admit()
        if not isinstance(answer, Refusal):
            self._token = answer
            return 0.0
        if wait and answer.retry_after_seconds < (self.deadline_ns - time.monotonic_ns()) / 1e9:
            return answer.retry_after_seconds
        raise rate_limited(self.swarm, answer)

    def admit(self, *, wait: bool) -> None:
        """Take the rate and a slot on this thread, waiting where that is allowed. Raises `Refused` or `Superseded`."""
        while seconds := self.admit_rate(wait=wait):
            self._rest(time.monotonic_ns() + int(seconds * 1e9))
        if not self.swarm.gate.try_enter():
            self._wait_for_slot()
        self._entered = True

    def _wait_for_slot(self) -> None:
        gate = self.swarm.gate
        self.waiter = waiter = SlotWaiter()
        waiter.gate = gate
        if not gate.enqueue(waiter):
            raise self.no_place()
        if self.was_cancelled() and gate.withdraw(waiter):  # by somebody who came before it was in line
            raise self.not_granted(Wait.CANCELLED)
        # The main thread looks up for signals; others are woken, and would only take the interpreter from each other.
        slice_ns = _WAIT_SLICE_NS if get_ident() == entry.MAIN_THREAD else self.deadline_ns
        while not waiter.wait(min(self.deadline_ns - time.monotonic_ns(), slice_ns)):
            ended = Wait.CANCELLED if self.was_cancelled() else Wait.EXPIRED
            late = time.monotonic_ns() >= self.deadline_ns
            if (late or ended is Wait.CANCELLED) and gate.withdraw(waiter):
                raise self.not_granted(ended)
        if waiter.heard is not Wait.GRANTED:
            raise self.not_granted(waiter.heard)

    def no_place(self) -> Refused | Superseded:
        """Why the gate let it neither in nor into the line."""
        swarm = self.swarm
        if not swarm.gate.is_closed:
            return self.not_granted(Wait.FULL)
        return self.not_granted(Wait.CLOSED) if swarm.successor is None else Superseded()

    def granted(self) -> None:
        """Note that the gate gave this task its slot."""
        self._entered = True

    def not_granted(self, heard: Wait) -> Refused:
        """Why the wait for a slot ended without one."""
        return not_granted(self.swarm, heard, self.called_ns)

    def _rest(self, until_ns: int) -> None:
        """Sleep until then, within the deadline, and not when cancelled. Raises `Refused`."""
        while (now_ns := time.monotonic_ns()) < until_ns:
            if self.was_cancelled():
                raise self.not_granted(Wait.CANCELLED)
            if now_ns >= self.deadline_ns:
                raise self.not_granted(Wait.EXPIRED)
            time.sleep(min(until_ns - now_ns, _WAIT_SLICE_NS) / 1e9)

    def abandon(self) -> None:
        """An exception leaves the call before the task was executed: nothing stays taken. Idempotent."""
        if self._entered:
            self._entered = False
            self.swarm.gate.leave()
        if not self.started_ns:
            self._give_back()
        leave_unheard(self)

    def _give_back(self) -> None:
        """A task that never ran consumes no rate."""
        leave_unheard(self)
        token, self._token = self._token, None
        if token is not None:
            self.swarm.rate.give_back(token)

    # --- steps 3 to 6: run it ------------------------------------------------------------------------

    def execute(self, workers: Workers) -> TaskResult:
        """Run the task in its slot and return its result; the slot is given back whatever happens."""
        swarm, share = self.swarm, self.swarm.cpu_share
        promised = 0
        try:
            if time.monotonic_ns() >= self.deadline_ns:  # it had its slot, and no thread came in time
                raise self.not_granted(Wait.EXPIRED)
            if self.passed is not None and (refused := turned_since(self)) is not None:
                return self.refuse(refused)
            while share is not None and (spare_ns := share.begin(time.monotonic_ns())) < 0:
                self._rest(time.monotonic_ns() - spare_ns)
            if share is not None:
                self.spare_ns = spare_ns
            if swarm.promise_bytes:
                if not swarm.ledger.try_promise(swarm.promise_bytes):
                    return self.refuse(no_memory(swarm))
                promised = swarm.promise_bytes
            return self._run(workers)
        except Refused as refused:
            return self.refuse(refused)
        finally:
            self._entered = False
            if promised:
                swarm.ledger.release(promised)
            swarm.gate.leave()

    def _run(self, workers: Workers) -> TaskResult:
        plan, execute = self.plan, self.swarm.runtime.execute
        if self.trace is not None and self.trace.recording:
            self.log_fields = self.trace.log_fields
        self.started_ns = time.monotonic_ns()
        output, verdict = None, None
        try:
            try:
                output = execute(self, plan.function, self.convention, self.encoded, plan.returns)
            except NoRoomError:
                arguments = (self, plan.function, self.convention, self.encoded, plan.returns)
                output = workers.call(execute, *arguments, on_interrupt=self.cancel)
        except GuestEnded as ended:
            verdict = ended.verdict
        except Exception as error:  # noqa: BLE001 - ours by definition: the guest's endings are verdicts
            verdict = Verdict(Outcome.INTERNAL, f"{type(error).__name__}: {escape(str(error))}; please report it")
        return self._ended(verdict, output)

    # --- steps 7 and 8: what happened ----------------------------------------------------------------

    def refuse(self, refused: Refused) -> TaskResult:
        """The result of a task that ended before an instance was taken."""
        self._give_back()
        now_ns = time.monotonic_ns()
        figures = Figures(wall_ns=now_ns - self.called_ns, queue_ns=now_ns - self.called_ns)
        return self._result(now_ns, refused.outcome, figures, failure=failure_of_refusal(refused))

    def _ended(self, verdict: Verdict | None, output: Any) -> TaskResult:
        now_ns = time.monotonic_ns()
        figures = figures_of(self, now_ns)
        logs = tuple(self.said.records) if self.said is not None else ()
        if verdict is None:
            return self._result(now_ns, Outcome.SUCCESS, figures, output=output, logs=logs)
        return self._result(now_ns, verdict.outcome, figures, failure=failure_of(self, verdict, figures), logs=logs)

    def _result(
        self,
        now_ns: int,
        outcome: Outcome,
        figures: Figures,
        *,
        output: Any = None,
        failure: Failure | None = None,
        logs: tuple[Any, ...] = (),
    ) -> TaskResult:
        swarm = self.swarm
        swarm.record(outcome, figures)
        blame = failure.blame if failure is not None else None
        swarm.slo.record(outcome, figures.execution_ns, now_ns, blame=blame)
        if swarm.task_slos and (own := swarm.task_slos.get(self.name)) is not None:
            own.record(outcome, figures.execution_ns, now_ns, blame=blame)
        if self.passed is not None:
            teach(self, outcome, blame)
        name = self.convention.NAME if self.convention is not None else None
        facts = (outcome, swarm.swarm_id, self.name, output, failure, logs, figures, *swarm.result_context, name)
        result = _new_result(TaskResult)
        set_facts(result, _new_tuple(Facts, facts))
        return result
