"""What holds for every file, by generated examples."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.contract import ServiceContract
from infrafabric.contract.document import Format, Source
from infrafabric.contract.files import check_text, read_document
from infrafabric.contract.report import format_problems
from infrafabric.contract.writing import dump_yaml
from tests.contract.strategies import contracts, data

FORMATS: st.SearchStrategy[Format] = st.sampled_from(["yaml", "toml", "json"])

#: Pieces that texts of the three formats are made of, and pieces that readers stumble over.
PIECES = (
    *("swarm_id", "s", "slos", "period", "metadata", "tasks", "params", "max_fuel", "version", "1.0", "30d", "null"),
    *(": ", " = ", "\n", "\n  ", "\n- ", ", ", "{", "}", "[", "]", "[[", "]]", '"', "'", '"""', "'''", "#", "---\n"),
    *("&a ", "*a", "!!str ", "? ", "| ", "> ", "<<", "%", "@", "\\", "\t", "\r", "\x85", "\ufeff", "\0", "😀", "é"),
    *("1e999", ".nan", "0x", "1_0", "true", "~", "2026-11-20", ".", "..."),
)
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60)


@given(texts, FORMATS)
@settings(max_examples=400, deadline=None)
def test_every_text_is_a_contract_or_has_located_problems(text: str, form: Format) -> None:
    """No text gives a traceback; each problem can be printed in every style and lies inside the text."""
    checked = check_text(text, form, "x")
    assert (checked.contract is None) == bool(checked.problems)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in checked.problems:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2
    for style in ("text", "json", "sarif", "github"):
        shown = format_problems(checked.problems, checked.source, style)
        assert shown.replace("\n", "").isprintable()


@given(contracts)
@settings(deadline=None)
def test_what_is_written_is_read_back(fields: dict[str, Any]) -> None:
    """YAML and JSON, with and without the defaults, give back an equal contract with the same digest."""
    contract = ServiceContract(**fields)
    if contract.created_at < 2**22:  # before 1970-02-19 a float is finer than the nanoseconds of a file
        contract = contract.evolve(created_at=2.0**22)
    for text, form in (
        (contract.to_yaml(), "yaml"),
        (contract.to_yaml(defaults=False), "yaml"),
        (contract.to_json(), "json"),
        (contract.to_json(defaults=False), "json"),
        (contract.to_json(), "yaml"),  # JSON is YAML
    ):
        again = ServiceContract.from_text(text, form)  # type: ignore[arg-type]
        assert again == contract
        assert again.digest == contract.digest
        assert repr(again.to_dict()) == repr(contract.to_dict())


@given(contracts)
@settings(deadline=None)
def test_writing_twice_gives_the_same_text(fields: dict[str, Any]) -> None:
    """A file that is read and written again is the same file."""
    text = ServiceContract(**{**fields, "created_at": 1795132800.5}).to_yaml()
    assert ServiceContract.from_text(text).to_yaml() == text


@given(data)
@settings(max_examples=200, deadline=None)
def test_places_are_where_the_values_are(value: dict[str, Any]) -> None:
    """In YAML and JSON, each path's place is where its value begins."""
    for text, form in ((dump_yaml(value), "yaml"), (json.dumps(value, indent=1), "json")):
        document = read_document(Source("x", text), form)  # type: ignore[arg-type]
        assert document.data == value
        for path, where in document.places.items():
            found = document.value_at(path)
            if form == "json":
                read, _ = json.JSONDecoder().raw_decode(text, where.value)
                assert read == found
            if where.key is not None:
                assert text[where.key] in "\"'?|" or text.startswith(path[-1], where.key)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.integers(0, 99), min_size=1, max_size=4))
@settings(deadline=None)
def test_places_in_toml(tables: dict[str, int]) -> None:
    """Keys of tables, dotted keys and inline tables have their places."""
    for text in (
        "".join(f"[{name}]\nx = {number}\n" for name, number in tables.items()),
        "".join(f"{name}.x = {number} # {name}\n" for name, number in tables.items()),
        "".join(f"{name} = {{x = {number}}}\n" for name, number in tables.items()),
        "".join(f'["{name}"]\n"x" = {number}\n' for name, number in tables.items()),
    ):
        document = read_document(Source("x", text), "toml")
        assert document.data == tomllib.loads(text)
        for name, number in tables.items():
            place = document.places[name, "x"]
            assert text[place.value :].startswith(str(number))
            assert text[place.key or 0 :].lstrip('"').startswith("x")
            at = document.places[(name,)].key
            assert at is not None
            assert text[at:].lstrip('"').startswith(name)
