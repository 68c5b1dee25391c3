"""``scalar``: numbers cross unchanged or are refused, never silently wrapped."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.errors import Outcome
from tests.engine.driving import Guest

KINDS = ("i32", "i64", "f32", "f64")
ECHO = "".join(f'(func (export "{kind}") (param {kind}) (result {kind}) local.get 0)\n' for kind in KINDS) + "".join(
    f'(func (export "take_{kind}") (param $value {kind}))\n' for kind in KINDS
)
F32_MAX = 3.4028234663852886e38


@pytest.fixture(scope="module")
def echo() -> Guest:
    """A guest that answers what it is given."""
    return Guest(f"(module {ECHO})")


@pytest.mark.parametrize(
    ("kind", "given", "answered"),
    [
        ("i32", -(2**31), -(2**31)),
        ("i32", 2**31 - 1, 2**31 - 1),
        ("i32", 0, 0),
        ("i64", -(2**63), -(2**63)),
        ("i64", 2**63 - 1, 2**63 - 1),
        ("f32", F32_MAX, F32_MAX),
        ("f32", -F32_MAX, -F32_MAX),
        ("f32", math.inf, math.inf),
        ("f32", 1, 1.0),
        ("f32", 0.1, struct.unpack("f", struct.pack("f", 0.1))[0]),
        ("f64", 1.7976931348623157e308, 1.7976931348623157e308),
        ("f64", -math.inf, -math.inf),
        ("f64", 2**53, float(2**53)),
        ("f64", 5e-324, 5e-324),
    ],
)
def test_a_number_in_range_comes_back(echo: Guest, kind: str, given: Any, answered: Any) -> None:
    """Every number that fits comes back as itself."""
    output = echo.run(kind, [given]).ok()
    assert output == answered
    assert type(output) is type(answered)


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_nan_and_negative_zero_cross(echo: Guest, kind: str) -> None:
    """NaN is a number to a guest, and the sign of zero is kept."""
    assert math.isnan(echo.run(kind, [math.nan]).ok())
    assert math.copysign(1.0, echo.run(kind, [-0.0]).ok()) == -1.0


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("i32", -(2**31) - 1, "whole number from -2147483648 to 2147483647, got -2147483649"),
        ("i32", 2**31, "got 2147483648"),
        ("i64", -(2**63) - 1, "whole number from -9223372036854775808 to 9223372036854775807"),
        ("i64", 2**63, "got 9223372036854775808"),
        ("i32", 1.0, "whole number"),
        ("i32", math.nan, "whole number"),
        ("i64", 1e3, "got 1000.0"),
        ("f32", 3.5e38, "does not fit f32"),
        ("f32", -1e39, "does not fit f32"),
        ("f32", 2**200, "does not fit f32"),
        ("f64", 2**1024, "does not fit f64"),
        pytest.param("f64", 10**5000, "an integer of 16,610 bits", id="f64 of 5,000 digits"),
        pytest.param("i64", -(10**5000), "an integer of 16,610 bits", id="i64 of 5,000 digits"),
        ("i32", True, "number 1 is bool True"),
        ("f64", False, "number 1 is bool False"),
        ("i32", "1", "number 1 is str '1'"),
        ("i32", None, "number 1 is NoneType None"),
        pytest.param("i32", "\x1b" * 5000, r"'\x1b\x1b", id="terminal codes"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(echo: Guest, kind: str, given: Any, said: str) -> None:
    """What does not fit is the caller's mistake: the message names the export, the range and the value, cut short."""
    ended = echo.run(kind, [given], abi="scalar")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert f"'{kind}' takes ({kind})" in ended.message
    assert said in ended.message
    assert len(ended.message) < 600


@pytest.mark.parametrize(("given", "count"), [([], 0), ([1, 2], 2), (list(range(2000)), 2000)])
def test_a_wrong_count_is_refused(echo: Guest, given: list[int], count: int) -> None:
    """As many numbers as parameters, and the message has both counts."""
    ended = echo.run("i32", given, abi="scalar")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert ended.message == f"'i32' takes (i32): 1 numbers, got {count}"


