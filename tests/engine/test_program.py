"""Modules as they are loaded and instantiated: exports, initializers, start functions, kept and fresh instances."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from infrafabric.engine import NoRoomError, load_program
from infrafabric.engine.engines import POOL_TABLE_ELEMENTS, engine_for
from infrafabric.engine.program import MAX_TABLE_ELEMENTS
from infrafabric.engine.settings import CodeKind
from infrafabric.errors import InvalidModule, ModuleTooLarge, Outcome, SwarmInitError
from infrafabric.testing import EMPTY, wat
from infrafabric.wasm import inspect_module
from tests.engine.driving import PAGE, Guest

# --- exports ---------------------------------------------------------------------------------------


def test_an_empty_module_loads_and_has_no_tasks() -> None:
    """Eight bytes are a module."""
    guest = Guest(EMPTY)
    guest.start()
    assert guest.runtime.program.tasks == {}


@pytest.mark.parametrize(
    "signature",
    [
        "(param v128)",
        "(result v128) (v128.const i64x2 0 0)",
        "(param externref)",
        "(result externref) (ref.null extern)",
        "(param funcref)",
        "(result funcref) (ref.null func)",
        "(param i32 i32 externref i32)",
        "(result i32 funcref) (i32.const 1) (ref.null func)",
    ],
)
def test_what_the_host_cannot_hold_is_no_task(signature: str) -> None:
    """Exports with vectors and references are never touched; their neighbours run."""
    guest = Guest(f'(module (func (export "odd") {signature}) (func (export "f") (result i32) (i32.const 7)))')
    guest.start()
    assert list(guest.runtime.program.tasks) == ["f"]
    assert guest.run("f").ok() == 7


@pytest.mark.parametrize(
    "text",
    [
        '(module (type $t (func)) (func (export "f") (param (ref null $t))))',
        '(module (type $s (struct)) (func (export "f") (param (ref null $s))))',
        '(module (func (export "f") (param anyref)))',
        "(module (memory i64 1))",
        "(module (memory 1) (memory 1))",
        "(module (memory 1 1 shared))",
        "(module (tag) (func (throw 0)))",
        "(module (func (return_call 0)))",
    ],
    ids=["typed reference", "struct", "anyref", "64-bit", "two memories", "shared", "exceptions", "tail call"],
)
def test_features_that_are_off_are_refused_not_fatal(text: str) -> None:
    """Modules of proposals that the engine does not run are refused with our error, and the process lives."""
    with pytest.raises(InvalidModule):
        Guest(text)
    assert Guest('(module (func (export "f") (result i32) (i32.const 7)))').run("f").ok() == 7


def test_names_of_the_runtime_are_no_tasks() -> None:
    """Underscored names, initialize and the allocator pair belong to the runtime; _start is a task."""
    guest = Guest(
        """(module (memory (export "memory") 1)
          (func (export "allocate") (param i32) (result i32) (i32.const 8)) (func (export "deallocate") (param i32))
          (func (export "initialize")) (func (export "_initialize")) (func (export "_secret")) (func (export "_start"))
          (func (export "work")) (global (export "number") i32 (i32.const 1)))"""
    )
    assert sorted(guest.runtime.program.tasks) == ["_start", "work"]


@pytest.mark.parametrize("name", ["", " ", "größe", "a.b", "x" * 4096, "new\nline", "\0"], ids=repr)
def test_any_name_can_be_a_task(name: str) -> None:
    """Export names are any text."""
    escaped = "".join(f"\\{byte:02x}" for byte in name.encode())
    assert Guest(f'(module (func (export "{escaped}") (result i32) (i32.const 7)))').run(name).ok() == 7


@pytest.mark.timing
def test_many_exports_load_and_run_fast() -> None:
    """Twenty thousand exports are planned once; each is looked up by name, and only the one that is called."""
    count = 20_000
    data = wat("(module " + " ".join(f'(func (export "f{index}"))' for index in range(count)) + ")")
    guest = Guest(data)
    started = time.perf_counter()
    again = Guest(data)  # compiled already: what is left is reading and planning
    guest.start()
    for index in range(0, count, 100):
        assert again.run(f"f{index}").outcome is Outcome.SUCCESS
    assert time.perf_counter() - started < 2.0


# --- what fits no slot of the pool -----------------------------------------------------------------


@pytest.mark.parametrize("functions", [100, 40_000])
def test_a_module_with_many_functions_in_tables_runs(functions: int) -> None:
    """What the engine keeps of an instance beside its memory fits a pool slot within the reader's bounds."""
    names = " ".join(f"$f{index}" for index in range(functions))
    guest = Guest(
        f"""(module {" ".join(f"(func $f{index})" for index in range(functions))} (elem declare func {names})
          (func (export "f") (result i32) (i32.const 7)))""",
        load_seconds=60,
    )
    assert guest.run("f").ok() == 7


