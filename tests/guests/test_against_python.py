"""The example guests beside Python's own library: where both answer the same question, they agree.

The checks of guests.toml are a few cases that a person wrote; here the cases are generated, or are other people's code.
"""

from __future__ import annotations

import ast
import base64
import json
import statistics
import sysconfig
import warnings
import zlib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.chassis import IFChassis
from infrafabric.testing import contract
from tests.guests.behaviour import GUESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., Any]

STDLIB = Path(sysconfig.get_path("stdlib"))
RETURNS = {"base64": {"encode": {"returns": "text"}, "decode": {"returns": "bytes"}}}


@pytest.fixture(scope="module")
def run(cache_dir: Path) -> Iterator[Run]:
    """Run a task of a guest: ``run(guest, task, params)`` is its output, or its status when it did not succeed."""
    with IFChassis(cache_dir=cache_dir) as chassis:
        for name in ("analyzer", "base64", "checksum", "jsoncheck", "linecount", "stats", "upper", "wordcount"):
            promised = contract(name, tasks=RETURNS.get(name, {}), execution={"instance": "swarm"})
            chassis.load_swarm(name, GUESTS[name].wasm.read_bytes(), promised)

        def run(name: str, task: str, params: Any) -> Any:
            result = chassis.execute_task(name, task, params, check=False)
            return result.output if result.ok else result.status

        yield run


# --- bytes and text --------------------------------------------------------------------------------------


@given(data=st.binary(max_size=5000))
def test_base64_both_ways(run: Run, data: bytes) -> None:
    """Whatever the length, and whatever the bytes look like."""
    encoded = base64.b64encode(data).decode()
    assert run("base64", "encode", data) == encoded
    assert run("base64", "decode", encoded) == data


@given(data=st.binary(max_size=5000))
def test_crc32(run: Run, data: bytes) -> None:
    """As zlib has it; the guest's number is signed, as i32 is."""
    assert run("checksum", "crc32", data) & 0xFFFFFFFF == zlib.crc32(data)


@given(text=st.text(st.characters(max_codepoint=0x17F)))
def test_upper_case(run: Run, text: str) -> None:
    """Latin letters, also those that become two."""
    text += "-"  # digits alone would be read as a JSON number
    assert run("upper", "process", text) == text.upper()


@given(text=st.text(st.sampled_from("a é\t\n\r\v\f\u3000")))
def test_words_and_lines(run: Run, text: str) -> None:
    """Words end at ASCII white space, lines at line feeds; what follows the last one counts if there is anything."""
    assert run("wordcount", "count_words", text) == len(text.replace("\u3000", "x").split())
    assert run("linecount", "count_lines", text) == text.count("\n") + (text[-1:] not in {"", "\n"})


@given(numbers=st.lists(st.integers(-(10**11), 10**11).map(lambda number: number / 100), min_size=2, max_size=50))
def test_statistics(run: Run, numbers: list[float]) -> None:
    """To twelve digits of the largest number."""
    wanted = {
        "count": len(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "mean": statistics.fmean(numbers),
        "median": statistics.median(numbers),
        "stdev": statistics.stdev(numbers),
    }
    assert run("stats", "describe", json.dumps(numbers)) == pytest.approx(wanted, abs=1e-12 * max(map(abs, numbers)))


# --- JSON ------------------------------------------------------------------------------------------------


def is_strict_json(text: str) -> bool:
    """Python's verdict, with what it lets pass refused: NaN, repeated keys, lone surrogates."""

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError
        return dict(pairs)

    def no_constant(_name: str) -> None:
        raise ValueError

    try:
        value = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


#: What a JSON text gets in some place, instead of nothing to two of its characters.
CHANGES = ["", "", ",", '"', "0", "-", "e", ".", "\\", "\\ud800", " ", "\x01", "[", "}", "true", '"":1,']


def json_texts() -> st.SearchStrategy[str]:
    """Texts that are JSON, or nearly."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner))
    texts = st.builds(json.dumps, values, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1]))

    def change(text: str, at: int, length: int, new: str) -> str:
        at %= len(text) + 1
        return text[:at] + new + text[at + length :]

    return st.builds(change, texts, st.integers(0, 200), st.integers(0, 2), st.sampled_from(CHANGES))


@given(text=json_texts())
def test_what_is_json(run: Run, text: str) -> None:
    """The guest's two tasks and Python are of one mind about texts that are nearly JSON."""
    valid = is_strict_json(text)
    assert run("jsoncheck", "is_valid", text) == int(valid)
    assert run("jsoncheck", "validate", text)["valid"] is valid


# --- source code -----------------------------------------------------------------------------------------


def findings_of(tree: ast.AST) -> dict[str, set[int]]:
    """What the analyzer has to find in a file, rule by rule, as lines of its syntax tree."""
    found: dict[str, set[int]] = defaultdict(set)
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                found["C004"].add(node.lineno)
            case ast.Assert():
                found["S010"].add(node.lineno)
            case ast.Call(func=ast.Name(id="eval" | "exec"), args=[first, *_]) if not isinstance(first, ast.Constant):
                found["S001"].add(node.lineno)
            case ast.Compare() if compares_with_none(node):
                found["C006"].add(node.lineno)
            case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
                defaults = [*args.defaults, *filter(None, args.kw_defaults)]
                for default in defaults:
                    if isinstance(default, ast.List | ast.Dict | ast.Set):
                        found["C005"].add(default.lineno)
    return dict(found)


def compares_with_none(node: ast.Compare) -> bool:
    """Whether == or != has the constant None on a side."""
    sides = [node.left, *node.comparators]
    return any(
        isinstance(operator, ast.Eq | ast.NotEq) and (is_none(left) or is_none(right))
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
    )


def is_none(node: ast.AST) -> bool:
    """Whether the expression is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


@pytest.mark.parametrize("folder", [".", "asyncio", "email", "importlib", "unittest"])
def test_findings_in_other_peoples_code(run: Run, folder: str) -> None:
    """The standard library holds every way to write Python; the guest reads tokens and agrees with the syntax tree."""
    paths, wrong = sorted((STDLIB / folder).glob("*.py")), {}
    assert paths
    for path in paths:
        try:
            source = path.read_text(encoding="utf-8")
            with warnings.catch_warnings(action="ignore"):
                wanted = findings_of(ast.parse(source))
        except (SyntaxError, UnicodeDecodeError):
            continue
        answer = run("analyzer", "analyze_code", {"file": "module.py", "source": source})
        if answer["summary"]["truncated"]:
            continue
        found: dict[str, set[int]] = defaultdict(set)
        for finding in answer["findings"]:
            if finding["rule"] in {"C004", "C005", "C006", "S001", "S010"}:
                found[finding["rule"]].add(finding["line"])
        if dict(found) != wanted or answer["lines"] != source.count("\n") + (source[-1:] not in {"", "\n"}):
            wrong[path.name] = (dict(found), wanted, answer["lines"])
    assert wrong == {}


PUNCTUATION = list("ab(){}[]'\"\\#\n\t :=,.f0é\x00\r\N{FORM FEED}")


@given(source=st.text(st.sampled_from(PUNCTUATION) | st.characters(codec="utf-8")))
def test_no_text_ends_the_analyzer(run: Run, source: str) -> None:
    """What is no Python at all is analyzed as well as it goes."""
    answer = run("analyzer", "analyze_code", {"file": "a.py", "source": source})
    assert answer["summary"]["findings"] == len(answer["findings"])
