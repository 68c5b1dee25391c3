"""A task in the bare engine: what is measured beside governed tasks does the same work, and ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from infrafabric.engine.bare import BareTask, BareUnavailableError
from infrafabric.engine.engines import code_kind, engine_for
from infrafabric.testing import wat
from infrafabric.wasm import inspect_module

_GUESTS = Path(__file__).resolve().parents[2] / "guests"

_TRAPS_AT_THE_THIRD = """(module (global $n (mut i32) (i32.const 0))
  (func (export "run") (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.gt_u (global.get $n) (i32.const 2)) (then unreachable))))"""
_WAITS_FOR_ITS_HOST = """(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $now (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (loop $again (br_if $again (call $now (i32.const 0) (i64.const 0) (i32.const 0))))))"""
_TRAPS_ON_OTHER_INPUT = """(module (memory (export "memory") 1)
  (func (export "allocate") (param i32) (result i32) i32.const 1024)
  (func (export "run") (param $at i32) (param $size i32) (result i32)
    (if (i32.ne (i32.load (local.get $at)) (i32.const 0x64636261)) (then unreachable))
    (if (i32.ne (local.get $size) (i32.const 4)) (then unreachable))
    (i32.const 0)))"""


def _bare(module: bytes, task: str, params: Any, *, deadline_seconds: float = 10.0, pooled: bool = True) -> BareTask:
    return BareTask(
        inspect_module(module),
        module,
        task,
        params,
        abi=None,
        memory_bytes=64 << 20,
        payload_bytes=1 << 20,
        deadline_seconds=deadline_seconds,
        pooled=pooled,
    )


def test_a_fresh_instance_knows_nothing_of_the_one_before() -> None:
    """It could be called for ever; a kept one keeps its state, and its third call traps."""
    with _bare(wat(_TRAPS_AT_THE_THIRD), "run", None) as task:
        for _ in range(5):
            instance_ns, call_ns = task.fresh()
            assert instance_ns > 0
            assert call_ns > 0
        assert task.kept() > 0
        assert task.kept() > 0
        with pytest.raises(BareUnavailableError, match="the guest trapped"):
            task.kept()


def test_the_input_reaches_the_guest() -> None:
    """The same bytes that a governed task would get: with others the guest traps."""
    with _bare(wat(_TRAPS_ON_OTHER_INPUT), "run", "abcd") as task:
        task.fresh()
        task.kept()
    with (
        _bare(wat(_TRAPS_ON_OTHER_INPUT), "run", "abce") as task,
        pytest.raises(BareUnavailableError, match="the guest trapped"),
    ):
        task.fresh()


@pytest.mark.parametrize(
    ("guest", "task", "params"),
    [("linecount-simple", "count_lines", "a\n"), ("slug", "process", "A b"), ("linecount", "count_lines", "a\nb")],
    ids=["no allocator", "cstring", "WASI"],
)
def test_real_guests_run(guest: str, task: str, params: str) -> None:
    """By each convention that is a call, and with host functions that do nothing."""
    with _bare((_GUESTS / guest / f"{guest}.wasm").read_bytes(), task, params) as bare:
        assert bare.fresh()[1] > 0


@pytest.mark.parametrize(
    ("guest", "task", "params", "why"),
    [("upper", "process", "a", "by 'lenptr'"), ("wc", "_start", None, "by 'command'"), ("arith", "add", [1], "2")],
    ids=["lenptr", "command", "wrong parameters"],
)
def test_what_is_more_than_a_call_is_refused(guest: str, task: str, params: Any, why: str) -> None:
    """With the reason, before anything runs."""
    with pytest.raises(BareUnavailableError, match=why):
        _bare((_GUESTS / guest / f"{guest}.wasm").read_bytes(), task, params)


@pytest.mark.timing
def test_a_guest_that_waits_for_its_host_is_ended() -> None:
    """Without a real host it would wait for ever; the deadline is a second over the task's own."""
    started = time.monotonic()
    with (
        _bare(wat(_WAITS_FOR_ITS_HOST), "run", None, deadline_seconds=0.2) as task,
        pytest.raises(BareUnavailableError, match="the guest trapped"),
    ):
        task.fresh()
    assert 1.0 < time.monotonic() - started < 5


def test_the_slot_of_the_pool_is_given_back() -> None:
    """One is taken while it is open, and none after, also when it is closed twice."""
    engine = engine_for(code_kind(), pooled=True)
    if engine is None or engine.slots is None:
        pytest.skip("no pool fits this process's address space")
    before = len(engine.slots)
    task = _bare(wat(_TRAPS_AT_THE_THIRD), "run", None)
    assert len(engine.slots) == before - 1
    task.fresh()
    task.close()
    task.close()
    assert len(engine.slots) == before