@pytest.mark.parametrize("given", ["7", b"7", 7, {1}], ids=["text", "bytes", "a bare number", "a set"])
def test_what_is_no_list_is_refused(echo: Guest, given: Any) -> None:
    """A scalar export takes a list; the message says so."""
    ended = echo.run("i32", given, abi="scalar")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert f"give a list of numbers, got {type(given).__name__}" in ended.message


def test_a_tuple_is_a_list(echo: Guest) -> None:
    """A tuple of numbers is taken as a list is."""
    assert echo.run("i64", (5,)).ok() == 5


@pytest.mark.parametrize(
    ("results", "body", "output"),
    [
        ("", "", None),
        ("(result i32)", "i32.const -1", -1),
        ("(result i32 i64 f32 f64)", "i32.const 1 i64.const 2 f32.const 0.5 f64.const 0.25", [1, 2, 0.5, 0.25]),
        ("(result i64 i64)", "i64.const -9223372036854775808 i64.const 9223372036854775807", [-(2**63), 2**63 - 1]),
    ],
    ids=["none", "one", "four kinds", "both edges"],
)
def test_results_are_a_number_a_list_or_none(results: str, body: str, output: Any) -> None:
    """One result is a number, several are a list, none is None."""
    assert Guest(f'(module (func (export "f") {results} {body}))').run("f").ok() == output


@pytest.mark.parametrize("count", [31, 32, 33, 1000])
def test_many_parameters_and_results_cross_in_order(count: int) -> None:
    """More values than the prepared buffer holds, up to the format's thousand, arrive in order."""
    params, results = "(param " + "i64 " * count + ")", "(result " + "i64 " * count + ")"
    body = " ".join(f"local.get {index}" for index in reversed(range(count)))
    guest = Guest(f'(module (func (export "turn") {params} {results} {body}))')
    assert guest.run("turn", list(range(count))).ok() == list(reversed(range(count)))


NAMED = """(module
  (func (export "subtract") (param $left i32) (param $right i32) (result i32)
    (i32.sub (local.get $left) (local.get $right)))
  (func (export "unnamed") (param i32) (result i32) local.get 0))"""


def test_parameters_by_name() -> None:
    """A mapping whose keys are the names of the name section goes by name, in any order."""
    guest = Guest(NAMED)
    assert guest.run("subtract", {"right": 3, "left": 10}).ok() == 7


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        ("subtract", {"left": 1}, "'subtract' takes (left: i32, right: i32), got the keys left"),
        ("subtract", {"left": 1, "right": 2, "more": 3}, "got the keys left, right, more"),
        ("subtract", {}, "got the keys "),
        ("unnamed", {"value": 1}, "no parameter names are known: give a list, got the keys value"),
    ],
)
def test_other_keys_are_refused(task: str, given: dict[str, int], said: str) -> None:
    """Keys that are not exactly the names are refused, and the message lists both."""
    ended = Guest(NAMED).run(task, given, abi="scalar")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert ended.message.endswith(said)


def test_names_of_the_guests_choice_are_escaped_and_cut() -> None:
    """Parameter names come from the guest: nothing of them reaches a terminal, and no message grows with them."""
    names = "".join(f'(param $"\\1b[31m{index}{"x" * 200}" i32)' for index in range(100))
    ended = Guest(f'(module (func (export "f") {names}))').run("f", [1], abi="scalar")
    assert r"\x1b[31m0" in ended.message
    assert "\x1b" not in ended.message
    assert len(ended.message) < 700


@given(value=st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.text(max_size=3)))
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_changed_on_the_way(echo: Guest, kind: str, value: Any) -> None:
    """Whatever is given comes back as itself, in the precision of its type, or is refused."""
    ended = echo.run(kind, [value], abi="scalar")
    if ended.outcome is Outcome.INVALID_PARAMS:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind.startswith("i"):
            half = 2 ** (int(kind[1:]) - 1)
            assert not (isinstance(value, int) and fits and -half <= value < half)
        else:
            assert not fits or abs(value) > F32_MAX * (1 + 2**-25)
        return
    if kind.startswith("i"):
        assert ended.ok() == value
    elif math.isnan(value):
        assert math.isnan(ended.ok())
    else:
        layout = "f" if kind == "f32" else "d"
        assert ended.ok() == struct.unpack(layout, struct.pack(layout, value))[0]
