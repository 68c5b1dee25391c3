"""Where parameters lie in a guest: its allocator's memory, checked, or pages that the host grows."""

from __future__ import annotations

import pytest

from infrafabric.errors import Outcome
from tests.engine.abi.allocators import ALLOCATE, BUMP, allocator
from tests.engine.driving import PAGE, Guest

#: Answers where its input lies.
WHERE = '(func (export "where") (param i32 i32) (result i32) (local.get 0))'
SUM = """(func (export "sum") (param $at i32) (param $size i32) (result i32) (local $sum i32)
  (block (loop
    (br_if 1 (i32.eqz (local.get $size)))
    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (local.set $size (i32.sub (local.get $size) (i32.const 1)))
    (br 0)))
  (local.get $sum))"""


# --- allocators ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["allocate", "alloc", "malloc"])
def test_each_allocator_name_is_used(name: str) -> None:
    """The input lies where the module's allocator said, under any of its usual names, and the allocator is no task."""
    guest = Guest(f"(module {allocator('(i32.const 4096)', name)} {WHERE})")
    assert guest.run("where", b"x").ok() == 4096
    assert name not in guest.runtime.program.tasks


def test_the_canonical_allocator_is_asked_as_it_wants() -> None:
    """``cabi_realloc`` gets no old block, an alignment of 8, and the size."""
    checks = """(if (i32.or (local.get 0) (local.get 1)) (then unreachable))
      (if (i32.ne (local.get 2) (i32.const 8)) (then unreachable))
      (i32.add (i32.const 1000) (local.get 3))"""
    guest = Guest(f"(module {allocator(checks, 'cabi_realloc', '(param i32 i32 i32 i32)')} {WHERE})")
    assert guest.run("where", b"12345").ok() == 1005


def test_allocate_goes_before_malloc() -> None:
    """Of two allocators the one made for hosts is used."""
    guest = Guest(
        f"""(module {allocator("(i32.const 4096)")} {WHERE}
          (func (export "malloc") (param i32) (result i32) (i32.const 8192)))"""
    )
    assert guest.run("where", b"x").ok() == 4096


@pytest.mark.parametrize(
    "signature",
    ["(param i64) (result i32)", "(param i32 i32) (result i32)", "(param i32)", "(param i32) (result i64)"],
)
def test_a_function_that_only_has_the_name_is_no_allocator(signature: str) -> None:
    """An export called allocate with another signature is a task like any other; the host then grows the memory."""
    guest = Guest(f'(module (memory (export "memory") 1) (func (export "allocate") {signature} unreachable) {WHERE})')
    assert guest.run("where", b"x").ok() == PAGE
    assert "allocate" in guest.runtime.program.tasks


def test_an_empty_input_is_allocated_too() -> None:
    """An allocator is never asked for nothing, which some answer with null: at least one byte."""
    guest = Guest(f"(module {allocator('(select (i32.const 512) (i32.const 0) (local.get 0))')} {WHERE})")
    assert guest.run("where", b"").ok() == 512


@pytest.mark.parametrize(
    ("pointer", "size", "outcome"),
    [
        (PAGE - 4, 4, Outcome.SUCCESS),
        (PAGE - 4, 5, Outcome.INVALID_RESULT),
        (PAGE, 1, Outcome.INVALID_RESULT),
        (-4, 4, Outcome.INVALID_RESULT),
        (-(2**31), 1, Outcome.INVALID_RESULT),
        (1, 4, Outcome.SUCCESS),
        (4099, 100, Outcome.SUCCESS),
    ],
    ids=["the last bytes", "one over", "past the end", "wraps around", "negative", "address one", "misaligned"],
)
def test_what_an_allocator_answers_is_checked(pointer: int, size: int, outcome: Outcome) -> None:
    """The host writes only inside the guest's memory, however the allocator lies; odd addresses are its business."""
    guest = Guest(f"(module {allocator(f'(i32.const {pointer})')} {SUM})")
    ended = guest.run("sum", b"\1" * size, abi="buffer")
    assert ended.outcome is outcome
    if outcome is Outcome.SUCCESS:
        assert ended.output == size
    else:
        assert f"its 'allocate' answered {pointer % 2**32} for {size:,} bytes" in ended.message


