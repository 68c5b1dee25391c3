"""Which convention a call gets: by the contract, else by parameters and signature, exhaustively."""

from __future__ import annotations

from typing import Any

import pytest

from infrafabric.engine import GuestEnded, Verdict
from infrafabric.engine.abi import CONVENTIONS, choose, fits
from infrafabric.engine.exports import Function
from infrafabric.errors import Outcome
from infrafabric.wasm import FuncType

#: What callers give, by the four ways in which detection sees it.
PARAMS: dict[str, Any] = {
    "None": None,
    "no numbers": [],
    "one number": [1],
    "two numbers": (1, 2),
    "three numbers": [1, 2, 3.5],
    "a list of text": ["a"],
    "a list with a bool": [True],
    "nested": [[1, 2]],
    "text": "abc",
    "bytes": b"abc",
    "a number": 7,
    "a bool": True,
    "an empty mapping": {},
    "the names": {"a0": 1, "a1": 2},
    "the names, one a text": {"a0": 1, "a1": "2"},
    "other keys": {"x": 1, "y": 2},
}
#: Signatures by the convention that their shape alone means; None: numbers only.
SHAPES: dict[tuple[str, str], str | None] = {
    ("", ""): None,
    ("", "i32"): None,
    ("i32", "i32"): "cstring",
    ("i32", ""): None,
    ("i32", "i64"): None,
    ("i64", "i32"): None,
    ("f64", "i32"): None,
    ("i32 i32", "i32"): "buffer",
    ("i32 i32", "i64"): "buffer",
    ("i32 i32", ""): "buffer",
    ("i32 i32", "f64"): None,
    ("i32 i32", "i32 i32"): None,
    ("i32 i64", "i64"): None,
    ("i32 i32 i32", "i32"): "lenptr",
    ("i32 i32 i32", "i64"): None,
    ("i32 i32 i32", ""): None,
    ("i32 i32 i32 i32", "i32"): None,
}
#: Given to a function, these mean numbers, whatever its shape; "names" only where they are the function's.
NUMBERS = {"one number", "two numbers", "three numbers"}


def function(params: str, results: str, name: str = "f", *, named: bool = True) -> Function:
    """An export of that signature whose parameters are called a0, a1 and so on."""
    types = tuple(params.split())
    names = tuple(f"a{index}" for index in range(len(types))) if named else None
    return Function.of(name, FuncType(types, tuple(results.split())), names)


def choice(exported: Function, params: Any, **given: Any) -> str | Verdict:
    """The name of the convention chosen, or how it was refused."""
    try:
        name: str = choose(exported, params, **given).NAME
    except GuestEnded as ended:
        return ended.verdict
    return name


def expected(shape: tuple[str, str], given: str, *, has_memory: bool) -> str | None:
    """The rule of the reference page, written a second time: None means refused."""
    count = len(shape[0].split())
    if given in ("None", "no numbers"):
        numbers = count == 0
    elif given == "the names":
        numbers = count == 2
    else:
        numbers = given in NUMBERS
    if numbers:
        return "scalar"
    return SHAPES[shape] if has_memory else None


@pytest.mark.parametrize("has_memory", [True, False], ids=["memory", "no memory"])
@pytest.mark.parametrize("given", PARAMS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"({shape[0]}) -> ({shape[1]})")
def test_every_shape_with_every_kind_of_parameters(shape: tuple[str, str], given: str, has_memory: bool) -> None:  # noqa: FBT001
    """The whole table: numbers are numbers, everything else goes by the shape and needs a memory."""
    exported = function(*shape)
    wanted = expected(shape, given, has_memory=has_memory)
    chosen = choice(exported, PARAMS[given], has_memory=has_memory, asked=None)
    if isinstance(chosen, str):
        assert chosen == wanted
        return
    assert wanted is None
    assert chosen.outcome is Outcome.INVALID_PARAMS
    kinds = ", ".join(f"a{index}: {kind}" for index, kind in enumerate(shape[0].split()))
    assert chosen.message.startswith(f"'f' takes ({kinds})")
    if has_memory:
        assert f"got {type(PARAMS[given]).__name__}; " in chosen.message
        for name in ("cstring", "buffer", "lenptr"):
            assert f"{name}: " in chosen.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("one number", "'f' takes (a0: i32, a1: i32): 2 numbers, got 1"),
        ("nested", "'f' takes (a0: i32, a1: i32): 2 numbers, got 1"),
        ("other keys", "'f' takes (a0: i32, a1: i32), got the keys x, y"),
        ("the names, one a text", "'f' takes (a0: i32, a1: i32): number 2 is str '2'"),
        ("text", "'f' takes (a0: i32, a1: i32), got str; as a list of numbers it is called directly"),
    ],
)
def test_where_only_numbers_can_be_sent_the_mistake_is_named(given: str, said: str) -> None:
    """Without a memory a list or mapping was meant as numbers: the message says which is missing or wrong."""
    exported = function("i32 i32", "i32")
    try:
        chosen = choose(exported, PARAMS[given], has_memory=False, asked=None)
        chosen.encode(exported, PARAMS[given], 0)
    except GuestEnded as ended:
        message = ended.verdict.message
    else:
        message = ""
    assert message.startswith(said)


