"""Modules that are too much of something: exports, imports, types, sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.scene import Scene

_FUNCTION_IMPORT = b"\x00\x00"


def _exports(count: int) -> bytes:
    return binary.one_function(b"", exports=[binary.export("run"), *(binary.export(f"f{i}") for i in range(count - 1))])


def _exports_of_wide_signature(count: int, width: int) -> bytes:
    """One function of ``width`` parameters and results under so many names."""
    wide = binary.I32 * width
    own = b"".join(b"\x20" + binary.leb(i) for i in range(width))
    names = [binary.export("run"), *(binary.export(f"f{i}") for i in range(count - 1))]
    return binary.one_function(own, params=wide, results=wide, exports=names)


def _exports_of_named_parameters(count: int, width: int, length: int) -> bytes:
    """One function whose parameters have long names, exported under so many names."""
    names = [binary.export("run"), *(binary.export(f"f{i}") for i in range(count - 1))]
    parameters = binary.parameter_names(0, (f"p{i}_".ljust(length, "x") for i in range(width)))
    return binary.one_function(b"", params=binary.I32 * width, exports=names, after=parameters)


def _imports(count: int, module: str, name: str) -> bytes:
    entries = binary.repeated(count, binary.imported(module, name, _FUNCTION_IMPORT))
    return binary.module(
        binary.section(1, binary.vector([binary.signature(binary.I32 * 2)])), binary.section(2, entries)
    )


def _types(count: int, params: int) -> bytes:
    return binary.module(binary.section(1, binary.repeated(count, binary.signature(binary.I32 * params))))


def _customs(count: int, name: str, size: int) -> bytes:
    return binary.one_function(b"", after=binary.custom(name, b"x" * size) * count)


def _of_size(size_bytes: int) -> bytes:
    """A module of exactly so many bytes."""
    shortest = len(_customs(1, "x", size_bytes)) - size_bytes
    return _customs(1, "x", size_bytes - shortest)


def _refused(name: str, tries: str, build: Callable[[], bytes], *load: str) -> Attack:
    return Attack(name=name, tries=tries, module=build, load=load or ("module_too_large",))


def _unknown_task_is_told_shortly(scene: Scene) -> Iterable[str]:
    result = scene.execute("no-such-task")
    if result.status != "unknown_task":
        yield f"a task that is not there ended as {result.status}"


ATTACKS = group(
    "floods",
    _refused("too-many-exports", "Export 20,001 names.", lambda: _exports(20_001)),
    Attack(
        name="most-exports",
        tries="Export as many names as are read.",
        module=lambda: _exports(20_000),
        calls=(*run() * 3, Call(task="f19998")),
        perform=_unknown_task_is_told_shortly,
    ),
    Attack(
        name="exports-of-wide-signature",
        tries="Export a function of many parameters and results under 20,000 names.",
        module=lambda: _exports_of_wide_signature(20_000, 22),
        calls=(Call(params=list(range(22)), output=list(range(22))),),
        limits={"max_load_seconds": 5},
    ),
    Attack(
        name="exports-of-named-parameters",
        tries="Export a function with long parameter names under 20,000 names.",
        module=lambda: _exports_of_named_parameters(20_000, 44, 400),
        calls=(Call(params=[1] * 44),),
        limits={"max_load_seconds": 5},
    ),
    _refused("too-many-imports", "Import 2,001 functions.", lambda: _imports(2_001, "env", "log")),
    Attack(
        name="most-imports",
        tries="Import env.log 2,000 times.",
        module=lambda: _imports(2_000, "env", "log"),
    ),
    _refused(
        "denied-imports",
        "Import 2,000 functions that do not exist, under long names.",
        lambda: _imports(2_000, "env", "x" * 2_000),
        "import_denied",
    ),
    _refused("too-many-types", "Declare 100,001 types.", lambda: _types(100_001, 0)),
    _refused("wide-types", "Declare 1,000 types of a thousand parameters.", lambda: _types(1_000, 1_000)),
    Attack(name="most-types", tries="Declare as many types as are read.", module=lambda: _types(100_000, 4)),
    _refused("too-many-sections", "Append 1,001 custom sections.", lambda: _customs(1_001, "x", 1)),
    Attack(
        name="large-custom-sections",
        tries="Append 32 MiB of custom sections.",
        module=lambda: _customs(32, "junk", 1 << 20),
        calls=run(),
        extra_memory_mib=256,
    ),
    Attack(
        name="over-module-limit",
        tries="Be one byte larger than max_module_mb allows.",
        module=lambda: _of_size((1 << 20) + 1),
        load=("module_too_large",),
        limits={"max_module_mb": 1},
    ),
    Attack(
        name="at-module-limit",
        tries="Be exactly as large as max_module_mb allows.",
        module=lambda: _of_size(1 << 20),
        calls=run(),
        limits={"max_module_mb": 1},
    ),
)
