"""Answers that are bombs: too large, too deep, or made to hurt whoever decodes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infrafabric.attack import binary
from infrafabric.attack.attack import ANYTHING, Attack, Call, group, run, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.chassis import TaskResult

_MIB = 1 << 20
#: The answer lies behind the place for the input.
_AT = 64


def answering(data: bytes) -> bytes:
    """A module whose task ``run`` answers with these bytes."""
    pages = -(-(_AT + len(data)) // 65536)
    packed = _AT << 32 | len(data)
    reply = b"\x42" + _signed(packed)
    return binary.module(
        binary.section(1, binary.vector([binary.signature(b"\x7f", b"\x7f"), binary.signature(b"\x7f\x7f", b"\x7e")])),
        binary.section(3, b"\x02\x00\x01"),
        binary.section(5, b"\x01\x00" + binary.leb(pages)),
        binary.section(
            7,
            binary.vector(
                [binary.export("allocate"), binary.export("run", 1), binary.export("memory", 0, binary.MEMORY)]
            ),
        ),
        binary.section(10, binary.vector([binary.body(b"\x41\x08"), binary.body(reply)])),
        binary.section(11, b"\x01\x00\x41" + _signed(_AT) + b"\x0b" + binary.name(data)),
    )


def _signed(number: int) -> bytes:
    """A positive number as signed LEB128."""
    out = bytearray()
    while number > 0x3F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _answers(
    name: str,
    tries: str,
    data: Callable[[], bytes],
    *expect: str,
    returns: str = "auto",
    look: Callable[[TaskResult], Iterable[str]] | None = None,
    output: Any = ANYTHING,
) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=lambda: answering(data()),
        calls=(Call(params="", expect=expect or ("success",), look=look, output=output),) * 3,
        contract={"tasks": {"run": {"abi": "buffer", "returns": returns}}},
        limits={"max_execution_time_seconds": 1, "max_cpu_percent": 100},
        extra_memory_mib=256,
    )


def _of_type(kind: type) -> Callable[[TaskResult], Iterable[str]]:
    def look(result: TaskResult) -> Iterable[str]:
        if not isinstance(result.output, kind):
            yield f"it was read as {type(result.output).__name__}, expected {kind.__name__}"

    return look


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _fill(unit: bytes, begin: bytes = b"[", end: bytes = b"0]") -> bytes:
    """As many units as a mebibyte holds."""
    return begin + unit * ((_MIB - len(begin) - len(end)) // len(unit)) + end


def _keys() -> bytes:
    data = json.dumps({f"k{i}": 0 for i in range(80_000)}, separators=(",", ":")).encode()
    return data if len(data) <= _MIB else data[:0]


ATTACKS = group(
    "results",
    _answers("json-of-lists", "Answer with a mebibyte of empty lists.", lambda: _fill(b"[],"), look=_of_type(list)),
    _answers("json-of-objects", "Answer with a mebibyte of empty objects.", lambda: _fill(b"{},"), look=_of_type(list)),
    _answers("json-of-numbers", "Answer with a mebibyte of digits.", lambda: _fill(b"1,"), look=_of_type(list)),
    _answers("json-of-fractions", "Answer with a mebibyte of fractions.", lambda: _fill(b"1e9,"), look=_of_type(list)),
    _answers("json-of-keys", "Answer with an object of 80,000 keys.", _keys, look=_of_type(dict)),
    _answers(
        "json-of-escapes",
        "Answer with a mebibyte of escapes.",
        lambda: _fill(b"\\u0041", b'"', b'"'),
        look=_of_type(str),
    ),
    _answers(
        "json-of-lists-in-strings",
        "Hide a mebibyte of brackets in a string.",
        lambda: _fill(b"[", b'"', b'"'),
        look=_of_type(str),
    ),
    _answers("json-bottomless", "Answer with a mebibyte of opening brackets.", lambda: b"[" * _MIB, look=_of_type(str)),
    _answers("json-as-deep-as-read", "Nest 64 lists.", lambda: _nested(64), look=_of_type(list)),
    _answers("json-deeper", "Nest 65 lists.", lambda: _nested(65), look=_of_type(str)),
    _answers(
        "json-deep-behind-a-string",
        "Nest 100,000 lists behind a string of closing brackets.",
        lambda: b'["' + b"]" * 100_000 + b'",' + _nested(100_000) + b"]",
        look=_of_type(str),
    ),
    _answers(
        "json-deep-behind-escapes",
        "Nest 100,000 lists behind quotes and backslashes.",
        lambda: b'["\\\\\\"]]",' + _nested(100_000) + b"]",
        look=_of_type(str),
    ),
    _answers(
        "json-over-its-size",
        "Answer with one byte more JSON than is read.",
        lambda: b"[" + b" " * (_MIB - 1) + b"]",
        "invalid_result",
        returns="bytes",
    ),
    _answers("json-long-number", "Answer with a number of 401 digits.", lambda: b"9" * 401, look=_of_type(str)),
    _answers("json-longest-number", "Answer with a number of 400 digits.", lambda: b"9" * 400, output=int("9" * 400)),
    _answers(
        "json-million-digits", "Answer with a number of a million digits.", lambda: b"9" * 1_000_000, look=_of_type(str)
    ),
    _answers("json-infinity", "Answer with a number beyond all floats.", lambda: b"1e999", look=_of_type(str)),
    _answers("json-nan", "Answer with NaN.", lambda: b"[NaN, Infinity]", look=_of_type(str)),
    _answers("json-duplicate-keys", "Answer with a key twice.", lambda: b'{"a": 1, "a": 2}', look=_of_type(str)),
    _answers(
        "json-half-a-surrogate", "Answer with half of a surrogate pair.", lambda: b'"\\ud800"', look=_of_type(str)
    ),
    _answers(
        "json-demanded",
        "Answer with no JSON where JSON was promised.",
        lambda: b'{"a": 1, "a": 2}',
        "invalid_result",
        returns="json",
    ),
    _answers(
        "text-demanded",
        "Answer with no UTF-8 where text was promised.",
        lambda: b"\xff\xfe",
        "invalid_result",
        returns="text",
    ),
    _answers("number-demanded", "Answer with a list where a number was promised.", lambda: b"[1]", returns="number"),
    _answers("largest-answer", "Answer with exactly max_payload_mb.", lambda: b"\xff" * _MIB, look=_of_type(bytes)),
    _answers(
        "larger-answer",
        "Answer with one byte more than max_payload_mb.",
        lambda: b"\xff" * (_MIB + 1),
        "invalid_result",
    ),
    Attack(
        name="numbers-that-are-none",
        tries="Return what JSON has no word for.",
        module=text("""(module (func (export "run") (result f64 f64 f32 i64)
          (f64.const nan:0x8000000000001) (f64.const -inf) (f32.const nan) (i64.const 0x8000000000000000)))"""),
        calls=run(),
    ),
    Attack(
        name="output-over-payload",
        tries="Write one byte more output than max_payload_mb.",
        module=text("""(module
          (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2) (data (i32.const 4) "\\00\\00\\01\\00") (data (i32.const 20) "\\01\\00\\00\\00")
          (func (export "_start") (local i32)
            (loop (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
              (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 16))))
            (drop (call $w (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 64)))))"""),
        calls=(Call(task="_start", expect=("invalid_result",)),),
    ),
)
