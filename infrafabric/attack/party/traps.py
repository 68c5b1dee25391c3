"""Every trap that core WebAssembly can raise, in a task, at the start, and in a kept instance."""

from __future__ import annotations

from infrafabric.attack.attack import Attack, Call, group, text, trapped

#: name -> (code of the body, trap code)
_TRAPS = {
    "unreachable": ("(unreachable)", "unreachable_code_reached"),
    "division-by-zero": ("(drop (i32.div_s (i32.const 1) (global.get $zero)))", "integer_division_by_zero"),
    "remainder-by-zero": (
        "(drop (i64.rem_u (i64.const 1) (i64.extend_i32_u (global.get $zero))))",
        "integer_division_by_zero",
    ),
    "division-overflow": (
        "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (global.get $zero) (i32.const 1))))",
        "integer_overflow",
    ),
    "conversion-of-nan": ("(drop (i32.trunc_f64_s (f64.const nan)))", "bad_conversion_to_integer"),
    "conversion-overflow": ("(drop (i64.trunc_f64_u (f64.const 1e300)))", "integer_overflow"),
    "load-outside": ("(drop (i32.load (i32.const 65533)))", "memory_out_of_bounds"),
    "store-outside": ("(i64.store (i32.const 65536) (i64.const 1))", "memory_out_of_bounds"),
    "load-offset-wraps": ("(drop (i32.load8_u offset=0xffffffff (i32.const -1)))", "memory_out_of_bounds"),
    "vector-load-outside": ("(drop (v128.load (i32.const 65521)))", "memory_out_of_bounds"),
    "far-store": ("(i32.store offset=0x7fffffff (i32.const 0x7fffffff) (i32.const 1))", "memory_out_of_bounds"),
    "table-get-outside": ("(drop (table.get $t (i32.const -1)))", "table_out_of_bounds"),
    "table-set-outside": ("(table.set $t (i32.const 1) (ref.null func))", "table_out_of_bounds"),
    "table-init-outside": ("(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 9))", "table_out_of_bounds"),
    "table-copy-outside": ("(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))", "table_out_of_bounds"),
    "call-null": ("(call_indirect $t (type $f) (i32.const 0))", "indirect_call_to_null"),
    "call-outside": ("(call_indirect $t (type $f) (i32.const 7))", "table_out_of_bounds"),
}


def _module(code: str, how: str) -> str:
    return f"""(module (type $f (func)) (global $zero (mut i32) (i32.const 0)) (memory 1) (table $t 1 funcref)
      (func $other) (elem $e func $other) (func $trap {code}) {how})"""


def _traps(name: str, code: str, trap_code: str) -> Attack:
    call = Call(expect=("trap",), look=trapped(trap_code))
    return Attack(
        name=name,
        tries=f"Trap: {name.replace('-', ' ')}.",
        module=text(_module(code, '(export "run" (func $trap))')),
        calls=(call,) * 3,
    )


def _traps_at_start(name: str, code: str) -> Attack:
    return Attack(
        name=f"{name}-at-start",
        tries=f"Trap in the start function: {name.replace('-', ' ')}.",
        module=text(_module(code, "(start $trap)")),
        load=("init_failed",),
    )


def _traps_kept(name: str, code: str, trap_code: str) -> Attack:
    return Attack(
        name=f"{name}-kept",
        tries=f"Trap in a kept instance, twice: {name.replace('-', ' ')}.",
        module=text(_module(code, '(export "run" (func $trap)) (func (export "well") (result i32) (i32.const 1))')),
        contract={"execution": {"instance": "swarm"}},
        calls=(
            Call(task="well", output=1),
            Call(expect=("trap",), look=trapped(trap_code)),
            Call(task="well", output=1),
            Call(expect=("trap",), look=trapped(trap_code)),
            Call(task="well", output=1),
        ),
    )


_BY_SIGNAL = ("unreachable", "division-by-zero", "load-outside")

ATTACKS = group(
    "traps",
    *(_traps(name, code, trap_code) for name, (code, trap_code) in _TRAPS.items()),
    *(_traps_at_start(name, _TRAPS[name][0]) for name in _BY_SIGNAL),
    *(_traps_kept(name, *_TRAPS[name]) for name in _BY_SIGNAL),
    Attack(
        name="trap-storm",
        tries="Trap two hundred times in a row, by a fault of the processor each time.",
        module=text(_module(_TRAPS["load-outside"][0], '(export "run" (func $trap))')),
        calls=(Call(expect=("trap",), look=trapped("memory_out_of_bounds")),) * 200,
    ),
)