def test_an_allocator_that_answers_null_has_no_memory_left() -> None:
    """0 is the one certain sign that a guest ran out: the message says where its memory stands."""
    ended = Guest(f"(module {allocator('(i32.const 0)', 'malloc')} {WHERE})", memory_bytes=16 * PAGE).run(
        "where", "xyz"
    )
    assert ended.outcome is Outcome.MEMORY_EXCEEDED
    assert ended.message == (
        "malloc got no 3 bytes for the parameters: the guest's memory stands at 0.1 of 1 MiB (max_memory_mb)"
    )


def test_an_honest_allocator_runs_out_at_the_limit() -> None:
    """A guest whose grow is refused answers 0, just outside the limit; just inside it works."""
    guest = Guest(f"(module {ALLOCATE} {WHERE})", memory_bytes=4 * PAGE)
    assert guest.run("where", b"x" * (4 * PAGE - 1032)).outcome is Outcome.SUCCESS
    ended = guest.run("where", b"x" * (4 * PAGE))
    assert ended.outcome is Outcome.MEMORY_EXCEEDED
    assert ended.run is not None
    assert ended.run.peak_memory_bytes == 4 * PAGE


def test_a_trap_of_the_allocator_is_a_trap() -> None:
    """What the allocator does wrong is the guest's ending like any other."""
    assert Guest(f"(module {allocator('unreachable')} {WHERE})").run("where", b"x").outcome is Outcome.TRAP


@pytest.mark.timing
def test_an_allocator_that_never_answers_ends_at_the_deadline() -> None:
    """The deadline covers the allocator."""
    ended = Guest(f"(module {allocator('(loop (br 0)) unreachable')} {WHERE})").run("where", b"x", seconds=0.1)
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.seconds < 1.0


# --- giving it back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partner", "given_back"),
    [
        ('(export "allocate" (func $bump)) (export "deallocate" (func $give))', 6),
        ('(export "alloc" (func $bump)) (export "dealloc" (func $give))', 6),
        (
            """(export "malloc" (func $bump))
              (func (export "free") (param i32) (call $give (local.get 0) (i32.const 1)))""",
            2,
        ),
        ('(export "malloc" (func $bump)) (func (export "free") (param i32) (result i32) unreachable)', 0),
        ('(export "malloc" (func $bump))', 0),
    ],
    ids=["with size", "dealloc", "free", "a partner of another shape", "no partner"],
)
def test_a_kept_instance_gets_its_input_back(partner: str, given_back: int) -> None:
    """The host frees its input in an instance that lives on, by the partner of the allocator it used."""
    guest = Guest(
        f"""(module {BUMP} {partner} {WHERE} (func (export "given_back") (result i32) (global.get $freed)))""",
        kept=True,
    )
    for _ in range(2):
        assert guest.run("where", b"abc").outcome is Outcome.SUCCESS
    assert guest.run("given_back").ok() == given_back
    guest.close()


def test_a_fresh_instance_is_thrown_away_whole() -> None:
    """Nobody frees into an instance that is about to go: its free is not called."""
    free = '(func (export "free") (param i32) unreachable)'
    guest = Guest(f"(module {allocator('(i32.const 8)', 'malloc')} {free} {WHERE})")
    assert guest.run("where", b"x").outcome is Outcome.SUCCESS


def test_a_trap_while_freeing_ends_the_task_and_the_instance() -> None:
    """A kept instance whose free traps is replaced: the next task finds a new one."""
    guest = Guest(
        f"""(module {allocator("(i32.const 8)", "malloc")} (global $calls (mut i32) (i32.const 0))
          (func (export "free") (param i32) unreachable)
          (func (export "count") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)) {WHERE})""",
        kept=True,
    )
    assert [guest.run("count").ok(), guest.run("count").ok()] == [1, 2]
    assert guest.run("where", b"x").outcome is Outcome.TRAP
    assert guest.run("count").ok() == 1
    guest.close()


