"""What guests may import: everything not granted is refused, all of it by name, with what would change it."""

from __future__ import annotations

import pytest

from infrafabric.engine import Grants, check_imports, verdicts
from infrafabric.engine.hostenv import ENV
from infrafabric.engine.wasi import INERT
from infrafabric.errors import ImportDenied, ModuleError
from infrafabric.testing import wat
from infrafabric.wasm import FuncType, inspect_module
from tests.engine.driving import Guest, memory_text

WASI = "wasi_snapshot_preview1"


def importing(*imports: tuple[str, str, str]) -> bytes:
    """A module with these imports: (module, name, description in text)."""
    lines = (
        f'(import "{memory_text(module.encode())}" "{memory_text(name.encode())}" {what})'
        for module, name, what in imports
    )
    return wat(f"(module {' '.join(lines)})")


def refused(*imports: tuple[str, str, str], grants: Grants | None = None) -> ImportDenied:
    """The refusal of a module with these imports."""
    with pytest.raises(ImportDenied) as caught:
        check_imports(inspect_module(importing(*imports)), grants or Grants())
    return caught.value


def signature_text(params: tuple[str, ...], results: tuple[str, ...]) -> str:
    """A function type in text."""
    return f"(func (param {' '.join(params)}) (result {' '.join(results)}))"


GRANTED = [
    *(("env", name, signature_text(*signature)) for name, forms in ENV.items() for signature in forms),
    *((WASI, name, signature_text(*function.signature)) for name, function in INERT.items()),
]


@pytest.mark.parametrize(("module", "name", "what"), GRANTED, ids=lambda value: str(value)[:40])
def test_everything_offered_links(module: str, name: str, what: str) -> None:
    """Each host function is granted by a contract that says nothing, and a module that imports it starts."""
    data = importing((module, name, what))
    check_imports(inspect_module(data), Grants())
    Guest(data).start()


# --- refused ---------------------------------------------------------------------------------------

VOID = "(func)"


