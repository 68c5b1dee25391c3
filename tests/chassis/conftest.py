"""What the chassis tests share: one chassis a test, with a code cache of the test run's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.chassis import IFChassis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private folder for compiled code, kept for the test run."""
    folder = tmp_path_factory.mktemp("code")
    folder.chmod(0o700)
    return folder


@pytest.fixture
def chassis(cache_dir: Path) -> Iterator[IFChassis]:
    """A chassis that is closed after the test."""
    with IFChassis(cache_dir=cache_dir) as chassis:
        yield chassis
