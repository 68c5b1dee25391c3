"""Every way a guest can end has one outcome and one sentence; every trap that a guest can raise is raised here."""

from __future__ import annotations

import pytest

from infrafabric.engine import GuestEnded, Verdict, binding
from infrafabric.engine.endings import LIMITS, TRAPS, outcome_of, raise_ending
from infrafabric.errors import Blame, Outcome
from tests.engine.driving import PAGE, Guest

#: Traps that a core module can raise with the features that are on, each by its code.
RAISED = {
    "stack_overflow": '(func $f (export "f") (call $f))',
    "memory_out_of_bounds": f'(memory 1) (func (export "f") (drop (i32.load (i32.const {PAGE}))))',
    "table_out_of_bounds": """(type $void (func)) (table 1 funcref)
        (func (export "f") (call_indirect (type $void) (i32.const 1)))""",
    "indirect_call_to_null": """(type $void (func)) (table 1 funcref)
        (func (export "f") (call_indirect (type $void) (i32.const 0)))""",
    "bad_signature": """(type $void (func)) (type $one (func (param i32))) (table funcref (elem $g))
        (func $g (type $one)) (func (export "f") (call_indirect (type $void) (i32.const 0)))""",
    "integer_overflow": """(func (export "f")
        (drop (i32.div_s (i32.const -2147483648) (i32.const -1))))""",
    "integer_division_by_zero": '(func (export "f") (drop (i32.rem_u (i32.const 1) (i32.const 0))))',
    "bad_conversion_to_integer": '(func (export "f") (drop (i32.trunc_f32_s (f32.const nan))))',
    "unreachable_code_reached": '(func (export "f") unreachable)',
}
#: More ways into some of them.
ALSO = {
    "a store": (
        "memory_out_of_bounds",
        f'(memory 1) (func (export "f") (i64.store (i32.const {PAGE - 7}) (i64.const 1)))',
    ),
    "a fill": (
        "memory_out_of_bounds",
        f'(memory 1) (func (export "f") (memory.fill (i32.const 1) (i32.const 0) (i32.const {PAGE})))',
    ),
    "the last address": ("memory_out_of_bounds", '(memory 1) (func (export "f") (drop (i32.load8_u (i32.const -1))))'),
    "an offset": (
        "memory_out_of_bounds",
        '(memory 1) (func (export "f") (drop (i32.load offset=4294967295 (i32.const -1))))',
    ),
    "no memory": ("memory_out_of_bounds", '(memory 0) (func (export "f") (drop (i32.load8_u (i32.const 0))))'),
    "table.get": (
        "table_out_of_bounds",
        '(table 1 funcref) (func (export "f") (drop (ref.is_null (table.get (i32.const 1)))))',
    ),
    "table.copy": (
        "table_out_of_bounds",
        '(table 1 funcref) (func (export "f") (table.copy (i32.const 0) (i32.const 0) (i32.const 2)))',
    ),
    "an infinite float": ("integer_overflow", '(func (export "f") (drop (i64.trunc_f64_u (f64.const inf))))'),
    "indirect recursion": (
        "stack_overflow",
        """(type $void (func)) (table funcref (elem $f))
           (func $f (export "f") (call_indirect (type $void) (i32.const 0)))""",
    ),
    "large frames": (
        "stack_overflow",
        f'(func $f (export "f") (result i64) (local {"i64 " * 5000}) (i64.add (local.get 4999) (call $f)))',
    ),
}


@pytest.mark.parametrize("code", RAISED)
def test_each_trap_is_raised_and_mapped(code: str) -> None:
    """A guest that raises it ends as a trap with the engine's code, our sentence, and its backtrace."""
    ended = Guest(f'(module {RAISED[code]} (func (export "fine") (result i32) (i32.const 1)))').run("f")
    assert ended.outcome is Outcome.TRAP
    assert ended.verdict is not None
    assert ended.verdict.trap_code == code
    assert ended.message == TRAPS[code]
    assert "f" in ended.verdict.backtrace


@pytest.mark.parametrize("name", ALSO)
def test_other_ways_into_a_trap(name: str) -> None:
    """The same trap by other instructions is the same ending."""
    code, text = ALSO[name]
    ended = Guest(f"(module {text})").run("f")
    assert ended.verdict is not None
    assert (ended.outcome, ended.verdict.trap_code) == (Outcome.TRAP, code)


