"""One task, from the call to its result: the eight steps of the program, in order.

A `Task` is made by the caller's thread (steps 1 and 2: admission) and executed by whichever thread has its slot
(steps 3 to 8). Three callers exist: `IFChassis.execute_task` runs both halves on its own thread, `TaskFuture` puts a
queue and a worker between them, and the asyncio way is that future awaited.

Time and blame: the deadline starts at the call; whatever ends a task before an instance was taken is the
operator's (busy, rate_limited, host_exhausted) or the caller's, never the guest's, and gives its rate back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from infrafabric.chassis.results import Facts, Failure, Figures, TaskResult
from infrafabric.engine import GuestEnded, NoRoomError, Verdict, stop
from infrafabric.errors import Blame, Outcome, escape
from infrafabric.limits import RateToken, Refusal, SlotWaiter, Wait

if TYPE_CHECKING:
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.chassis.workers import Workers
    from infrafabric.engine import Function, Run

_CANCELLED = Verdict(Outcome.CANCELLED, "the task was cancelled")
#: A waiting task looks this often whether it was cancelled.
_WAIT_SLICE_SECONDS = 0.005


class Refused(Exception):
    """Inside the chassis: the task ends before an instance was taken."""

    def __init__(self, outcome: Outcome, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(outcome, message, retry_after_seconds)
        self.outcome = outcome
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class Task:
    """One task under way. ``cancel`` works from any thread at any time."""

    # Class attributes are the values that most tasks keep.
    run: Run | None = None
    waiter: SlotWaiter | None = None
    convention: Any = None
    encoded: Any = None
    caller_deadline = False
    _function: Function
    _returns = "auto"
    _token: RateToken | None = None
    _cancelled = False
    _entered = False

    def __init__(self, swarm: LoadedSwarm, name: str, timeout_seconds: float | None) -> None:
        self.swarm = swarm
        self.name = name
        self.called_ns = time.monotonic_ns()
        limit_ns = swarm.max_execution_ns
        if timeout_seconds is not None and timeout_seconds * 1e9 < limit_ns:
            # The caller's own, shorter timeout: its expiry is the caller's, too.
            self.caller_deadline = True
            limit_ns = int(timeout_seconds * 1e9)
        self.deadline_ns = self.called_ns + limit_ns

    # --- cancellation ------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End the task: a waiting one leaves the queue, a running guest stops within a tick."""
        self._cancelled = True
        waiter, run = self.waiter, self.run
        if waiter is not None:
            waiter.cancel()
        if run is not None:
            stop(run, _CANCELLED)

    def was_cancelled(self) -> bool:
        """Tell whether somebody asked it to end."""
        return self._cancelled

    # --- steps 2 and 4: may it run, and with what ----------------------------------------------------

    def prepare(self, params: Any) -> None:
        """Find the export and encode the parameters, before anything is taken. Raises `Refused`."""
        swarm = self.swarm
        function = swarm.runtime.function(self.name)
        if function is None:
            raise Refused(Outcome.UNKNOWN_TASK, self._unknown())
        self._function = function
        asked_abi = None
        if swarm.tasks_promised:
            promised = swarm.tasks_promised.get(self.name)
            if promised is not None:
                asked_abi, self._returns = promised.abi, promised.returns
        try:
            self.convention, self.encoded = swarm.runtime.prepare(function, params, asked_abi)
        except GuestEnded as ended:
            raise Refused(ended.verdict.outcome, ended.verdict.message) from None

    def _unknown(self) -> str:
        program = self.swarm.runtime.program
        text = f"Task '{escape(self.name, 100)}' not exported by swarm '{escape(self.swarm.swarm_id)}'"
        export = program.info.export(self.name)
        if export is not None and export.kind == "func" and self.name not in program.tasks:
            return f"{text} as a task: {escape(str(export.type), 100)} cannot be called, or belongs to the runtime"
        names = sorted(program.tasks)
        listed = ", ".join(escape(name, 40) for name in names[:12]) + (" ..." if len(names) > 12 else "")
        return f"{text}; it exports {listed}" if names else f"{text}, which exports no tasks"

    def admit_rate(self, *, wait: bool) -> float:
        """Take the rate. Returns 0.0, or with ``wait`` the seconds after which to ask again. Raises `Refused`."""
        answer = self.swarm.rate.try_admit()
        if not isinstance(answer, Refusal):
            self._token = answer
            return 0.0
        seconds = answer.retry_after_seconds
        remaining = (self.deadline_ns - time.monotonic_ns()) / 1e9
        if wait and seconds < remaining:
            return seconds
        rate = self.swarm.rate.rate_per_second
        away = "; the shared rate store is away" if answer.store_away else ""
        raise Refused(
            Outcome.RATE_LIMITED,
            f"swarm '{escape(self.swarm.swarm_id)}' has admitted its {rate} tasks of this second "
            f"(max_api_calls_per_second{away}); try again in {seconds:.3f} s, or pass wait=True",
            seconds,
        )

    def give_back(self) -> None:
        """A task that never ran consumes no rate."""
        token, self._token = self._token, None
        if token is not None:
            self.swarm.rate.give_back(token)

    def admit(self, *, wait: bool) -> None:
        """Take the rate and a slot on this thread, waiting where that is allowed. Raises `Refused`."""
        while seconds := self.admit_rate(wait=wait):
            self._rest(time.monotonic_ns() + int(seconds * 1e9))
        gate = self.swarm.gate
        if gate.try_enter():
            self._entered = True
            return
        waiter = SlotWaiter()
        self.waiter = waiter
        if self._cancelled:
            waiter.cancel()
        heard = gate.wait_for_slot(waiter, self.deadline_ns - time.monotonic_ns())
        if heard is not Wait.GRANTED:
            raise self.not_granted(heard)
        self._entered = True

    def granted(self) -> None:
        """Note that the gate gave this task its slot."""
        self._entered = True

    def not_granted(self, heard: Wait) -> Refused:
        """Why the wait for a slot ended without one."""
        swarm_id, gate = escape(self.swarm.swarm_id), self.swarm.gate
        if heard is Wait.FULL:
            return Refused(
                Outcome.BUSY,
                f"swarm '{swarm_id}' runs {gate.max_concurrent} tasks and queues {gate.max_queued} "
                "(max_concurrent_tasks, max_queued_tasks): try again later",
            )
        if heard is Wait.EXPIRED:
            seconds = (time.monotonic_ns() - self.called_ns) / 1e9
            return Refused(
                Outcome.BUSY,
                f"the task expired after {seconds:.3f} s, before its turn in the queue of swarm '{swarm_id}'",
            )
        if heard is Wait.CLOSED:
            return Refused(Outcome.CANCELLED, f"swarm '{swarm_id}' was unloaded while the task was queued")
        return Refused(Outcome.CANCELLED, "the task was cancelled while it was queued")

    def _rest(self, until_ns: int) -> None:
        """Sleep until then, within the deadline, and not when cancelled. Raises `Refused`."""
        while (now_ns := time.monotonic_ns()) < until_ns:
            if self._cancelled:
                raise Refused(Outcome.CANCELLED, "the task was cancelled while it waited")
            if now_ns >= self.deadline_ns:
                raise self.not_granted(Wait.EXPIRED)
            time.sleep(min((until_ns - now_ns) / 1e9, _WAIT_SLICE_SECONDS))

    def abandon(self) -> None:
        """An exception leaves the call: nothing stays taken. Idempotent, and a no-op once executed."""
        if self._entered:
            self._entered = False
            self.swarm.gate.leave()
        self.give_back_unrun()

    def give_back_unrun(self) -> None:
        """Give the rate back unless an instance was taken."""
        if self.run is None:
            self.give_back()

    # --- steps 3 to 6: run it ------------------------------------------------------------------------

    def execute(self, workers: Workers) -> TaskResult:
        """Run the task in its slot and return its result; the slot is given back whatever happens."""
        swarm, share = self.swarm, self.swarm.cpu_share
        promised = 0
        try:
            if share is not None and (debt_ns := share.debt_wait_ns(time.monotonic_ns())):
                self._rest(time.monotonic_ns() + debt_ns)
            if swarm.promise_bytes:
                if not swarm.ledger.try_promise(swarm.promise_bytes):
                    return self.refuse(Refused(Outcome.HOST_EXHAUSTED, self._no_memory()))
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
        swarm = self.swarm
        started_ns = time.monotonic_ns()
        self.run = run = swarm.runtime.new_run(self.deadline_ns, started_ns, swarm.cpu_share)
        if self._cancelled:
            run.request_stop(_CANCELLED)
        arguments = (run, self._function, self.convention, self.encoded, self._returns)
        output, verdict = None, None
        try:
            try:
                output = swarm.runtime.execute(*arguments)
            except NoRoomError:
                output = workers.call(swarm.runtime.execute, *arguments, on_interrupt=self.cancel)
        except GuestEnded as ended:
            verdict = ended.verdict
        except Exception as error:  # noqa: BLE001 - ours by definition: the guest's endings are verdicts
            verdict = Verdict(Outcome.INTERNAL, f"{type(error).__name__}: {escape(str(error))}; please report it")
        except BaseException:
            # Ctrl-C, or what another signal handler raised: the caller gets that, the record gets a cancellation.
            self._result(run, started_ns, Verdict(Outcome.CANCELLED, "an exception of the caller ended it"), None)
            raise
        return self._result(run, started_ns, verdict, output)

    def _no_memory(self) -> str:
        figures = self.swarm.ledger.figures(self.swarm.promise_bytes)
        mib = 1 << 20
        return (
            f"the host has {figures.available_bytes / mib:.0f} MiB free, keeps {figures.reserve_bytes / mib:.0f} in "
            f"reserve and has promised {figures.promised_bytes / mib:.0f} MiB to running tasks: not enough for the "
            f"{figures.asked_bytes / mib:.0f} MiB this one may use (max_memory_mb)"
        )

    # --- steps 7 and 8: what happened ----------------------------------------------------------------

    def refuse(self, refused: Refused) -> TaskResult:
        """The result of a task that ended before an instance was taken."""
        self.give_back()
        wall_ns = time.monotonic_ns() - self.called_ns
        figures = Figures(wall_ns=wall_ns, queue_ns=wall_ns)
        failure = Failure(
            code=refused.outcome.value,
            message=refused.message,
            blame=refused.outcome.blame,
            retry_after_seconds=refused.retry_after_seconds,
        )
        return self._ended(refused.outcome, figures, None, failure, ())

    def _result(self, run: Run, started_ns: int, verdict: Verdict | None, output: Any) -> TaskResult:
        now_ns = time.monotonic_ns()
        log = run.said
        figures = Figures(
            now_ns - self.called_ns,
            started_ns - self.called_ns,
            now_ns - started_ns,
            run.cpu_ns,
            run.throttled_ns,
            run.peak_memory_bytes,
            run.fuel_used,
            run.host_calls,
            *((log.count, log.bytes, log.dropped) if log is not None else (0, 0, 0)),
        )
        logs = tuple(log.records) if log is not None else ()
        if verdict is None:
            return self._ended(Outcome.SUCCESS, figures, output, None, logs)
        outcome, blame = verdict.outcome, verdict.outcome.blame
        message = verdict.message
        if outcome is Outcome.TIMEOUT:
            blame = Blame.CALLER if self.caller_deadline else Blame.GUEST
            message = self._overtime(figures)
        elif outcome is Outcome.FUEL_EXHAUSTED:
            message = f"it used all its {self.swarm.contract.resource_limits.max_fuel:,} fuel (max_fuel)"
        failure = Failure(
            code=outcome.value,
            message=message,
            blame=blame,
            trap_code=verdict.trap_code,
            backtrace=verdict.backtrace,
            guest_code=verdict.guest_code,
        )
        return self._ended(outcome, figures, None, failure, logs)

    def _overtime(self, figures: Figures) -> str:
        limit = (self.deadline_ns - self.called_ns) / 1e9
        whose = "the caller's timeout_seconds" if self.caller_deadline else "max_execution_time_seconds"
        parts = [f"it did not finish within {limit:g} s ({whose})"]
        if figures.throttled_ns > figures.execution_ns // 10:
            percent = self.swarm.contract.resource_limits.max_cpu_percent
            parts.append(
                f"it was paused for {figures.throttled_ns / 1e9:.3f} s of that by max_cpu_percent = {percent:g}"
            )
        if figures.queue_ns > figures.wall_ns // 10:
            parts.append(f"it waited {figures.queue_ns / 1e9:.3f} s before it could start")
        return "; ".join(parts)

    def _ended(
        self, outcome: Outcome, figures: Figures, output: Any, failure: Failure | None, logs: tuple[Any, ...]
    ) -> TaskResult:
        swarm = self.swarm
        swarm.record(outcome, figures)
        swarm.slo.record(outcome, figures.execution_ns, None, blame=failure.blame if failure is not None else None)
        return TaskResult(
            Facts(
                outcome,
                swarm.swarm_id,
                self.name,
                output,
                failure,
                logs,
                figures,
                *swarm.result_context,
                self.convention.NAME if self.convention is not None else None,
            )
        )
