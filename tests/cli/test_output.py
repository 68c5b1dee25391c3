"""Results on stdout, in the format that is asked for or that fits where it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from infrafabric.cli.console import printable
from infrafabric.cli.output import json_for_people
from tests.cli.program import Ended, guest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Ended]

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(_JSON)
def test_json_for_people_is_json_and_harmless(data: Any) -> None:
    """It reads back as the same data, and only printable characters and line breaks are in it."""
    text = json_for_people(data)
    assert json.loads(text) == data
    assert all(character.isprintable() or character == "\n" for character in text)


@given(st.text())
def test_printable_text_keeps_what_is_harmless(text: str) -> None:
    """Line breaks, tabs and printable characters stay; nothing else is left."""
    shown = printable(text)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    if all(character.isprintable() or character in "\n\t" for character in text):
        assert shown == text
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "command",
    [("inspect", guest("analyzer")), ("inspect", guest("arith")), ("doctor",)],
    ids=["wants", "offers", "list"],
)
def test_yaml_says_the_same_as_json(infrafabric: Run, command: tuple[object, ...]) -> None:
    """Only the writing differs."""
    as_yaml = YAML(typ="safe", pure=True).load(infrafabric(*command, "-o", "yaml").out)
    as_json = infrafabric(*command, "-o", "json").json
    if command == ("doctor",):  # whose figures are measured anew
        assert [finding["check"] for finding in as_yaml] == [finding["check"] for finding in as_json]
    else:
        assert as_yaml == as_json


def test_a_pipe_gets_json_on_one_line(infrafabric: Run) -> None:
    """One record a line is what programs read."""
    piped = infrafabric("inspect", guest("arith"))
    assert piped.out.count("\n") == 1
    assert piped.out == infrafabric("inspect", guest("arith"), "-o", "json").out