# --- no allocator ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE])
def test_without_an_allocator_the_host_grows_the_memory(size: int) -> None:
    """The input lies in pages of its own behind the guest's, whatever its size."""
    guest = Guest(f'(module (memory (export "memory") 2) {SUM} {WHERE})')
    assert guest.run("where", b"\1" * size, abi="buffer").ok() == 2 * PAGE
    assert guest.run("sum", b"\1" * size, abi="buffer").ok() == size


@pytest.mark.parametrize(("pages", "outcome"), [(3, Outcome.SUCCESS), (2, Outcome.MEMORY_EXCEEDED)])
def test_the_hosts_pages_count_as_the_guests(pages: int, outcome: Outcome) -> None:
    """max_memory_mb holds for them, and the modules' own maximum too."""
    guest = Guest(f'(module (memory (export "memory") 1) {WHERE})', memory_bytes=pages * PAGE)
    ended = guest.run("where", b"x" * (PAGE + 1))
    assert ended.outcome is outcome
    bounded = Guest(f'(module (memory (export "memory") 1 {pages}) {WHERE})').run("where", b"x" * (PAGE + 1))
    assert bounded.outcome is outcome
    if outcome is not Outcome.SUCCESS:
        assert ended.message.startswith("the host got no 65,537 bytes for the parameters")


@pytest.mark.parametrize(
    ("abi", "signature", "params"),
    [
        ("buffer", "(param i32 i32)", b"abc"),
        ("cstring", "(param i32)", b"abc"),
        ("lenptr", "(param i32 i32 i32)", b"a"),
    ],
)
def test_an_answer_from_overwritten_input_is_invalid(abi: str, signature: str, params: bytes) -> None:
    """A guest that wrote over its input took the host's pages for its heap: its answer is refused with the way out."""
    guest = Guest(
        f"""(module (memory (export "memory") 1)
          (func (export "f") {signature} (result i32) (i32.store8 (local.get 0) (i32.const 0)) (i32.const 16))
          (func (export "same") {signature} (result i32) (i32.store8 (local.get 0) (i32.const 97)) (i32.const 16)))"""
    )
    ended = guest.run("f", params, abi=abi)
    assert ended.outcome is Outcome.INVALID_RESULT
    assert "export allocate (and deallocate) so that the host asks for memory instead" in ended.message
    assert guest.run("same", params, abi=abi).outcome is Outcome.SUCCESS


def test_a_guest_may_write_over_what_it_allocated() -> None:
    """With an allocator the input is the guest's own: it may change it in place."""
    guest = Guest(
        f"""(module {ALLOCATE} (func (export "f") (param i32 i32) (result i32)
          (i32.store8 (local.get 0) (i32.const 0)) (i32.const 7)))"""
    )
    assert guest.run("f", b"abc").ok() == 7


@pytest.mark.parametrize(
    ("task", "signature"), [("b", "(param i32 i32)"), ("c", "(param i32)"), ("l", "(param i32 i32 i32)")]
)
def test_a_kept_instance_without_allocator_takes_no_bytes(task: str, signature: str) -> None:
    """Pages of every task would stay behind: refused with three ways out, and the memory stays as it was."""
    guest = Guest(
        f"""(module (memory (export "memory") 1)
          (func (export "{task}") {signature} (result i32) (i32.const 1))
          (func (export "pages") (result i32) (memory.size)))""",
        kept=True,
    )
    ended = guest.run(task, b"x")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert ended.message == (
        "a kept instance (execution.instance: swarm) takes bytes only through its allocator, and the module exports "
        "none: export allocate (and deallocate), set execution.instance: task, or send a list of numbers"
    )
    assert guest.run("pages").ok() == 1
    assert guest.run(task, [0] * signature.count("i32")).ok() == 1
    guest.close()
