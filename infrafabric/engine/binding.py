"""The engine's C functions, prepared once, with pointers as plain integers.

This is the only module that reaches below wasmtime-py's classes. The classes cost 13-57 us a call, keep
exceptions of host functions in one process-wide variable, and abort the process on types they cannot
hold; the same library called through `ctypes` with prepared arguments costs 0.2-1 us a call and does
none of that. In exchange the callers in this package keep three rules:

* an integer pointer is valid while its owner lives: a store belongs to one `Instance`, a module to one
  `Program`, an engine to the process;
* every number that crosses is validated before (the C side takes 64 bits and wraps);
* no signature is ever reflected through the library: `infrafabric.wasm` reads them from the bytes.

Rejected: the public classes with our own fixes around them (slower than the whole budget of a task), and
a compiled extension (it would need a toolchain on each platform for a few microseconds).
"""

from __future__ import annotations

import ctypes
from ctypes import c_bool, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

from wasmtime import _ffi

_library = _ffi.dll
#: The same library, called without giving up the GIL: for what takes less time than giving it up does.
_quick_library = ctypes.PyDLL(str(_ffi.filename))
#: What runs guests, compiles, or returns memory to the kernel: other threads go on meanwhile.
_LONG = frozenset(
    {
        "wasm_engine_new_with_config",
        "wasmtime_func_call_unchecked",
        "wasmtime_instance_pre_instantiate",
        "wasmtime_memory_grow",
        "wasmtime_module_delete",
        "wasmtime_module_deserialize",
        "wasmtime_module_new",
        "wasmtime_module_serialize",
        "wasmtime_store_delete",
    }
)


def _function(name: str, result: Any, *arguments: Any) -> Any:
    # Indexing makes a new function object, so these prototypes do not disturb the package's own.
    function = (_library if name in _LONG else _quick_library)[name]
    function.restype = result
    function.argtypes = arguments
    return function


# --- engines ---------------------------------------------------------------------------------------
config_new = _function("wasm_config_new", c_void_p)
config_delete = _function("wasm_config_delete", None, c_void_p)
engine_new_with_config = _function("wasm_engine_new_with_config", c_void_p, c_void_p)
#: The address of ``wasmtime_engine_increment_epoch``, for a kernel timer to call.
increment_epoch = _function("wasmtime_engine_increment_epoch", None, c_void_p)
increment_epoch_address = ctypes.cast(increment_epoch, c_void_p).value

pool_config_new = _function("wasmtime_pooling_allocation_config_new", c_void_p)
pool_config_delete = _function("wasmtime_pooling_allocation_config_delete", None, c_void_p)
pool_strategy_set = _function("wasmtime_pooling_allocation_strategy_set", None, c_void_p, c_void_p)


def config_set(config: int, name: str, value: Any) -> None:
    """Set one ``wasmtime_config_<name>_set`` option."""
    kind: Any = c_size_t if name == "max_wasm_stack" else c_uint64
    if isinstance(value, bool):
        kind = c_bool
    _function(f"wasmtime_config_{name}_set", None, c_void_p, kind)(config, value)


def pool_config_set(config: int, name: str, value: int) -> None:
    """Set one ``wasmtime_pooling_allocation_config_<name>_set`` option."""
    total = name.startswith(("total_", "max_memories", "max_tables", "max_unused"))
    _function(f"wasmtime_pooling_allocation_config_{name}_set", None, c_void_p, c_uint32 if total else c_size_t)(
        config, value
    )


# --- modules ---------------------------------------------------------------------------------------
module_new = _function("wasmtime_module_new", c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)
module_delete = _function("wasmtime_module_delete", None, c_void_p)
_module_serialize = _function("wasmtime_module_serialize", c_void_p, c_void_p, c_void_p)
module_deserialize = _function("wasmtime_module_deserialize", c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)

# --- linking ---------------------------------------------------------------------------------------
#: ``trap* callback(env, caller, wasmtime_val_raw_t* args_and_results, size_t)``
HOST_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_size_t)

linker_new = _function("wasmtime_linker_new", c_void_p, c_void_p)
linker_delete = _function("wasmtime_linker_delete", None, c_void_p)
linker_define = _function(
    "wasmtime_linker_define_func_unchecked",
    c_void_p,
    *(c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, HOST_CALLBACK, c_void_p, c_void_p),
)
linker_instantiate_pre = _function("wasmtime_linker_instantiate_pre", c_void_p, c_void_p, c_void_p, c_void_p)
instance_pre_delete = _function("wasmtime_instance_pre_delete", None, c_void_p)

_valtype_new = _function("wasm_valtype_new", c_void_p, c_uint8)
_valtype_vec_new = _function("wasm_valtype_vec_new", None, c_void_p, c_size_t, c_void_p)
_functype_new = _function("wasm_functype_new", c_void_p, c_void_p, c_void_p)
functype_delete = _function("wasm_functype_delete", None, c_void_p)
_VALUE_KINDS = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}


