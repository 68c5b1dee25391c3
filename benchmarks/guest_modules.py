"""The modules that are measured: the example guests, and some of a few lines for what a guest would blur."""

from __future__ import annotations

import functools
import random
from pathlib import Path

from wasmtime import wat2wasm

_GUESTS = Path(__file__).resolve().parents[1] / "guests"

_TEXTS = {
    # A memory, because every real guest has one, and a function that costs nothing.
    "nothing": '(module (memory (export "memory") 1) (func (export "run") (result i32) i32.const 0))',
    # Says "a line of thirty-two characters.." so many times.
    "talker": """(module
      (import "env" "log" (func $log (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 64) "a line of thirty-two characters!")
      (func (export "talk") (param $times i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $times)))
          (call $log (i32.const 64) (i32.const 32))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br $next)))))""",
    # The same through standard output: one fd_write of one line.
    "printer": """(module
      (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "\\40\\00\\00\\00\\21\\00\\00\\00")
      (data (i32.const 64) "a line of thirty-two characters!\\0a")
      (func (export "talk") (param $times i32)
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $times)))
          (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br $next)))))""",
    # Adds the eight-byte words of its input and answers {"sum":<16 hexadecimal digits as text>}.
    "summer": """(module
      (memory (export "memory") 1)
      (data (i32.const 0) "{\\22sum\\22:\\220000000000000000\\22}")
      (func (export "allocate") (param $size i32) (result i32)
        (local $missing i32)
        (local.set $missing (i32.sub
          (i32.shr_u (i32.add (local.get $size) (i32.const 132095)) (i32.const 16)) (memory.size)))
        (if (i32.gt_s (local.get $missing) (i32.const 0)) (then (drop (memory.grow (local.get $missing)))))
        (i32.const 1024))
      (func (export "deallocate") (param i32 i32))
      (func (export "run") (param $at i32) (param $size i32) (result i64)
        (local $end i32) (local $sum i64) (local $place i32)
        (local.set $end (i32.add (local.get $at) (local.get $size)))
        (block $done (loop $next
          (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $sum (i64.add (local.get $sum) (i64.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br $next)))
        (local.set $place (i32.const 23))
        (loop $digit
          (i32.store8 (local.get $place) (call $hex (i32.and (i32.wrap_i64 (local.get $sum)) (i32.const 15))))
          (local.set $sum (i64.shr_u (local.get $sum) (i64.const 4)))
          (local.set $place (i32.sub (local.get $place) (i32.const 1)))
          (br_if $digit (i32.gt_u (local.get $place) (i32.const 7))))
        (i64.const 26))
      (func $hex (param $digit i32) (result i32)
        (i32.add (local.get $digit)
          (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10))))))""",
    # Answers as many zeros as the eight bytes of its input say.
    "filler": """(module
      (memory (export "memory") 1)
      (func (export "allocate") (param i32) (result i32) i32.const 1024)
      (func (export "deallocate") (param i32 i32))
      (func (export "run") (param $at i32) (param $size i32) (result i64)
        (local $wanted i64) (local $missing i32)
        (local.set $wanted (i64.load (local.get $at)))
        (local.set $missing (i32.sub
          (i32.wrap_i64 (i64.shr_u (i64.add (local.get $wanted) (i64.const 132095)) (i64.const 16))) (memory.size)))
        (if (i32.gt_s (local.get $missing) (i32.const 0)) (then (drop (memory.grow (local.get $missing)))))
        (i64.or (i64.shl (i64.const 2048) (i64.const 32)) (local.get $wanted))))""",
    "filler-extism": """(module
      (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
      (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
      (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
      (memory (export "memory") 1)
      (func (export "run") (result i32)
        (local $wanted i64)
        (local.set $wanted (call $input_load_u64 (i64.const 0)))
        (call $output_set (call $alloc (local.get $wanted)) (local.get $wanted))
        (i32.const 0)))""",
    # The same for extism, whose guests fetch their input from the host eight bytes at a time.
    "summer-extism": """(module
      (import "extism:host/env" "input_length" (func $input_length (result i64)))
      (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
      (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
      (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
      (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
      (memory (export "memory") 1)
      (data (i32.const 0) "{\\22sum\\22:\\220000000000000000\\22}")
      (func (export "run") (result i32)
        (local $at i64) (local $end i64) (local $sum i64) (local $place i32) (local $reply i64)
        (local.set $end (call $input_length))
        (block $done (loop $next
          (br_if $done (i64.ge_u (local.get $at) (local.get $end)))
          (local.set $sum (i64.add (local.get $sum) (call $input_load_u64 (local.get $at))))
          (local.set $at (i64.add (local.get $at) (i64.const 8)))
          (br $next)))
        (local.set $place (i32.const 23))
        (loop $digit
          (i32.store8 (local.get $place) (call $hex (i32.and (i32.wrap_i64 (local.get $sum)) (i32.const 15))))
          (local.set $sum (i64.shr_u (local.get $sum) (i64.const 4)))
          (local.set $place (i32.sub (local.get $place) (i32.const 1)))
          (br_if $digit (i32.gt_u (local.get $place) (i32.const 7))))
        (local.set $reply (call $alloc (i64.const 26)))
        (local.set $place (i32.const 0))
        (loop $copy
          (call $store_u8 (i64.add (local.get $reply) (i64.extend_i32_u (local.get $place)))
            (i32.load8_u (local.get $place)))
          (local.set $place (i32.add (local.get $place) (i32.const 1)))
          (br_if $copy (i32.lt_u (local.get $place) (i32.const 26))))
        (call $output_set (local.get $reply) (i64.const 26))
        (i32.const 0))
      (func $hex (param $digit i32) (result i32)
        (i32.add (local.get $digit)
          (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10))))))""",
}