@pytest.mark.parametrize(
    ("module", "name", "what", "reason"),
    [
        ("env", "read_file", "(func (param i32 i32) (result i32))", "no such host function exists"),
        ("env", "tcp_connect", "(func (param i32 i32) (result i32))", "no such host function exists"),
        ("host", "log", "(func (param i32 i32))", "no such host function exists"),
        ("env", "Log", "(func (param i32 i32))", "no such host function exists"),
        ("env ", "log", "(func (param i32 i32))", "no such host function exists"),
        ("", "", VOID, "no such host function exists"),
        ("env", "log\0", "(func (param i32 i32))", "no such host function exists"),
        ("env\0", "log", "(func (param i32 i32))", "no such host function exists"),
        ("\u0435nv", "log", "(func (param i32 i32))", "no such host function exists"),
        ("wasi_unstable", "fd_write", "(func (param i32 i32 i32 i32) (result i32))", "no such host function exists"),
        ("wasi", "thread-spawn", "(func (param i32) (result i32))", "no such host function exists"),
        (WASI, "path_open", "(func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))", "grant of files"),
        (WASI, "path_unlink_file", "(func (param i32 i32 i32) (result i32))", "grant of files"),
        (WASI, "fd_readdir", "(func (param i32 i32 i32 i64 i32) (result i32))", "grant of files"),
        (WASI, "sock_accept", "(func (param i32 i32 i32) (result i32))", "grant of network"),
        (WASI, "sock_recv", "(func (param i32 i32 i32 i32 i32 i32) (result i32))", "grant of network"),
        (WASI, "sock_send", "(func (param i32 i32 i32 i32 i32) (result i32))", "grant of network"),
        (WASI, "sock_shutdown", "(func (param i32 i32) (result i32))", "grant of network"),
        (WASI, "proc_raise", "(func (param i32) (result i32))", "grant of signals"),
        (WASI, "fd_spin", VOID, "WASI preview 1 has no such function"),
        ("env", "memory", "(memory 1)", "no memory is provided"),
        ("env", "table", "(table 1 funcref)", "no table is provided"),
        ("env", "log", "(global i32)", "no global is provided"),
        (WASI, "fd_write", "(memory 1)", "no memory is provided"),
        ("env", "log", VOID, "its signature is () -> (); offered: (i32, i32) -> () or (i32, i32, i32) -> ()"),
        ("env", "log", "(func (param i64 i64))", "its signature is (i64, i64) -> ()"),
        ("env", "log", "(func (param i32 i32) (result i32))", "its signature is (i32, i32) -> i32"),
        ("env", "log", "(func (param i32 i32 i32 i32))", "offered: "),
        ("env", "abort", VOID, "offered: (i32, i32, i32, i32) -> ()"),
        (WASI, "fd_write", VOID, "offered: (i32, i32, i32, i32) -> i32"),
        (WASI, "proc_exit", "(func (param i64))", "offered: (i32) -> ()"),
        ("env", "log", "(func (param v128))", "its signature is (v128) -> ()"),
        ("env", "log", "(func (param externref) (result funcref))", "its signature is (externref) -> funcref"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused(module: str, name: str, what: str, reason: str) -> None:
    """By name, kind and signature, before any engine sees the module: one that only looks like an offer is none."""
    error = refused((module, name, what))
    assert reason in str(error)
    assert len(error.imports) == 1
    assert "1 of its 1 imports are not granted" in str(error)


def test_all_refused_imports_are_named_at_once() -> None:
    """A module learns everything that is wrong in one go; granted ones are not listed."""
    error = refused(
        ("env", "read_file", VOID),
        ("env", "log", "(func (param i32 i32))"),
        ("env", "tcp_connect", VOID),
        (WASI, "path_open", VOID),
    )
    assert error.imports == ("env.read_file", "env.tcp_connect", f"{WASI}.path_open")
    assert str(error).startswith("3 of its 4 imports are not granted: env.read_file: no such host function exists (")
    assert "pass what it needs in the task's parameters" in str(error)


@pytest.mark.parametrize("count", [20, 21, 2000])
def test_a_long_list_is_shortened_in_the_message_only(count: int) -> None:
    """Twenty are spelled out; the error's ``imports`` has all of them."""
    error = refused(*(("env", f"f{index}", VOID) for index in range(count)))
    assert len(error.imports) == count
    assert ("and 1 more" in str(error)) == (count == 21)
    assert len(str(error)) < 6000


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred", r"env.\x1b[31mred"),
        ("a\nb", r"env.a\nb"),
        ("nul\0nul", r"env.nul\x00nul"),
        ("\u202e", r"env.\u202e"),
        ("x" * 4096, "env." + "x" * 196 + "... (4100 characters)"),
    ],
    ids=["terminal codes", "newline", "NUL", "bidi", "long"],
)
def test_names_are_escaped_and_cut(name: str, shown: str) -> None:
    """Import names are the guest's text: what is shown is printable and short, in the message and in the list."""
    error = refused(("env", name, VOID))
    assert error.imports == (shown,)
    assert shown in str(error)
    assert str(error).isprintable()
    (verdict,) = verdicts(inspect_module(importing(("env", name, VOID))), Grants())
    assert verdict.name == shown


def test_a_megabyte_name_is_refused_by_the_reader() -> None:
    """A name beyond the reader's bound does not even get here."""
    with pytest.raises(ModuleError):
        inspect_module(importing(("env", "x" * (1 << 20), VOID)))


def test_a_signature_of_a_thousand_parameters_is_cut() -> None:
    """Messages do not grow with the guest's types."""
    error = refused(*(("env", "log", f"(func (param {'i32 ' * 1000}))") for _ in range(20)))
    assert len(str(error)) < 20_000


# --- grants ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grants", "module", "name", "granted", "fix"),
    [
        (Grants(), "env", "log", True, ""),
        (Grants(log=False), "env", "log", False, "set permissions.log: true"),
        (Grants(log=False), "env", "abort", True, ""),
        (Grants(log=False), WASI, "fd_write", True, ""),
        (Grants(), WASI, "fd_write", True, ""),
        (Grants(wasi=False), WASI, "fd_write", False, "set permissions.wasi: inert"),
        (Grants(wasi=False), "env", "log", True, ""),
        (Grants(wasi=False), "env", "abort", True, ""),
    ],
)
def test_what_the_contract_turns_off(grants: Grants, module: str, name: str, granted: bool, fix: str) -> None:  # noqa: FBT001
    """Each permission turns off its own functions and nothing else, and the refusal names the line to change."""
    what = next(text for other, offered, text in GRANTED if (other, offered) == (module, name))
    (verdict,) = verdicts(inspect_module(importing((module, name, what))), grants)
    assert (verdict.granted, verdict.fix) == (granted, fix)
    if granted:
        check_imports(inspect_module(importing((module, name, what))), grants)
    else:
        assert fix in str(refused((module, name, what), grants=grants))


def test_power_is_not_granted_by_turning_anything_on() -> None:
    """What no contract can give is told as such, not with a permission to set."""
    (verdict,) = verdicts(inspect_module(importing((WASI, "path_open", VOID))), Grants(wasi=False))
    assert "which no contract can give in this process" in verdict.reason
    assert "permissions" not in verdict.fix


# --- twice -----------------------------------------------------------------------------------------


def test_the_same_import_twice_is_one() -> None:
    """Toolchains repeat imports: the same signature is fine."""
    data = importing(*(("env", "log", "(func (param i32 i32))"),) * 3)
    check_imports(inspect_module(data), Grants())
    Guest(data).start()


def test_one_name_with_two_signatures_is_refused() -> None:
    """Both forms of env.log are offered, but a module has to choose: one name is linked to one function."""
    error = refused(("env", "log", "(func (param i32 i32))"), ("env", "log", "(func (param i32 i32 i32))"))
    assert error.imports == ("env.log",)
    assert "it is imported with two signatures: (i32, i32) -> () before, (i32, i32, i32) -> () here" in str(error)


def test_the_offers_are_what_the_documentation_says() -> None:
    """Module env has log and abort only, and inert WASI none of what needs power."""
    assert {name: {str(FuncType(*form)) for form in forms} for name, forms in ENV.items()} == {
        "log": {"(i32, i32) -> ()", "(i32, i32, i32) -> ()"},
        "abort": {"(i32, i32, i32, i32) -> ()"},
    }
    assert not [name for name in INERT if name.startswith(("path_", "sock_", "fd_readdir", "proc_raise"))]
