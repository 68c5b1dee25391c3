"""The engine is the judge: what it accepts is read here with the same names and signatures, and mutants never break us.

The engine's own type reflection aborts the process on some types, so only signatures made of numbers are compared
with it; names are compared always.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from wasmtime import Config, Engine, FuncType, Module, wat2wasm

from infrafabric.errors import InvalidModule, ModuleTooLarge
from infrafabric.wasm import FuncType as Signature
from infrafabric.wasm import ModuleInfo, inspect_module
from tests.wasm.encoding import name, section

ROOT = Path(__file__).parents[2]
MUTANTS = 500

SOURCES = {
    "functions": """(module $m
        (import "env" "log" (func $log (param $ptr i32) (param $len i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1 4)
        (global $heap (export "__heap_base") i32 (i32.const 1024))
        (func (export "allocate") (param $size i32) (result i32) (global.get $heap))
        (func (export "count_lines") (param $ptr i32) (param $len i32) (result i32) (i32.const 3))
        (func (export "mean") (param f64 f64) (result f64)
          (f64.div (f64.add (local.get 0) (local.get 1)) (f64.const 2)))
        (func (export "wide") (param i64) (result i64 f32) (local.get 0) (f32.const 1))
        (data (i32.const 16) "hello") (data "passive"))""",
    "tables": """(module
        (type $unary (func (param i32) (result i32)))
        (table $t (export "table") 4 8 funcref) (table 1 externref)
        (global (mut i32) (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
        (func $one (type $unary) (local.get 0)) (func $two (type $unary) (i32.const 2))
        (func $start) (start $start)
        (elem (i32.const 0) $one $two) (elem func $one) (elem declare func $two)
        (elem (table $t) (offset (i32.const 2)) funcref (ref.func $one) (ref.null func))
        (func (export "call") (param i32 i32) (result i32)
          (call_indirect (type $unary) (local.get 0) (local.get 1))))""",
    "collected": """(module
        (rec (type $node (sub (struct (field (mut i32)) (field (ref null $node)))))
             (type $leaf (sub final $node (struct (field (mut i32)) (field (ref null $node)) (field i8)))))
        (type $bytes (array (mut i8)))
        (type $visit (func (param (ref null $node)) (result anyref)))
        (global $root (export "root") (ref $node) (struct.new $node (i32.const 1) (ref.null $node)))
        (global (ref $bytes) (array.new_fixed $bytes 2 (i32.const 1) (i32.const 2)))
        (global i31ref (ref.i31 (i32.const 3)))
        (table 2 (ref func) (ref.func $f))
        (func $f (export "visit") (type $visit) (local.get 0))
        (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))""",
    "memories": """(module
        (import "env" "shared" (memory 1 2 shared))
        (memory (export "big") i64 1 100) (memory (export "small") 3 (pagesize 1))
        (table i64 1 funcref)
        (data (memory 1) (i64.const 0) "x")
        (func (export "size") (result i64) (memory.size 1)))""",
    "exceptions": """(module
        (import "env" "failure" (tag $failure (param i32)))
        (tag $own (export "own") (param i64 f32))
        (func (export "run") (param v128 exnref) (result i32)
          (block $caught (result i32)
            (try_table (catch $failure $caught) (throw $failure (i32.const 1)))
            (i32.const 0))))""",
    "empty": "(module)",
}
CORPUS = {title: bytes(wat2wasm(source)) for title, source in SOURCES.items()}
CORPUS["produced"] = CORPUS["functions"] + section(
    0, name("producers") + b"\x01" + name("language") + b"\x01" + name("Rust") + name("1.63")
)
GUESTS = sorted(ROOT.glob("guests/**/*.wasm"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with every proposal on that it knows, to accept as much as it can."""
    config = Config()
    for feature in (
        "wasm_gc",
        "wasm_function_references",
        "wasm_exceptions",
        "wasm_memory64",
        "wasm_multi_memory",
        "wasm_custom_page_sizes",
        "wasm_threads",
        "shared_memory",
    ):
        setattr(config, feature, True)
    config.cranelift_opt_level = "none"
    return Engine(config)


def _agrees(engine: Engine, data: bytes) -> bool | None:
    """True when both accept, False when the engine refuses; fails where the engine accepts what is refused here."""
    read: ModuleInfo | Exception
    try:
        read = inspect_module(data)
    except (InvalidModule, ModuleTooLarge) as error:
        read = error
    if not data.startswith(b"\0asm\x01\0\0\0"):
        return False  # the engine would read other bytes as text
    try:
        Module.validate(engine, data)
    except Exception:  # noqa: BLE001 (the binding's errors have no common root)
        return False
    assert isinstance(read, ModuleInfo), f"the engine accepts {data.hex()}: {read}"
    module = Module(engine, data)
    assert [item.name for item in read.exports] == [item.name for item in module.exports]
    assert [(item.module, item.name) for item in read.imports] == [(item.module, item.name) for item in module.imports]
    return True


@pytest.mark.parametrize("title", CORPUS)
def test_reads_what_the_engine_accepts(engine: Engine, title: str) -> None:
    """Every module of the corpus is accepted by both, with the same names."""
    assert _agrees(engine, CORPUS[title])


@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.name)
def test_reads_every_example_guest(engine: Engine, path: Path) -> None:
    """So is everything that real toolchains made."""
    assert _agrees(engine, path.read_bytes())


@pytest.mark.parametrize("title", ["functions", "tables"])
def test_signatures_are_the_engines(engine: Engine, title: str) -> None:
    """Parameters and results of every function made of numbers are what the engine says."""
    info = inspect_module(CORPUS[title])
    compared = 0
    for ours, theirs in zip(info.exports, Module(engine, CORPUS[title]).exports, strict=True):
        if isinstance(ours.type, Signature) and ours.type.callable_from_host:
            assert isinstance(theirs.type, FuncType)
            assert ours.type.params == tuple(str(param) for param in theirs.type.params)
            assert ours.type.results == tuple(str(result) for result in theirs.type.results)
            compared += 1
    assert compared >= 1


def _mutate(data: bytes, dice: random.Random) -> bytes:
    """``data`` with one to three small damages, as in a bad copy or a careful attack."""
    damaged = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(min(8, len(damaged)), len(damaged) + 1) if dice.random() < 0.97 else dice.randrange(8)
        kind = dice.randrange(7)
        if kind == 0:
            damaged[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            damaged[at : at + 1] = dice.choice((b"\0", b"\x01", b"\x0b", b"\x40", b"\x7b", b"\x7f", b"\x80", b"\xff"))
        elif kind == 2 and at < len(damaged):
            damaged[at] ^= 1 << dice.randrange(8)
        elif kind == 3:
            del damaged[at : at + dice.randrange(1, 4)]
        elif kind == 4:
            damaged[at:at] = dice.randbytes(dice.randrange(1, 4))
        elif kind == 5:
            source = dice.randrange(len(damaged) + 1)
            damaged[at:at] = damaged[source : source + dice.randrange(1, 12)]
        else:
            damaged[at : at + 1] = dice.choice((b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x00", b"\x80\0"))
    return bytes(damaged[: dice.randrange(len(damaged) + 1)] if dice.random() < 0.05 else damaged)


@pytest.mark.parametrize("title", [title for title in CORPUS if title != "empty"])
def test_mutants_are_read_or_refused_as_the_engine_does(engine: Engine, title: str) -> None:
    """No damage gets anything out of the reader but a record or an error, and it refuses nothing the engine takes."""
    dice = random.Random(title)  # noqa: S311 (a seed that repeats)
    verdicts = [_agrees(engine, _mutate(CORPUS[title], dice)) for _ in range(MUTANTS)]
    assert verdicts.count(True) >= MUTANTS // 50, "too few mutants were valid for this to mean anything"
    assert verdicts.count(False) >= MUTANTS // 10, "too few mutants were damaged for this to mean anything"
