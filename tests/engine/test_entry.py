"""The way into a guest on the main thread: handlers are held back and put back whole, wherever an exception comes."""

from __future__ import annotations

import json

import pytest

from tests.engine.driving import python

#: Raises KeyboardInterrupt before every single instruction of the shield at which Python could run the real handler.
EVERY_INSTRUCTION = r"""
import json, signal, sys
from infrafabric.engine import entry

def raise_alarm(number, frame):
    raise TimeoutError

OWN = {signal.SIGINT: signal.default_int_handler, signal.SIGALRM: raise_alarm, signal.SIGUSR1: lambda *_: None}
INTERRUPTS = {"SIGINT": KeyboardInterrupt, "SIGALRM": TimeoutError}
number, received = getattr(signal, sys.argv[1]), sys.argv[2] == "received"
error = INTERRUPTS[sys.argv[1]]
for one, handler in OWN.items():
    signal.signal(one, handler)

def shielded(at):
    count = 0
    def local(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = True
        if event == "opcode" and signal.getsignal(number) is OWN[number]:
            count += 1
            if count == at:
                raise error
        return local
    def trace(frame, event, argument):
        return local(frame, event, argument) if frame.f_code.co_filename == entry.__file__ else None
    sys.settrace(trace)
    try:
        with entry.Shielded():
            if received:
                signal.raise_signal(number)
    except error:
        return True
    finally:
        sys.settrace(None)
    return count >= at

def state():
    entered = entry.Shielded()
    entered.__enter__()
    held_back = all(signal.getsignal(one) is not handler for one, handler in OWN.items())
    entered.__exit__()
    back = all(signal.getsignal(one) is handler for one, handler in OWN.items())
    return held_back and back and not entry.SHIELD.active and not entry.SHIELD.received

broken, at = [], 0
while True:
    at += 1
    raised = shielded(at)
    try:
        whole = state()
    except error:
        whole = False
    if not whole:
        broken.append(at)
        entry.SHIELD.__init__()
        for one, handler in OWN.items():
            signal.signal(one, handler)
    if not raised or (received and at > 300):
        break
print(json.dumps([at, broken]))
"""


@pytest.mark.parametrize("received", ["received", "quiet"])
@pytest.mark.parametrize("number", ["SIGINT", "SIGALRM"])
def test_an_exception_at_any_instruction_leaves_the_handlers_whole(number: str, received: str) -> None:
    """Wherever a handler raises while handlers are held back or put back, the next task finds and leaves them whole."""
    done = python(EVERY_INSTRUCTION, number, received)
    assert done.returncode == 0, done.stderr
    tried, broken = json.loads(done.stdout)
    assert tried > 20
    assert broken == []


RESPONSES = r"""
import json, signal
from infrafabric.engine import entry
seen = []
def note(number, frame): seen.append(number)
def fail(number, frame): seen.append(number); raise ValueError(number)
signal.signal(signal.SIGUSR1, note); signal.signal(signal.SIGUSR2, fail); signal.signal(signal.SIGTERM, signal.SIG_IGN)
results = []
with entry.Shielded():
    signal.raise_signal(signal.SIGUSR1); signal.raise_signal(signal.SIGTERM)
    results.append((list(seen), entry.SHIELD.received, entry.interrupted(), list(seen)))
    signal.raise_signal(signal.SIGUSR1)
    with entry.Shielded():  # a task inside a handler or an observer
        results.append(list(seen))
    results.append(list(seen))
results.append(list(seen))
try:
    with entry.Shielded():
        signal.raise_signal(signal.SIGUSR2); signal.raise_signal(signal.SIGUSR1)
        results.append((entry.interrupted(), entry.interrupted()))
        signal.raise_signal(signal.SIGUSR2)
except ValueError as error:
    results.append(str(error.args[0] == signal.SIGUSR2))
results.append((entry.SHIELD.active, signal.getsignal(signal.SIGTERM) is signal.SIG_IGN))
print(json.dumps(results))
"""


def test_held_back_signals_are_handed_on() -> None:
    """Each waits until somebody looks or the shield is lifted; what a handler raises comes out there, once."""
    done = python(RESPONSES)
    assert done.returncode == 0, done.stderr
    user1 = 10
    assert json.loads(done.stdout) == [
        [[], True, False, [user1]],
        [user1],
        [user1],
        [user1, user1],
        [True, True],
        "True",
        [False, True],
    ]
