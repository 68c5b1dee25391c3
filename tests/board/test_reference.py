"""The reference page of the board has every field of every record, and no other."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from infrafabric.board import records

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "board.md"
RECORDS = sorted(
    (kind for _, kind in inspect.getmembers(records, inspect.isclass) if attrs.has(kind)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", RECORDS)
def test_the_reference_has_every_field(kind: type[Any]) -> None:
    """In the record's own order, under the record's name."""
    section = re.search(rf"^## {kind.__name__}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert section is not None, f"no section for {kind.__name__}"
    listed = re.findall(r"^\| `(\w+)` \| .+ \|$", section[1], re.MULTILINE)
    assert listed == [field.name for field in attrs.fields(kind)]