@pytest.mark.parametrize("given", ["the names", "other keys"])
def test_a_mapping_is_data_to_an_export_without_names(given: str) -> None:
    """Without a name section a mapping of numbers is JSON."""
    assert choose(function("i32 i32", "i32", named=False), PARAMS[given], has_memory=True, asked=None).NAME == "buffer"


@pytest.mark.parametrize("given", PARAMS)
def test_start_is_a_command(given: str) -> None:
    """``_start`` of () -> () is a program, whatever it is given; another signature of that name is not."""
    assert choose(function("", "", "_start"), PARAMS[given], has_memory=False, asked=None).NAME == "command"


def test_start_of_another_shape_is_no_command() -> None:
    """A ``_start`` that takes or answers something is an ordinary export."""
    assert choose(function("", "i32", "_start"), None, has_memory=True, asked=None).NAME == "scalar"
    assert choose(function("i32 i32", "", "_start"), b"x", has_memory=True, asked=None).NAME == "buffer"


@pytest.mark.parametrize("asked", CONVENTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"({shape[0]}) -> ({shape[1]})")
def test_the_contract_beats_detection(shape: tuple[str, str], asked: str) -> None:
    """What the contract asks for is used where the signature fits, and refused with the reason where not."""
    exported = function(*shape)
    possible = {fit.abi for fit in fits(exported, has_memory=True) if fit.possible}
    assert possible == {"scalar"} | ({SHAPES[shape]} - {None})
    chosen = choice(exported, "text", has_memory=True, asked=asked)
    if isinstance(chosen, str):
        assert chosen == asked
        assert asked in possible
        return
    assert asked not in possible
    assert chosen.outcome is Outcome.INVALID_PARAMS
    assert chosen.message.startswith(f"the contract calls 'f' by '{asked}', but it")


def test_a_list_of_numbers_is_data_when_the_contract_says_so() -> None:
    """A task declared as buffer gets its list of numbers as JSON."""
    assert choose(function("i32 i32", "i64"), [1, 2], has_memory=True, asked="buffer").NAME == "buffer"


def test_every_reason_is_a_sentence_about_the_export() -> None:
    """``fits`` explains each convention, memory included."""
    fit = {item.abi: item.reason for item in fits(function("i32 i32", "i32"), has_memory=False)}
    assert fit == {
        "command": "it is not _start, () -> ()",
        "scalar": None,
        "cstring": "its signature is not (i32) -> i32",
        "buffer": "the module exports no memory",
        "lenptr": "its signature is not (i32, i32, i32) -> i32",
    }


@pytest.mark.parametrize(("shape", "refused"), [(("i32 i32", "i32"), True), (("", "i32"), False)])
def test_bytes_without_a_place_are_refused_before_anything_runs(shape: tuple[str, str], refused: bool) -> None:  # noqa: FBT001
    """Where nothing can be put into an instance, numbers still go."""
    chosen = choice(function(*shape), b"x" if refused else None, has_memory=True, asked=None, can_place=False)
    if isinstance(chosen, str):
        assert not refused
    else:
        assert refused
        assert "takes bytes only through its allocator" in chosen.message
