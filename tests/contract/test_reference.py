"""The pages made from the declarations: complete, and up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infrafabric.contract import RULES, ServiceContract, specs
from infrafabric.contract.changes import CHANGES
from infrafabric.contract.defaults import PARTS, variable_of
from infrafabric.contract.fmt import is_formatted
from infrafabric.contract.lint import lint
from infrafabric.contract.record import Part, PartMap
from infrafabric.contract.reference import CONTRACT_PAGE, EXAMPLE, RULES_PAGE, contract_page, rules_page
from infrafabric.contract.schema_keywords import KEYWORDS
from infrafabric.schemas.capability import Capability

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("page", "make"), [(CONTRACT_PAGE, contract_page), (RULES_PAGE, rules_page)])
def test_the_pages_are_up_to_date(page: str, make: object) -> None:
    """What lies in the source tree is what the declarations say."""
    assert (ROOT / page).read_text(encoding="utf-8") == make()  # type: ignore[operator]


def test_every_field_has_a_row() -> None:
    """Each field of each record is on the page, in a table of six columns, with what enforces it."""
    page = contract_page()
    waiting: list[type] = [ServiceContract]
    while waiting:
        for name, spec in specs(waiting.pop()).items():
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` | {spec.doc[:30]}"))
            assert len(re.split(r"(?<!\\)\|", row)) == 8
            assert f"| {spec.enforced_by} |" in row
            if isinstance(spec.kind, Part | PartMap):
                waiting.append(spec.kind.record)
    for links in re.findall(r"\]\(#([^)]*)\)", page):
        titles = [re.sub(r"[^\w-]", "", title).lower() for title in re.findall(r"^## (.*)$", page, re.MULTILINE)]
        assert links in titles


def test_every_keyword_and_variable_has_a_row() -> None:
    """What params may say, and what a deployment may set, is complete."""
    page = contract_page()
    assert all(f"| `{keyword}` |" in page for keyword in KEYWORDS)
    assert all(f"| `{variable_of(f'{part}.{name}')}` |" in page for part in PARTS for name in specs(PARTS[part]))


def test_every_rule_and_change_has_its_place() -> None:
    """Each rule has a heading and its explanation, each change a row."""
    page = rules_page()
    for rule in RULES.values():
        assert f"### {rule.id}: {rule.title}" in page
        assert rule.explanation in page
    assert all(f"| `{name}` |" in page for name in CHANGES)


def test_the_example_is_a_good_one() -> None:
    """It loads, it is formatted, and there is no advice about it."""
    contract = ServiceContract.from_text(EXAMPLE)
    contract.tasks["analyze_code"].check_params({"source": "x = 1", "checks": ["style"]})
    assert lint(contract, known_capabilities=[capability.value for capability in Capability]) == ()
    assert is_formatted(EXAMPLE)
    assert EXAMPLE in contract_page()
