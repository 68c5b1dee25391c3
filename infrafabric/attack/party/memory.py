"""Guests that want more memory than they were granted, or memory that was somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.scene import Scene

_PAGE = 65536
_HIDDEN_PAGES = 200
_KEPT = {"execution": {"instance": "swarm"}}
#: Growing copies the memory where the address space is too small to reserve any.
_TIME = {"max_execution_time_seconds": 2}

_FILLS = """(module (memory (export "memory") 1)
  (func (export "fill") (result i32)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (memory.fill (i32.const 0) (i32.const 0xAA) (i32.mul (memory.size) (i32.const 65536)))
    (memory.size))
  (func (export "fill_and_trap") (drop (memory.grow (i32.const 255)))
    (memory.fill (i32.const 0) (i32.const 0xAA) (i32.mul (memory.size) (i32.const 65536))) (unreachable))
  (func (export "fill_and_spin") (drop (memory.grow (i32.const 255)))
    (memory.fill (i32.const 0) (i32.const 0xAA) (i32.mul (memory.size) (i32.const 65536))) (loop (br 0)))
  (func (export "dig") (result i64) (local $at i32) (local $found i64)
    (drop (memory.grow (i32.const 255)))
    (loop (local.set $found (i64.or (local.get $found) (i64.load (local.get $at))))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
        (i32.mul (memory.size) (i32.const 65536)))))
    (local.get $found)))"""


def _dig_in_other_slots(scene: Scene) -> Iterable[str]:
    for task in ("fill", "fill_and_trap", "fill_and_spin") * 2:
        scene.execute(task)
        for _ in range(3):
            found = scene.execute("dig")
            if found.status == "success" and found.output != 0:
                yield f"after {task} another instance found {found.output:#x} in its memory"


def _passive_segments(count: int, size: int) -> bytes:
    return binary.one_function(
        b"",
        before_code=binary.section(5, b"\x01" + binary.ONE_PAGE),
        after=binary.section(11, binary.repeated(count, b"\x01" + binary.leb(size) + b"\xaa" * size)),
    )


def _active_segments(count: int) -> bytes:
    return binary.one_function(
        b"",
        before_code=binary.section(5, b"\x01" + binary.ONE_PAGE),
        after=binary.section(11, binary.repeated(count, b"\x00\x41\x00\x0b\x01\xaa")),
    )


def _globals(count: int) -> bytes:
    return binary.one_function(b"", before_code=binary.section(6, binary.repeated(count, b"\x7e\x01\x42\x01\x0b")))


def _refused(name: str, tries: str, source: str, *load: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), load=load or ("invalid_module",))


def _is_measured(scene: Scene) -> Iterable[str]:
    peak = scene.results[0].usage.peak_memory_bytes
    if peak < _HIDDEN_PAGES * _PAGE:
        yield f"it used {_HIDDEN_PAGES * _PAGE:,} bytes of memory, and the usage says {peak:,}"


def _hoard(scene: Scene) -> Iterable[str]:
    peaks = [scene.execute("fill").usage.peak_memory_bytes for _ in range(3)]
    if max(peaks) > scene.contract.resource_limits.max_memory_bytes:
        yield f"kept instances grew to {max(peaks):,} bytes"


ATTACKS = group(
    "memory",
    Attack(
        name="grow-by-pages",
        tries="Grow page by page, touch each, and trap where no more is given.",
        module=text("""(module (memory 1) (func (export "run") (local i32)
          (loop (br_if 1 (i32.eq (i32.const -1) (local.tee 0 (memory.grow (i32.const 1)))))
            (i32.store (i32.mul (local.get 0) (i32.const 65536)) (i32.const 1)) (br 0)) (unreachable)))"""),
        calls=run("success", "trap"),
        limits=_TIME,
    ),
    Attack(
        name="grow-to-the-limit",
        tries="Take all memory that is granted, and write every byte.",
        module=text(_FILLS),
        calls=(Call(task="fill", output=497),),
        limits=_TIME,
    ),
    Attack(
        name="grow-beyond-the-limit",
        tries="Ask for one page more than is granted, and for all there could be.",
        module=text(
            """(module (memory 1) (func (export "run") (param i32) (result i32) (memory.grow (local.get 0))))"""
        ),
        calls=(
            Call(params=[511], output=1),
            Call(params=[512], output=-1),
            Call(params=[65535], output=-1),
            Call(params=[-1], output=-1),
            Call(params=[-(1 << 31)], output=-1),
        ),
    ),
    Attack(
        name="hidden-memory",
        tries="Grow a memory that is not exported, so that nobody sees how much is used.",
        module=text(f"""(module (memory 1) (func (export "run") (result i32)
          (drop (memory.grow (i32.const {_HIDDEN_PAGES - 1})))
          (memory.fill (i32.const 0) (i32.const 7) (i32.const {_HIDDEN_PAGES * _PAGE})) (memory.size)))"""),
        calls=run(output=_HIDDEN_PAGES),
        check=_is_measured,
    ),
    Attack(
        name="hoarding-kept-instance",
        tries="Grow a kept instance task by task.",
        module=text(_FILLS),
        contract=_KEPT,
        limits=_TIME,
        perform=_hoard,
    ),
    Attack(
        name="what-others-left",
        tries="Read what earlier tasks left in memory, whether they returned, trapped or were ended.",
        module=text(_FILLS),
        limits={"max_execution_time_seconds": 0.4, "max_cpu_percent": 100},
        perform=_dig_in_other_slots,
    ),
    _refused("many-memories", "Declare two memories.", "(module (memory 1) (memory 1))"),
    _refused("shared-memory", "Declare memory that threads share.", "(module (memory 1 2 shared))"),
    _refused("memory64", "Declare memory with 64-bit addresses.", "(module (memory i64 1))"),
    _refused("huge-minimum", "Declare 4 GiB of memory.", "(module (memory 65536))", "module_too_large"),
    _refused(
        "minimum-over-limit", "Declare one page more than is granted.", "(module (memory 513))", "module_too_large"
    ),
    Attack(
        name="minimum-at-limit",
        tries="Declare all that is granted, and ask for one page more.",
        module=text('(module (memory 512) (func (export "run") (result i32) (memory.grow (i32.const 1))))'),
        calls=run(output=-1),
    ),
    Attack(
        name="maximum-far-beyond",
        tries="Declare a maximum of 4 GiB and grow to it.",
        module=text('(module (memory 1 65536) (func (export "run") (result i32) (memory.grow (i32.const 65535))))'),
        calls=run(output=-1),
    ),
    Attack(
        name="one-byte-pages",
        tries="Declare memory with pages of one byte.",
        module=lambda: binary.module(binary.section(5, b"\x01\x08\x01\x00")),
        load=("invalid_module",),
    ),
    Attack(
        name="padded-grow",
        tries="Hide that memory grows behind an unusual encoding of memory.grow.",
        module=lambda: binary.one_function(
            b"\x41\x01\x40\x80\x00\x1a", before_code=binary.section(5, b"\x01" + binary.ONE_PAGE)
        ),
        load=("invalid_module",),
    ),
    Attack(
        name="data-of-twenty-megabytes",
        tries="Carry 20 MiB of data beside the memory that is counted.",
        module=lambda: _passive_segments(320, _PAGE),
        calls=run(),
        extra_memory_mib=160,
    ),
    Attack(
        name="hundred-thousand-segments",
        tries="Initialize memory from 100,000 data segments for each task.",
        module=lambda: _active_segments(100_000),
        calls=run() * 3,
    ),
    Attack(
        name="too-many-segments",
        tries="Declare 100,001 data segments.",
        module=lambda: _active_segments(100_001),
        load=("module_too_large",),
    ),
    Attack(
        name="segment-outside",
        tries="Initialize memory that is not there.",
        module=text('(module (memory 1) (data (i32.const 65535) "ab"))'),
        load=("init_failed",),
    ),
    Attack(
        name="segment-at-minus-one",
        tries="Initialize memory at the end of the address space.",
        module=text('(module (memory 1) (data (i32.const -1) "abcdefgh"))'),
        load=("init_failed",),
    ),
    Attack(
        name="million-globals",
        tries="Keep eight megabytes in a million globals.",
        module=lambda: _globals(1_000_000),
        load=("module_too_large",),
    ),
    Attack(
        name="most-globals",
        tries="Declare as many globals as are read.",
        module=lambda: _globals(20_000),
        calls=run() * 3,
    ),
)
