"""The reference page of metrics says what there is."""

from __future__ import annotations

import re

from infrafabric.chassis.figures import REFUSALS
from infrafabric.telemetry import AlertState
from infrafabric.telemetry.otel import instruments
from infrafabric.telemetry.otel.instruments import INSTRUMENTS
from tests.engine.driving import ROOT

PAGE = ROOT / "docs" / "reference" / "metrics.md"


def instrument_table() -> str:
    """The table of instruments, as the page has it."""
    rows = ["| instrument | kind | unit | is | attributes |", "|---|---|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.kind} | `{one.unit}` | {one.meaning} | {', '.join(f'`{a}`' for a in one.attributes)} |"
        for one in INSTRUMENTS
    ]
    return "\n".join(rows) + "\n"


def attribute_names() -> set[str]:
    """Every attribute of an instrument."""
    return {attribute for one in INSTRUMENTS for attribute in one.attributes}


def test_the_table_of_instruments_is_the_code() -> None:
    """Name, kind, unit, meaning and attributes of each, and no others."""
    assert instrument_table() in PAGE.read_text()


def test_every_attribute_is_explained() -> None:
    """One row each, and none that is not there."""
    text = PAGE.read_text().partition("## Attributes")[2].partition("## The span")[0]
    assert set(re.findall(r"^\| `([a-z._]+)` \|", text, re.MULTILINE)) == attribute_names()


def test_values_and_bounds_are_all_named() -> None:
    """States, reasons and bounds stand on the page as the code has them."""
    text = " ".join(PAGE.read_text().split())
    assert f"(seconds): {' '.join(f'{bound:g}' for bound in instruments.SECONDS)}, and" in text
    for word in (
        *(state.value for state in AlertState),
        *REFUSALS,
        instruments.SPAN,
        instruments.LOG_EVENT,
        instruments.CHANGE_SPAN,
        instruments.STATE_EVENT,
        instruments.ENFORCEMENT_EVENT,
    ):
        assert f"`{word}`" in text
