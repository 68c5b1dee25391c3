"""Guests that lie about addresses: allocators, answers and the vectors of system calls."""

from __future__ import annotations

from typing import Any

from infrafabric.attack.attack import ANYTHING, Attack, Call, group, text

_WASI = "wasi_snapshot_preview1"
_MAX = 0xFFFF_FFFF
_EFAULT, _EINVAL = 21, 28
_PARAMS = {"some": "parameters"}
_END = 65_536


def _allocates(name: str, tries: str, answer: str, *expect: str, output: Any = ANYTHING) -> Attack:
    """A guest whose allocator answers ``answer`` (code in text format), and whose task echoes its input."""
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (memory (export "memory") 1)
          (func (export "allocate") (param i32) (result i32) {answer})
          (func (export "run") (param i32 i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"""),
        calls=(Call(params=_PARAMS, expect=expect or ("invalid_result",), output=output),),
        limits={"max_execution_time_seconds": 2},
    )


def _answers(name: str, tries: str, pointer: int, length: int, *expect: str, output: Any = ANYTHING) -> Attack:
    """A guest that answers with this pointer and length."""
    packed = pointer << 32 | length
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (memory (export "memory") 1) (data (i32.const 65532) "1234")
          (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "run") (param i32 i32) (result i64) (i64.const {packed})))"""),
        calls=(Call(params=_PARAMS, expect=expect or ("invalid_result",), output=output),),
    )


def _answers_text(name: str, tries: str, pointer: int, *expect: str, output: Any = ANYTHING, size: int = 1) -> Attack:
    """A guest that answers with a pointer to NUL-terminated text."""
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (memory (export "memory") {size})
          (func $fill (memory.fill (i32.const 64) (i32.const 97) (i32.const {size * 65536 - 64})))
          (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "run") (param i32) (result i32) (call $fill) (i32.const {pointer})))"""),
        calls=(Call(params=_PARAMS, expect=expect or ("invalid_result",), output=output),),
    )


def _answers_length(name: str, tries: str, pointer: int, length: int, *expect: str, output: Any = ANYTHING) -> Attack:
    """A guest that stores a length and answers with a pointer."""
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (memory (export "memory") 1) (global $next (mut i32) (i32.const 1024))
          (func (export "allocate") (param i32) (result i32) (global.get $next)
            (global.set $next (i32.add (global.get $next) (local.get 0))))
          (func (export "run") (param i32 i32 i32) (result i32)
            (i32.store (local.get 2) (i32.const {length})) (i32.const {pointer})))"""),
        calls=(Call(params=_PARAMS, expect=expect or ("invalid_result",), output=output),),
    )


def _system_call(function: str, signature: str, *calls: tuple[str, int]) -> Attack:
    """A guest that makes system calls with wild addresses, each of which has to answer that error."""
    bodies = "".join(
        f'(func (export "t{index}") (result i32) (call $ask {arguments}))' for index, (arguments, _) in enumerate(calls)
    )
    return Attack(
        name=f"wild-{function.replace('_', '-')}",
        tries=f"Call {function} with addresses, counts and lengths that lie outside or wrap around.",
        module=text(f"""(module (import "{_WASI}" "{function}" (func $ask {signature}))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\00\\00\\00\\00\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\02\\00\\00\\00")
          {bodies})"""),
        calls=tuple(Call(task=f"t{index}", output=errno) for index, (_, errno) in enumerate(calls)),
    )


def _arguments(*values: int) -> str:
    return " ".join(f"(i32.const {value})" for value in values)


