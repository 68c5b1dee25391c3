"""How many tasks run at once, and who is next."""

from __future__ import annotations

import functools
import queue
import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import attrs
import pytest

from infrafabric.limits import Gate, SlotWaiter, Wait

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define(eq=True, hash=False)
class Listener:
    """A waiter that writes down what it hears, as (name, what). All of one name are equal, and not hashable."""

    name: str
    heard: list[tuple[str, str]]
    raises: bool = False

    def granted(self) -> None:
        """Note a slot."""
        self.heard.append((self.name, "granted"))
        if self.raises:
            raise LookupError(self.name)

    def closed(self) -> None:
        """Note a closed gate."""
        self.heard.append((self.name, "closed"))
        if self.raises:
            raise LookupError(self.name)


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    """Give what all listeners of a test heard, in order."""
    return []


@pytest.fixture
def listen(heard: list[tuple[str, str]]) -> Callable[..., Listener]:
    """Give a maker of listeners."""
    return functools.partial(Listener, heard=heard)


def waits(gate: Gate, count: int) -> None:
    """Wait until so many are in line."""
    end = time.monotonic() + 30
    while gate.queued != count:
        assert time.monotonic() < end, f"{gate.queued} in line instead of {count}"
        time.sleep(0.0005)


@pytest.mark.parametrize(("concurrent", "queued"), [(0, 1), (-1, 0), (1, -1)])
def test_refuses_sizes_that_make_no_gate(concurrent: int, queued: int) -> None:
    """At least one runs, and at least none waits."""
    with pytest.raises(ValueError, match="give at least 1 and 0"):
        Gate(concurrent, queued)


def test_lets_in_as_many_as_may_run_and_queues_as_many_as_may_wait(listen: Callable[..., Listener]) -> None:
    """Slots and places are counted exactly."""
    gate = Gate(2, 2)
    assert [gate.try_enter() for _ in range(3)] == [True, True, False]
    assert [gate.enqueue(listen(name)) for name in "abc"] == [True, True, False]
    assert (gate.running, gate.queued) == (2, 2)


def test_first_come_first_served(listen: Callable[..., Listener], heard: list[tuple[str, str]]) -> None:
    """Slots go down the line; nobody from outside gets in while somebody waits."""
    gate = Gate(1, 10)
    gate.try_enter()
    for name in "abcd":
        gate.enqueue(listen(name))
    for _ in range(4):
        gate.leave()
        assert not gate.try_enter()
    assert [name for name, _ in heard] == list("abcd")
    gate.leave()
    assert gate.try_enter()


def test_a_free_slot_is_granted_within_enqueue(listen: Callable[..., Listener], heard: list[tuple[str, str]]) -> None:
    """Whoever queues where a slot is free has it at once, also where nobody may wait."""
    gate = Gate(1, 0)
    assert gate.enqueue(listen("a"))
    assert heard == [("a", "granted")]
    assert not gate.enqueue(listen("b"))
    assert (gate.running, gate.queued) == (1, 0)


def test_a_withdrawn_waiter_hears_nothing(listen: Callable[..., Listener], heard: list[tuple[str, str]]) -> None:
    """Withdrawing works once, from anywhere in line, and only before the turn; equal waiters are told apart."""
    gate = Gate(1, 10)
    gate.try_enter()
    waiters = [listen(name) for name in ("a", "same", "same", "b")]
    for waiter in waiters:
        gate.enqueue(waiter)
    assert gate.withdraw(waiters[2])
    assert not gate.withdraw(waiters[2])
    gate.leave()
    assert not gate.withdraw(waiters[0])
    gate.leave()
    assert gate.queued == 1
    assert gate.withdraw(waiters[3])
    gate.leave()
    assert heard == [("a", "granted"), ("same", "granted")]
    assert (gate.running, gate.queued) == (0, 0)


def test_granting_happens_outside_of_the_lock(heard: list[tuple[str, str]]) -> None:
    """A waiter may use the gate while it is told."""
    gate = Gate(1, 10)

    class Greedy(Listener):
        def granted(self) -> None:
            super().granted()
            gate.withdraw(self)
            gate.leave()

    gate.try_enter()
    for name in "ab":
        gate.enqueue(Greedy(name, heard))
    gate.leave()
    assert [name for name, _ in heard] == ["a", "b"]
    assert gate.running == 0