def functype_new(params: tuple[str, ...], results: tuple[str, ...]) -> int:
    """Make a function type from numeric value-type names; the caller deletes it."""
    vectors = []
    for names in (params, results):
        types = (c_void_p * len(names))(*(_valtype_new(_VALUE_KINDS[name]) for name in names))
        vector = _ffi.wasm_valtype_vec_t()
        _valtype_vec_new(ctypes.byref(vector), len(names), types)
        vectors.append(vector)
    functype: int = _functype_new(ctypes.byref(vectors[0]), ctypes.byref(vectors[1]))
    return functype


# --- stores and instances --------------------------------------------------------------------------
#: ``error* callback(context, data, uint64_t* delta, uint8_t* kind)``
EPOCH_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, ctypes.POINTER(c_uint64), ctypes.POINTER(c_uint8))

store_new = _function("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
store_context = _function("wasmtime_store_context", c_void_p, c_void_p)
store_delete = _function("wasmtime_store_delete", None, c_void_p)
store_limiter = _function("wasmtime_store_limiter", None, c_void_p, *[c_int64] * 5)
store_epoch_callback = _function("wasmtime_store_epoch_deadline_callback", None, *[c_void_p] * 4)
set_epoch_deadline = _function("wasmtime_context_set_epoch_deadline", None, c_void_p, c_uint64)
set_fuel = _function("wasmtime_context_set_fuel", c_void_p, c_void_p, c_uint64)
get_fuel = _function("wasmtime_context_get_fuel", c_void_p, c_void_p, c_void_p)
instantiate = _function("wasmtime_instance_pre_instantiate", *[c_void_p] * 5)
export_get = _function("wasmtime_instance_export_get", c_bool, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)
call_unchecked = _function("wasmtime_func_call_unchecked", *[c_void_p] * 4, c_size_t, c_void_p)
caller_context = _function("wasmtime_caller_context", c_void_p, c_void_p)
caller_export_get = _function("wasmtime_caller_export_get", c_bool, c_void_p, c_void_p, c_size_t, c_void_p)

memory_data = _function("wasmtime_memory_data", c_void_p, c_void_p, c_void_p)
memory_data_size = _function("wasmtime_memory_data_size", c_size_t, c_void_p, c_void_p)
memory_grow = _function("wasmtime_memory_grow", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p)

#: ``memchr``: the address of a byte, or None.
find_byte = ctypes.CDLL(None)["memchr"]
find_byte.restype, find_byte.argtypes = c_void_p, (c_void_p, ctypes.c_int, c_size_t)

InstanceStruct = _ffi.wasmtime_instance_t
ExternStruct = _ffi.wasmtime_extern_t
#: Where the function or memory lies inside an extern.
EXTERN_ITEM_OFFSET = ExternStruct.of.offset
EXTERN_FUNC = 0
EXTERN_MEMORY = 3
#: Bytes of one argument or result of `call_unchecked`.
RAW_VALUE_SIZE = ctypes.sizeof(_ffi.wasmtime_val_raw_t)

# --- endings ---------------------------------------------------------------------------------------
error_new = _function("wasmtime_error_new", c_void_p, c_void_p)
error_delete = _function("wasmtime_error_delete", None, c_void_p)
_error_message = _function("wasmtime_error_message", None, c_void_p, c_void_p)
trap_new = _function("wasmtime_trap_new", c_void_p, c_void_p, c_size_t)
trap_delete = _function("wasm_trap_delete", None, c_void_p)
_trap_message = _function("wasm_trap_message", None, c_void_p, c_void_p)
_trap_code = _function("wasmtime_trap_code", c_bool, c_void_p, c_void_p)
_byte_vec_delete = _function("wasm_byte_vec_delete", None, c_void_p)

#: Every trap code that the library declares, by number.
TRAP_CODES: dict[int, str] = {
    member.value: member.name.removeprefix("WASMTIME_TRAP_").removeprefix("CODE_").lower()
    for member in _ffi.wasmtime_trap_code_enum
}


def serialize(module: Any) -> bytes:
    """The code of a compiled module, as bytes."""
    vector = _ByteVec()
    error = _module_serialize(module, ctypes.byref(vector))
    if error:
        raise RuntimeError(take_error(error))
    code = ctypes.string_at(vector.data, vector.size)
    _byte_vec_delete(ctypes.byref(vector))
    return code


class _ByteVec(ctypes.Structure):
    _fields_ = (("size", c_size_t), ("data", c_void_p))


def _take_text(read: Any, pointer: int, limit_bytes: int) -> bytes:
    vector = _ByteVec()
    read(pointer, ctypes.byref(vector))
    text = ctypes.string_at(vector.data, min(vector.size, limit_bytes)) if vector.data else b""
    _byte_vec_delete(ctypes.byref(vector))
    return text


def take_error(error: int, limit_bytes: int = 4096) -> bytes:
    """The message of an error, cut at ``limit_bytes``; the error is freed."""
    try:
        return _take_text(_error_message, error, limit_bytes)
    finally:
        error_delete(error)


def take_trap(trap: int, limit_bytes: int = 4096) -> tuple[int | None, bytes]:
    """The code (None: no trap of the instruction set) and message of a trap; the trap is freed."""
    try:
        code = c_uint8()
        known = _trap_code(trap, ctypes.byref(code))
        return (code.value if known else None), _take_text(_trap_message, trap, limit_bytes).rstrip(b"\0")
    finally:
        trap_delete(trap)