#: A function of about a hundred bytes.
_FUNCTION = """(func (export "f{number}") (param $x i64) (result i64) (local $i i32)
  (loop $again
    (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const {number}442695040)))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 29))))
    (if (i64.eqz (i64.rem_u (local.get $x) (i64.const 1{number}7))) (then (return (local.get $x))))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
  (local.get $x))"""


@functools.cache
def of_functions(count: int) -> bytes:
    """A module of so many different functions, and one that does nothing."""
    functions = "".join(_FUNCTION.replace("{number}", str(number)) for number in range(count))
    return bytes(wat2wasm(f'(module (memory (export "memory") 1) (func (export "run")) {functions})'))


@functools.cache
def module(name: str) -> bytes:
    """The bytes of one of the modules above, of an example guest, or of "functions-N"."""
    if name.startswith("functions-"):
        return of_functions(int(name.removeprefix("functions-")))
    text = _TEXTS.get(name)
    return bytes(wat2wasm(text)) if text is not None else (_GUESTS / name / f"{name}.wasm").read_bytes()


def distinct(wasm: bytes, number: int) -> bytes:
    """The same module with other bytes, so that no cache knows it: a custom section with a number is added."""
    content = b"\x01n" + number.to_bytes(8, "little")
    return wasm + bytes((0, len(content))) + content


def payload(kind: str, size: int) -> bytes:
    """Input of exactly ``size`` bytes: "lines" of text, "json", a list of small objects, or "noise"."""
    if kind == "noise":
        return random.Random(size).randbytes(size)  # noqa: S311 - nothing secret
    if kind == "lines":
        line = b"a line of text that somebody wrote, and somebody has to read\n"
        return (line * (size // len(line) + 1))[:size]
    item = b'{"name": "a swarm", "size": 12345, "share": 0.25, "tags": ["fast", "small"], "loaded": true},\n'
    items = item * ((size - 4) // len(item))
    return b"[" + items.rstrip(b",\n") + b" " * (size - 2 - len(items.rstrip(b",\n"))) + b"]"