def test_a_waiter_that_fails_to_take_its_turn_passes_it_on(
    listen: Callable[..., Listener], heard: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Its slot is the next one's, the failure is logged, and whoever left never sees it."""
    gate = Gate(1, 10)
    gate.enqueue(listen("a", raises=True))
    assert gate.running == 0
    gate.try_enter()
    for name in "bc":
        gate.enqueue(listen(name, raises=True))
    gate.enqueue(listen("d"))
    gate.leave()
    assert [name for name, _ in heard] == list("abcd")
    assert (gate.running, gate.queued) == (1, 0)
    assert len(caplog.records) == 3


def test_leaving_without_having_entered_is_an_error() -> None:
    """The books would be wrong from then on."""
    gate = Gate(1, 0)
    with pytest.raises(RuntimeError, match="nobody had entered"):
        gate.leave()
    assert gate.try_enter()


class TestClosing:
    """Unloading: no newcomers, and an end for everybody who is there."""

    def test_cancels_those_in_line(
        self, listen: Callable[..., Listener], heard: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each hears it, in order, also after one that fails; runners run on, and their slots go to nobody."""
        gate = Gate(1, 10)
        gate.try_enter()
        for name in "abc":
            gate.enqueue(listen(name, raises=name == "a"))
        gate.close(cancel_queued=True)
        assert heard == [("a", "closed"), ("b", "closed"), ("c", "closed")]
        assert len(caplog.records) == 1
        assert (gate.running, gate.queued, gate.is_closed) == (1, 0, True)
        assert not gate.wait_idle(0)
        gate.leave()
        assert gate.wait_idle(0)
        assert not gate.try_enter()
        assert not gate.enqueue(listen("d"))

    def test_lets_those_in_line_have_their_turn(
        self, listen: Callable[..., Listener], heard: list[tuple[str, str]]
    ) -> None:
        """Without cancelling, only newcomers are refused; idle is when the line is served too."""
        gate = Gate(1, 10)
        gate.try_enter()
        gate.enqueue(listen("a"))
        gate.close(cancel_queued=False)
        assert not gate.enqueue(listen("b"))
        gate.leave()
        assert heard == [("a", "granted")]
        assert not gate.wait_idle(0)
        gate.leave()
        assert gate.wait_idle(0)

    def test_may_cancel_later(self, listen: Callable[..., Listener], heard: list[tuple[str, str]]) -> None:
        """A second call cancels what the first left in line; a third finds nothing."""
        gate = Gate(1, 10)
        gate.try_enter()
        gate.enqueue(listen("a"))
        for cancel in (False, True, False, True):
            gate.close(cancel_queued=cancel)
        assert heard == [("a", "closed")]

    def interrupted(self, left_over: Listener) -> Gate:
        """Give a gate with one task inside and one in line, whose closing Ctrl-C interrupted."""
        gate = Gate(1, 2)
        gate.try_enter()

        class Interrupts(Listener):
            def closed(self) -> None:
                raise KeyboardInterrupt

        gate.enqueue(Interrupts("interrupts", []))
        gate.enqueue(left_over)
        with pytest.raises(KeyboardInterrupt):
            gate.close(cancel_queued=True)
        return gate

    def test_interrupted_closing_can_be_finished(self, heard: list[tuple[str, str]]) -> None:
        """Ctrl-C in the middle leaves the rest in line, where nobody is granted a slot any more."""
        gate = self.interrupted(Listener("b", heard))
        gate.leave()
        assert (gate.running, gate.queued) == (0, 1)
        assert not gate.wait_idle(0)
        gate.close(cancel_queued=True)
        assert heard == [("b", "closed")]
        assert gate.wait_idle(0)

    @pytest.mark.parametrize("ends_by", ["leave", "withdraw", "close"])
    def test_waiting_for_idle_ends_with_the_last_one(self, ends_by: str, listen: Callable[..., Listener]) -> None:
        """A thread that waits is woken by whatever empties the gate last; several may wait."""
        last = listen("a")
        gate = self.interrupted(last)
        if ends_by == "leave":
            gate.withdraw(last)
        else:
            gate.leave()
        threads = [threading.Thread(target=gate.wait_idle, args=(30,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert all(thread.is_alive() for thread in threads)
        if ends_by == "leave":
            gate.leave()
        elif ends_by == "withdraw":
            gate.withdraw(last)
        else:
            gate.close(cancel_queued=True)
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


class TestWaitingForASlot:
    """One thread that blocks in line."""

    def wait(self, gate: Gate, waiter: SlotWaiter, timeout_ns: int | None = None) -> Callable[[], Wait]:
        """Wait on another thread; give how to get the outcome."""
        outcomes: list[Wait] = []
        thread = threading.Thread(target=lambda: outcomes.append(gate.wait_for_slot(waiter, timeout_ns)))
        thread.start()

        def outcome() -> Wait:
            thread.join(30)
            assert not thread.is_alive()
            return outcomes[0]

        return outcome

    def test_enters_at_once_where_a_slot_is_free(self) -> None:
        """Nobody waits for what is there."""
        gate = Gate(1, 0)
        assert gate.wait_for_slot(SlotWaiter(), 0) is Wait.GRANTED
        assert gate.wait_for_slot(SlotWaiter(), 0) is Wait.FULL
        assert (gate.running, gate.queued) == (1, 0)

    def test_is_woken_with_a_slot(self) -> None:
        """Whoever leaves wakes the first in line."""
        gate = Gate(1, 2)
        gate.try_enter()
        first = self.wait(gate, SlotWaiter())
        waits(gate, 1)
        second = self.wait(gate, SlotWaiter(), 60_000_000_000)
        waits(gate, 2)
        gate.leave()
        assert first() is Wait.GRANTED
        assert (gate.running, gate.queued) == (1, 1)
        gate.leave()
        assert second() is Wait.GRANTED

    @pytest.mark.parametrize("timeout_ns", [-1, 0, 5_000_000])
    def test_expires_and_leaves_its_place(self, timeout_ns: int) -> None:
        """After the timeout nothing of it is left in line."""
        gate = Gate(1, 1)
        gate.try_enter()
        started = time.monotonic_ns()
        assert gate.wait_for_slot(SlotWaiter(), timeout_ns) is Wait.EXPIRED
        assert time.monotonic_ns() - started >= timeout_ns
        assert (gate.running, gate.queued) == (1, 0)

    def test_takes_the_longest_timeout(self) -> None:
        """A deadline of a thousand years is no overflow."""
        gate = Gate(1, 1)
        gate.try_enter()
        outcome = self.wait(gate, SlotWaiter(), 10**9 * 86_400 * 365_000)
        waits(gate, 1)
        gate.leave()
        assert outcome() is Wait.GRANTED

    def test_is_cancelled_from_another_thread(self) -> None:
        """Cancelling wakes it without a slot; a second time changes nothing."""
        gate = Gate(1, 1)
        gate.try_enter()
        waiter = SlotWaiter()
        outcome = self.wait(gate, waiter)
        waits(gate, 1)
        waiter.cancel()
        waiter.cancel()
        assert outcome() is Wait.CANCELLED
        gate.leave()
        assert gate.running == 0

    def test_cancelled_before_it_began(self) -> None:
        """It does not even enter."""
        gate, waiter = Gate(1, 1), SlotWaiter()
        waiter.cancel()
        assert gate.wait_for_slot(waiter) is Wait.CANCELLED
        assert gate.running == 0

    def test_cancelled_just_before_it_was_in_line(self) -> None:
        """A cancellation between looking for a slot and getting in line is not lost."""

        class CancelsOnTheWay(Gate):
            __slots__ = ()

            def enqueue(self, waiter: SlotWaiter) -> bool:  # type: ignore[override]
                waiter.cancel()
                return super().enqueue(waiter)

        gate = CancelsOnTheWay(1, 1)
        gate.try_enter()
        assert gate.wait_for_slot(SlotWaiter()) is Wait.CANCELLED
        assert (gate.running, gate.queued) == (1, 0)

    def test_cancelling_what_was_granted_changes_nothing(self) -> None:
        """The slot stays with it."""
        gate, waiter = Gate(1, 1), SlotWaiter()
        assert gate.wait_for_slot(waiter) is Wait.GRANTED
        waiter.cancel()
        assert gate.running == 1

    def test_hears_that_the_gate_closed(self) -> None:
        """In line it is woken; as a newcomer it is refused."""
        gate = Gate(1, 1)
        gate.try_enter()
        outcome = self.wait(gate, SlotWaiter())
        waits(gate, 1)
        gate.close(cancel_queued=True)
        assert outcome() is Wait.CLOSED
        assert gate.wait_for_slot(SlotWaiter()) is Wait.CLOSED
        gate.leave()
        assert gate.wait_for_slot(SlotWaiter()) is Wait.CLOSED

    def test_a_grant_that_meets_the_timeout_is_a_grant(self) -> None:
        """Taken out of line, but not told yet when its time is up: it waits the moment and has its slot."""

        class TellsLate(Gate):
            __slots__ = ()

            def withdraw(self, waiter: SlotWaiter) -> bool:  # type: ignore[override]
                self.leave()
                return super().withdraw(waiter)

        gate = TellsLate(1, 1)
        gate.try_enter()
        assert gate.wait_for_slot(SlotWaiter(), 1) is Wait.GRANTED
        assert (gate.running, gate.queued) == (1, 0)

    @pytest.mark.parametrize("granted", [False, True], ids=["still-in-line", "granted-meanwhile"])
    def test_ctrl_c_leaves_nothing_behind(self, *, granted: bool) -> None:
        """An interrupted wait holds neither a place nor a slot."""
        gate = Gate(1, 1)
        gate.try_enter()

        main = threading.get_ident()
        assert threading.current_thread() is threading.main_thread()

        def interrupt() -> None:
            waits(gate, 1)
            signal.pthread_kill(main, signal.SIGINT)

        class InterruptedWaiter(SlotWaiter):
            __slots__ = ()

            def wait(self, timeout_ns: int | None) -> bool:
                if not self._has_heard:
                    gate.leave()
                    raise KeyboardInterrupt
                return super().wait(timeout_ns)

        if granted:
            with pytest.raises(KeyboardInterrupt):
                gate.wait_for_slot(InterruptedWaiter())
        else:
            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                gate.wait_for_slot(SlotWaiter(), 60_000_000_000)
            thread.join()
            gate.leave()
        assert (gate.running, gate.queued) == (0, 0)


class TestUnderContention:
    """Real threads that come, wait, give up and leave at once."""

    def test_order_is_kept(self) -> None:
        """Slots are granted in exactly the order in which tasks got in line."""
        gate, turns, ordering = Gate(1, 10_000), queue.SimpleQueue[int | None](), threading.Lock()
        order: list[int] = []
        grants: list[int] = []

        class Turn(Listener):
            def granted(self) -> None:
                grants.append(int(self.name))
                turns.put(int(self.name))

        def come(thread: int) -> None:
            for number in range(500):
                task = thread * 500 + number
                with ordering:
                    assert gate.enqueue(Turn(str(task), []))
                    order.append(task)

        def serve() -> None:
            while turns.get() is not None:
                gate.leave()

        server = threading.Thread(target=serve)
        comers = [threading.Thread(target=come, args=(thread,)) for thread in range(8)]
        for thread in (server, *comers):
            thread.start()
        for thread in comers:
            thread.join()
        assert gate.wait_idle(60)
        turns.put(None)
        server.join()
        assert grants == order
        assert len(grants) == 4000

    def test_no_wake_up_is_lost_and_no_slot_leaks(self) -> None:
        """Threads that expire, are cancelled and run never exceed the slots, all come to an end, and leave no trace."""
        gate = Gate(3, 6)
        inside, most, counting = 0, 0, threading.Lock()
        outcomes: list[Wait] = []

        def work(seed: int) -> None:
            nonlocal inside, most
            rng = random.Random(seed)  # noqa: S311
            for _ in range(200):
                waiter = SlotWaiter()
                canceller = threading.Timer(rng.random() / 1000, waiter.cancel) if rng.random() < 0.2 else None
                if canceller:
                    canceller.start()
                timeout_ns = rng.choice((None, 0, 50_000, 500_000))
                outcome = gate.wait_for_slot(waiter, timeout_ns)
                outcomes.append(outcome)
                if outcome is Wait.GRANTED:
                    with counting:
                        inside += 1
                        most = max(most, inside)
                    if rng.random() < 0.5:
                        time.sleep(rng.random() / 5000)
                    with counting:
                        inside -= 1
                    gate.leave()
                if canceller:
                    canceller.join()

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert most == 3
        assert len(outcomes) == 12 * 200
        assert {Wait.GRANTED, Wait.EXPIRED, Wait.FULL} <= set(outcomes)
        assert (gate.running, gate.queued) == (0, 0)
        assert [gate.try_enter() for _ in range(4)] == [True, True, True, False]

    def test_closing_among_threads_tells_everybody_once(self) -> None:
        """Whoever was in line when the gate closed either had a slot or heard that it closed."""
        for _ in range(20):
            gate = Gate(2, 1000)
            outcomes: list[Wait] = []

            def work(gate: Gate = gate, outcomes: list[Wait] = outcomes) -> None:
                for _ in range(50):
                    outcomes.append(gate.wait_for_slot(SlotWaiter()))
                    if outcomes[-1] is Wait.GRANTED:
                        gate.leave()

            threads = [threading.Thread(target=work) for _ in range(6)]
            for thread in threads:
                thread.start()
            gate.close(cancel_queued=True)
            for thread in threads:
                thread.join(30)
            assert not any(thread.is_alive() for thread in threads)
            assert gate.wait_idle(0)
            assert len(outcomes) == 300
            assert set(outcomes) <= {Wait.GRANTED, Wait.CLOSED}
