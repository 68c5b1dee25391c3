"""The gate against a model of it: any order of coming, leaving, withdrawing, failing and closing."""

from __future__ import annotations

import logging

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from infrafabric.limits import Gate


@attrs.define(eq=False)
class Task:
    """A waiter that knows what it heard, and perhaps fails when it is told."""

    fails: bool
    heard: list[str] = attrs.field(factory=list)

    def granted(self) -> None:
        """Note a slot."""
        self.heard.append("granted")
        if self.fails:
            raise LookupError

    def closed(self) -> None:
        """Note a closed gate."""
        self.heard.append("closed")
        if self.fails:
            raise LookupError


class GateMachine(RuleBasedStateMachine):
    """Applies each step to a real gate and to plain lists."""

    tasks = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("infrafabric.limits").setLevel(logging.CRITICAL)
        self.gate = Gate(2, 3)
        self.running = 0
        self.line: list[Task] = []
        self.expected: dict[Task, list[str]] = {}
        self.is_closed = False

    def teardown(self) -> None:
        """Let the log be as it was."""
        logging.getLogger("infrafabric.limits").setLevel(logging.NOTSET)

    def pass_on(self) -> None:
        """Give one slot to the first in line that can take it."""
        self.running -= 1
        while self.line:
            task = self.line.pop(0)
            self.expected[task].append("granted")
            if not task.fails:
                self.running += 1
                return

    @rule()
    def try_enter(self) -> None:
        """Come without waiting."""
        enters = not self.is_closed and self.running < 2
        assert self.gate.try_enter() is enters
        self.running += enters

    @rule(target=tasks, fails=st.booleans())
    def enqueue(self, *, fails: bool) -> Task:
        """Come and wait."""
        task = Task(fails)
        self.expected[task] = []
        accepted = self.gate.enqueue(task)
        if self.is_closed:
            assert not accepted
        elif self.running < 2:
            assert accepted
            self.expected[task].append("granted")
            self.running += not fails
        else:
            assert accepted is (len(self.line) < 3)
            if accepted:
                self.line.append(task)
        return task

    @rule(task=tasks)
    def withdraw(self, task: Task) -> None:
        """Give up waiting, whether one waits or not."""
        assert self.gate.withdraw(task) is (task in self.line)
        if task in self.line:
            self.line.remove(task)

    @precondition(lambda self: self.running)
    @rule()
    def leave(self) -> None:
        """End one task."""
        self.pass_on()
        self.gate.leave()

    @rule(cancel=st.booleans())
    def close(self, *, cancel: bool) -> None:
        """Unload."""
        self.is_closed = True
        if cancel:
            for task in self.line:
                self.expected[task].append("closed")
            self.line.clear()
        self.gate.close(cancel_queued=cancel)

    @invariant()
    def agrees(self) -> None:
        """The numbers agree, and everybody heard what it should, at most once."""
        assert (self.gate.running, self.gate.queued) == (self.running, len(self.line))
        assert self.gate.is_closed is self.is_closed
        assert self.gate.wait_idle(0) is (not self.running and not self.line)
        assert all(task.heard == heard for task, heard in self.expected.items())
        assert all(len(heard) <= 1 for heard in self.expected.values())


TestGateMachine = GateMachine.TestCase
TestGateMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
