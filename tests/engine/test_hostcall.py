"""Host functions never raise into the engine: what fails becomes the verdict of the task it failed for."""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING

import pytest

from infrafabric.engine import TaskLog
from infrafabric.engine.hostcall import raw_struct
from infrafabric.errors import Outcome
from tests.engine.driving import Ending, Guest

if TYPE_CHECKING:
    from infrafabric.engine import LogRecord

LOGS = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (global $after (mut i32) (i32.const 0))
  (func (export "f") (param i32) (result i32)
    (call $log (i32.const 0) (local.get 0)) (global.set $after (i32.const 1)) (i32.const 7))
  (func (export "after") (result i32) (global.get $after)))"""


@pytest.mark.parametrize(
    ("types", "values"),
    [
        ((), ()),
        (("i32", "i64", "f32", "f64"), (-1, -(2**63), 0.5, -0.25)),
        (("i32",) * 40, tuple(range(40))),
    ],
    ids=["none", "all kinds", "many"],
)
def test_raw_values_are_sixteen_bytes_each(types: tuple[str, ...], values: tuple[float, ...]) -> None:
    """Numbers lie at the beginning of their slots, little-endian, and come back."""
    layout = raw_struct(types)
    assert layout.size == 16 * len(types)
    packed = layout.pack(*values)
    assert layout.unpack(packed) == values
    codes = {"i32": "<i", "i64": "<q", "f32": "<f", "f64": "<d"}
    for index, (kind, value) in enumerate(zip(types, values, strict=True)):
        assert struct.unpack_from(codes[kind], packed, 16 * index) == (value,)


def failing(guest: Guest, error: BaseException) -> Ending:
    """Run a task during whose log call ``error`` is raised."""
    run = guest.new_run()

    def fail(_record: LogRecord) -> None:
        raise error

    run._log = TaskLog(guest.log, run.started_ns, fail)
    return guest.run("f", [1], run=run)


@pytest.mark.parametrize(
    "error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3), MemoryError(), RecursionError()], ids=repr
)
def test_an_exception_ends_the_task_as_internal(error: BaseException) -> None:
    """Whatever is raised inside a host function, the guest ends and the host is blamed; nothing travels further."""
    guest = Guest(LOGS, kept=True)
    assert guest.run("f", [1]).ok() == 7
    ended = failing(guest, error)
    assert ended.outcome is Outcome.INTERNAL
    assert f"{type(error).__name__} in a host function" in ended.message
    assert guest.run("after").ok() == 0  # the guest did not go on, and its instance was not used again
    assert guest.run("f", [1]).ok() == 7
    guest.close()


def test_exceptions_of_one_thread_are_not_anothers() -> None:
    """With many threads failing at once, each task gets its own exception and none gets a neighbour's."""
    wrong: list[str] = []

    def work(number: int) -> None:
        guest = Guest(LOGS)
        for count in range(100):
            if (number + count) % 2:
                if guest.run("f", [1]).output != 7:
                    wrong.append("a good task failed")
            else:
                message = failing(guest, ValueError(f"{number}-{count}")).message
                if message != f"ValueError in a host function: {number}-{count}":
                    wrong.append(message)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_host_calls_are_counted() -> None:
    """Usage has the number of calls into the host."""
    ended = Guest(LOGS).run("f", [1])
    assert ended.run is not None
    assert ended.run.host_calls == 1