@pytest.mark.parametrize(
    ("elements", "pooled"), [(POOL_TABLE_ELEMENTS, True), (POOL_TABLE_ELEMENTS + 1, False), (MAX_TABLE_ELEMENTS, False)]
)
def test_a_large_table_is_made_on_demand(elements: int, pooled: bool) -> None:  # noqa: FBT001
    """A table that fits no slot is no reason to refuse a module, up to a bound."""
    guest = Guest(f'(module (table {elements} funcref) (func (export "f") (result i32) (table.size)))')
    assert guest.run("f").ok() == elements
    if engine_for(guest.runtime.program.kind, pooled=True) is not None:
        assert guest.runtime.program.linked(pooled=True).engine.pooled is pooled


def test_a_table_beyond_the_bound_is_refused() -> None:
    """One element more than a table may have, and the message has both numbers."""
    with pytest.raises(ModuleTooLarge, match="a table of 1,000,001 elements; a table may have 1,000,000"):
        Guest(f"(module (table {MAX_TABLE_ELEMENTS + 1} funcref))")


def test_tables_grow_within_their_bound() -> None:
    """table.grow answers -1 beyond the bound, and takes no memory then."""
    guest = Guest(
        """(module (table 1 funcref) (func (export "f") (param i32) (result i32)
          (table.grow (ref.null func) (local.get 0))))"""
    )
    assert guest.run("f", [POOL_TABLE_ELEMENTS - 1]).ok() == 1
    assert guest.run("f", [POOL_TABLE_ELEMENTS]).ok() == -1


@pytest.mark.parametrize("kept", [False, True])
def test_memory_grows_within_its_bound(kept: bool) -> None:  # noqa: FBT001
    """memory.grow answers -1 beyond max_memory_mb, on either engine, and usage has the peak."""
    guest = Guest(
        """(module (memory (export "memory") 1) (func (export "f") (param i32) (result i32)
          (memory.grow (local.get 0))))""",
        memory_bytes=16 * PAGE,
        kept=kept,
    )
    assert guest.run("f", [16]).ok() == -1
    ended = guest.run("f", [15])
    assert ended.ok() == 1
    assert ended.run is not None
    assert ended.run.peak_memory_bytes == 16 * PAGE
    guest.close()


def test_four_gibibytes_can_be_granted() -> None:
    """The largest memory that a contract allows can be had, and the pool holds it."""
    guest = Guest(
        '(module (memory (export "memory") 1) (func (export "f") (result i32) (memory.grow (i32.const 65535))))',
        memory_bytes=4 << 30,
    )
    ended = guest.run("f")
    assert ended.ok() == 1
    assert ended.run is not None
    assert ended.run.peak_memory_bytes == 4 << 30


# --- start functions and initializers --------------------------------------------------------------

SPIN = "(loop (br 0))"


@pytest.mark.timing
@pytest.mark.parametrize(
    "text",
    [
        f"(module (func $s {SPIN}) (start $s))",
        f'(module (func (export "_initialize") {SPIN}))',
        f'(module (func (export "initialize") (result i32) {SPIN} unreachable))',
    ],
    ids=["start", "_initialize", "initialize"],
)
def test_an_endless_beginning_ends_at_the_deadline(text: str) -> None:
    """The probe's deadline covers everything that runs before a task."""
    guest = Guest(text)
    started = time.perf_counter()
    with pytest.raises(SwarmInitError, match="it did not finish within max_load_seconds"):
        guest.start(seconds=0.1)
    assert 0.09 <= time.perf_counter() - started < 1.0


