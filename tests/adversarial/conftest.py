"""What the adversarial tests share: one arena for the party, so that attacks follow each other in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.attack import Arena

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    """The process that is attacked; a new one after each death."""
    with Arena() as arena:
        yield arena