ATTACKS = group(
    "pointers",
    _allocates("allocator-null", "Have no memory for the parameters.", "(i32.const 0)", "memory_exceeded"),
    _allocates("allocator-outside", "Let the host write behind the memory.", "(i32.const 65536)"),
    _allocates("allocator-minus-one", "Let the host write at the last address there is.", "(i32.const -1)"),
    _allocates("allocator-negative", "Let the host write at a negative address.", "(i32.const -65536)"),
    _allocates("allocator-near-the-end", "Let the host write over the end.", "(i32.const 65530)"),
    _allocates(
        "allocator-unaligned", "Let the host write at an odd address.", "(i32.const 3)", "success", output=_PARAMS
    ),
    _allocates("allocator-traps", "Trap when asked for memory.", "(unreachable)", "trap"),
    _allocates(
        "allocator-exhausts",
        "Grow until nothing is left, then answer that nothing is left.",
        "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (i32.const 0)",
        "memory_exceeded",
    ),
    _allocates(
        "allocator-grows-first",
        "Answer with memory that was not there when it was asked.",
        "(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))",
        "success",
        output=_PARAMS,
    ),
    Attack(
        name="overwritten-input",
        tries="Overwrite the parameters where the host had to find a place for them.",
        module=text("""(module (memory (export "memory") 1) (func (export "run") (param i32 i32) (result i64)
          (memory.fill (local.get 0) (i32.const 0) (local.get 1)) (i64.const 0)))"""),
        calls=(Call(params=_PARAMS, expect=("invalid_result",)),),
    ),
    Attack(
        name="one-place-for-everything",
        tries="Answer with the same place for parameters and for the length of the answer.",
        module=text("""(module (memory (export "memory") 1)
          (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "run") (param i32 i32 i32) (result i32) (i32.const 8)))"""),
        calls=(Call(params=_PARAMS, expect=("invalid_result",)),),
    ),
    _answers("answer-outside", "Answer with bytes behind the memory.", _END, 1),
    _answers("answer-over-the-end", "Answer with bytes that end behind the memory.", _END - 4, 5),
    _answers("answer-at-the-end", "Answer with the last four bytes.", _END - 4, 4, "success", output=1234),
    _answers("answer-wrapping", "Answer with a pointer and a length whose sum wraps.", _MAX, 2),
    _answers("answer-of-four-gigabytes", "Answer with all addresses there are.", 0, _MAX),
    _answers("answer-of-all-ones", "Answer with minus one.", _MAX, _MAX),
    _answers(
        "answer-empty-outside", "Answer with nothing, at an address that is not there.", _MAX, 0, "success", output=""
    ),
    _answers("answer-over-payload", "Answer with more than max_payload_mb.", 0, (1 << 20) + 1),
    _answers_text("text-null", "Answer with a null pointer.", 0, "guest_error"),
    _answers_text("text-outside", "Answer with text behind the memory.", _END),
    _answers_text("text-minus-one", "Answer with text at the last address there is.", -1),
    _answers_text("text-without-end", "Answer with text that has no end.", 64),
    _answers_text("text-over-payload", "Answer with text of more than max_payload_mb.", 64, size=20),
    _answers_text("text-at-the-last-byte", "Answer with text that begins at the last byte.", _END - 1),
    _answers_length("length-outside", "Answer with a length that ends behind the memory.", 65_000, 537),
    _answers_length("length-minus-one", "Answer with a length of minus one.", 64, -1),
    _answers_length("length-at-minus-one", "Answer with a pointer of minus one.", -1, 1),
    _answers_length("length-null", "Answer with a null pointer and a length.", 0, 100, "guest_error"),
    _answers_length("length-zero-outside", "Answer with nothing behind the memory.", -1, 0),
    _system_call(
        "random_get",
        "(param i32 i32) (result i32)",
        (_arguments(65_535, 2), _EFAULT),
        (_arguments(-1, 1), _EFAULT),
        (_arguments(0, -1), _EFAULT),
        (_arguments(-1, -1), _EFAULT),
        (_arguments(0, 65_536), 0),
    ),
    _system_call(
        "fd_write",
        "(param i32 i32 i32 i32) (result i32)",
        (_arguments(1, 65_532, 1, 64), _EINVAL),
        (_arguments(1, 0, 1, 64), _EFAULT),
        (_arguments(1, 0, -1, 64), _EINVAL),
        (_arguments(1, 0, 0x2000_0000, 64), _EINVAL),
        (_arguments(1, 128, 1, -2), _EFAULT),
        (_arguments(-1, 0, 1, 64), 8),
    ),
    _system_call(
        "fd_read",
        "(param i32 i32 i32 i32) (result i32)",
        (_arguments(0, 65_532, 1, 64), _EINVAL),
        (_arguments(0, 0, -1, 64), _EINVAL),
        (_arguments(0, 128, 1, -1), _EFAULT),
    ),
    _system_call(
        "args_sizes_get",
        "(param i32 i32) (result i32)",
        (_arguments(65_533, 0), _EFAULT),
        (_arguments(0, -4), _EFAULT),
    ),
    _system_call(
        "poll_oneoff",
        "(param i32 i32 i32 i32) (result i32)",
        (_arguments(65_500, 0, 1, 0), _EFAULT),
        (_arguments(0, -1, 1, 0), _EFAULT),
        (_arguments(0, 256, 1, -1), _EFAULT),
        (_arguments(0, 256, 0, 0), _EINVAL),
        (_arguments(0, 256, -1, 0), _EINVAL),
        (_arguments(0, 256, 1025, 0), _EINVAL),
    ),
    _system_call(
        "clock_time_get",
        "(param i32 i64 i32) (result i32)",
        ("(i32.const 1) (i64.const 0) (i32.const 65529)", _EFAULT),
        ("(i32.const 99) (i64.const 0) (i32.const 0)", _EINVAL),
    ),
)