@pytest.mark.timing
def test_a_tasks_deadline_covers_the_beginning() -> None:
    """A fresh instance whose start never ends costs the task its deadline, not more."""
    guest = Guest(f'(module (func $s {SPIN}) (start $s) (func (export "f")))')
    ended = guest.run("f", seconds=0.1)
    assert ended.outcome is Outcome.TIMEOUT
    assert 0.09 <= ended.seconds < 1.0


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("(module (func $s unreachable) (start $s))", "the guest gave up", None),
        ('(module (func (export "initialize") (result i32) (i32.const 3)))', "'initialize' answered 3", 3),
        ('(module (func (export "initialize") (result i32) (i32.const -1)))', "'initialize' answered -1", -1),
        ('(module (func (export "_initialize") unreachable))', "the guest gave up", None),
        ('(module (memory 1) (data (i32.const 65536) "x"))', "read or wrote outside its memory", None),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))", "a table index that does not exist", None),
        (
            """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (func $s (call $exit (i32.const 5))) (start $s))""",
            "the guest exited with code 5",
            5,
        ),
    ],
    ids=["start traps", "initialize fails", "negative", "_initialize traps", "data", "elements", "exit"],
)
def test_a_beginning_that_fails_refuses_the_load(text: str, said: str, code: int | None) -> None:
    """The load says why, with the guest's code where there is one."""
    guest = Guest(text)
    with pytest.raises(SwarmInitError) as caught:
        guest.start()
    assert str(caught.value).startswith("its first instance failed to start: ")
    assert said in str(caught.value)
    assert caught.value.init_code == code


def test_beginnings_run_once_each_in_order() -> None:
    """The start function, then _initialize, then initialize, in every fresh instance; a kept one has them once."""
    text = """(module (global $log (mut i32) (i32.const 0))
      (func $note (param i32)
        (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (local.get 0))))
      (func $start (call $note (i32.const 1))) (start $start)
      (func (export "_initialize") (call $note (i32.const 2)))
      (func (export "initialize") (result i32) (call $note (i32.const 3)) (i32.const 0))
      (func (export "log") (result i32) (call $note (i32.const 4)) (global.get $log)))"""
    fresh = Guest(text)
    fresh.start()
    assert [fresh.run("log").ok(), fresh.run("log").ok()] == [1234, 1234]
    kept = Guest(text, kept=True)
    kept.start()
    assert [kept.run("log").ok(), kept.run("log").ok()] == [1234, 12344]
    kept.close()


@pytest.mark.parametrize(
    ("export", "ran"),
    [
        ('(func (export "_initialize") (call $ran)) (func (export "_start"))', 0),
        ('(func (export "_initialize") (param i32) (call $ran))', 0),
        ('(func (export "initialize") (param i32) (result i32) (call $ran) (i32.const 0))', 0),
        ('(func (export "initialize") (call $ran))', 1),
        ('(func (export "_start") (call $ran))', 0),
    ],
    ids=["a command", "_initialize with parameters", "initialize with parameters", "initialize of ()", "_start"],
)
def test_what_is_no_initializer_is_not_run(export: str, ran: int) -> None:
    """Only functions of the right name and shape run at the beginning, and _start never."""
    guest = Guest(
        f"""(module (global $count (mut i32) (i32.const 0))
          (func $ran (global.set $count (i32.add (global.get $count) (i32.const 1))))
          {export} (func (export "count") (result i32) (global.get $count)))"""
    )
    guest.start()
    assert guest.run("count").ok() == ran


# --- sharing ---------------------------------------------------------------------------------------


def test_swarms_of_the_same_bytes_share_their_code() -> None:
    """One program for all contracts, gone with the last of them."""
    data = wat('(module (func (export "shared") (result i32) (i32.const 7)))')
    first, second = Guest(data), Guest(data, memory_bytes=PAGE)
    assert first.runtime.program is second.runtime.program
    metered = Guest(data, fuel=1000)
    assert metered.runtime.program is not first.runtime.program
    assert [guest.run("shared").ok() for guest in (first, second, metered)] == [7, 7, 7]