@pytest.mark.parametrize("code", sorted(binding.TRAP_CODES.values()))
def test_every_code_of_the_engine_has_an_outcome_and_a_sentence(code: str) -> None:
    """No code that the engine may ever report leaves without a meaning: the guest's fault, or a limit."""
    outcome = outcome_of(code)
    assert outcome.blame is Blame.GUEST
    assert (outcome is Outcome.TRAP) == (code not in LIMITS)
    assert TRAPS.get(code) or code.replace("_", " ")


def test_the_table_names_only_codes_that_exist() -> None:
    """A code that the engine renamed would lose its sentence: the table is held against the engine's own list."""
    assert set(TRAPS) | set(LIMITS) <= set(binding.TRAP_CODES.values())
    assert not set(TRAPS) & set(LIMITS)
    assert set(RAISED) <= set(TRAPS)


def test_what_traps_is_not_used_again() -> None:
    """A kept instance that trapped is replaced: half-updated state is gone."""
    guest = Guest(
        """(module (global $count (mut i32) (i32.const 0))
          (func (export "count") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
          (func (export "f") (global.set $count (i32.const 100)) unreachable))""",
        kept=True,
    )
    assert [guest.run("count").ok() for _ in range(3)] == [1, 2, 3]
    assert guest.run("f").outcome is Outcome.TRAP
    assert guest.run("count").ok() == 1
    guest.close()


def test_the_runs_own_verdict_comes_first() -> None:
    """Why the host ended a guest is what the caller hears, not the trap that it ended by."""
    guest = Guest("(module)")
    run = guest.new_run()
    run.verdict = Verdict(Outcome.CANCELLED, "enough")
    trap = binding.trap_new(b"whatever", 8)
    with pytest.raises(GuestEnded) as caught:
        raise_ending(run, None, trap, PAGE)
    assert caught.value.verdict is run.verdict


def test_an_error_without_a_verdict_is_the_hosts() -> None:
    """What the engine reports beside traps is ours to explain: internal, with its text escaped and cut."""
    run = Guest("(module)").new_run()
    with pytest.raises(GuestEnded) as caught:
        raise_ending(run, binding.error_new(b"odd \x1b[31m" + b"x" * 5000), None, PAGE)
    verdict = caught.value.verdict
    assert verdict.outcome is Outcome.INTERNAL
    assert verdict.message.startswith(r"the engine reported: odd \x1b[31mxxx")
    assert len(verdict.message) < 1200


@pytest.mark.parametrize(("pages", "told"), [(33, True), (32, False)])
def test_a_trap_near_the_limit_tells_of_memory(pages: int, told: bool) -> None:  # noqa: FBT001
    """A refused grow shows as some trap: above half of the limit the message says where memory stood."""
    guest = Guest(
        f"""(module (memory (export "memory") 1)
          (func (export "f") (drop (memory.grow (i32.const {pages - 1})))
            (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))))""",
        memory_bytes=64 * PAGE,
    )
    ended = guest.run("f")
    assert ended.outcome is Outcome.TRAP
    assert ("its memory stood at 2 of 4 MiB: a refused grow is likely" in ended.message) == told


def test_a_backtrace_is_bounded_and_escaped() -> None:
    """Frames carry the guest's names: sixteen lines at most, each printable and short."""
    name = "\\1b[31m" + "x" * 500
    ended = Guest(f'(module (func $"{name}" (export "f") (call $"{name}")))').run("f")
    assert ended.verdict is not None
    lines = ended.verdict.backtrace.splitlines()
    assert 1 <= len(lines) <= 16
    assert all(line.isprintable() and len(line) < 260 for line in lines)
    assert r"\x1b[31m" in lines[0]


def test_fuel_that_runs_out() -> None:
    """A guest that uses all its fuel ends as such, a turn of its loop outside the bound; inside it ends well."""
    loop = """(module (func (export "f") (param $left i32)
      (loop (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if 0 (local.get $left)))))"""
    ended = Guest(loop, fuel=1_000_000).run("f", [100])
    assert ended.outcome is Outcome.SUCCESS
    assert ended.run is not None
    used = ended.run.fuel_used
    assert used is not None
    assert Guest(loop, fuel=used).run("f", [100]).outcome is Outcome.SUCCESS
    turn = used // 100
    short = Guest(loop, fuel=used - 2 * turn).run("f", [100])
    assert short.outcome is Outcome.FUEL_EXHAUSTED
    assert short.run is not None
    assert used - 3 * turn <= (short.run.fuel_used or 0) <= used