def test_one_load_compiles_for_all_that_wait() -> None:
    """Loads of the same bytes at once wait for one compilation and get the same program."""
    data = wat('(module (func (export "together") (result i32) (i32.const 7)))')
    info, programs = inspect_module(data), []

    def load() -> None:
        programs.append(load_program(info, data, fuel=False, deterministic=False, cache=None, timeout_seconds=20.0))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(programs) == 8
    assert len(set(map(id, programs))) == 1


def test_fresh_instances_share_nothing() -> None:
    """What a task leaves in memory, globals and tables is not there for the next one, in a slot used before."""
    guest = Guest(
        """(module (memory (export "memory") 1) (table 2 funcref) (elem declare func $f)
          (global $g (mut i64) (i64.const 5))
          (func $f (export "dirty")
            (memory.fill (i32.const 0) (i32.const 255) (i32.const 65536))
            (table.set (i32.const 1) (ref.func $f))
            (global.set $g (i64.const 6)))
          (func (export "look") (param i32) (result i64 i32 i64)
            (i64.load (local.get 0)) (ref.is_null (table.get (i32.const 1))) (global.get $g)))"""
    )
    for _ in range(50):
        guest.run("dirty").ok()
        for place in (0, 4096, 65528):
            assert guest.run("look", [place]).ok() == [0, 1, 5]


# --- slots -----------------------------------------------------------------------------------------


def test_every_ending_gives_its_slot_back() -> None:
    """Success, trap, refused start, expired deadline, cancelled before it began: the pool is as full as before."""
    engine = engine_for(CodeKind(), pooled=True)
    if engine is None or engine.slots is None:
        pytest.skip("no pool fits this process")
    guest = Guest('(module (func (export "f") (param i32) (if (local.get 0) (then unreachable))))')
    failing = Guest('(module (func $s unreachable) (start $s) (func (export "f")))')
    gc.collect()
    before = len(engine.slots)
    for _ in range(20):
        assert guest.run("f", [0]).outcome is Outcome.SUCCESS
        assert guest.run("f", [1]).outcome is Outcome.TRAP
        assert failing.run("f").outcome is Outcome.TRAP
        assert guest.run("f", [0], seconds=-1).outcome is Outcome.TIMEOUT
    assert len(engine.slots) == before


def test_an_exhausted_pool_is_no_failure() -> None:
    """When every slot is taken, instances are made on demand."""
    engine = engine_for(CodeKind(), pooled=True)
    if engine is None or engine.slots is None:
        pytest.skip("no pool fits this process")
    guest = Guest('(module (func (export "f") (result i32) (i32.const 7)))')
    taken = [engine.slots.pop() for _ in range(len(engine.slots))]
    try:
        assert guest.run("f").ok() == 7
    finally:
        engine.slots.extend(taken)
    assert guest.run("f").ok() == 7


def test_a_kept_instance_that_cannot_be_entered_any_more_is_replaced() -> None:
    """An expired task leaves the kept instance out: the next one starts anew."""
    guest = Guest(
        """(module (global $count (mut i32) (i32.const 0)) (func (export "count") (result i32)
          (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count)))""",
        kept=True,
    )
    assert guest.run("count").ok() == 1
    assert guest.run("count", seconds=-1).outcome is Outcome.TIMEOUT
    assert guest.run("count").ok() == 1
    guest.close()


# --- threads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stack_kib", "enters"), [(256, False), (1024, False), (2048, True), (8192, True)])
def test_a_thread_without_the_stack_does_not_enter(stack_kib: int, enters: bool) -> None:  # noqa: FBT001
    """A guest on a small stack would end the process: the engine refuses, for another thread to run it."""
    guest = Guest('(module (func $f (export "f") (call $f)))')
    seen: list[object] = []

    def work() -> None:
        try:
            seen.append(guest.run("f").outcome)
        except NoRoomError as error:
            seen.append(type(error))

    before = threading.stack_size(stack_kib * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert seen == [Outcome.TRAP if enters else NoRoomError]
