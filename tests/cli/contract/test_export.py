"""``infrafabric contract export``: objectives for other tools, and what they lose on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from infrafabric.cli.contract.export_command import FORMAT_NAMES
from infrafabric.telemetry.export.formats import FORMATS
from tests.telemetry.export.promtool import check_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.program import Ended

    Run = Callable[..., Ended]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A contract with a task that has objectives of its own, and one that has none."""
    path = tmp_path / "analyzer.yaml"
    path.write_text("swarm_id: analyzer\ntasks: {fast: {slos: {target_latency_ms: 5}}, plain: {returns: json}}\n")
    return path


def test_the_formats_of_the_command_are_those_there_are() -> None:
    """--help may not load them."""
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_every_format_is_written_with_the_swarm_and_its_task(infrafabric: Run, path: Path, format_name: str) -> None:
    """To stdout, and the same to a file."""
    ended = infrafabric("contract", "export", path, "--to", format_name)
    assert ended.status == 0
    documents = (
        [json.loads(ended.out)] if format_name == "grafana" else list(YAML(typ="safe", pure=True).load_all(ended.out))
    )
    assert documents
    assert "infrafabric_task_name" in ended.out
    assert 'infrafabric_task_name=\\"fast\\"' in ended.out or 'infrafabric_task_name="fast"' in ended.out
    assert "plain" not in ended.out
    file = path.with_suffix(".out")
    assert infrafabric("contract", "export", path, "--to", format_name, "-o", file).status == 0
    assert file.read_text() == ended.out


@pytest.mark.requires_tool("promtool")
def test_what_is_written_for_prometheus_is_a_rules_file(infrafabric: Run, path: Path, tmp_path: Path) -> None:
    """As it stands."""
    ended = infrafabric("contract", "export", path, "--to", "prometheus", "--strict")
    assert (ended.status, ended.err) == (0, "")
    check_rules(tmp_path, YAML(typ="safe", pure=True).load(ended.out))


@pytest.mark.parametrize(("format_name", "lossy"), [("prometheus", False), ("grafana", False), ("openslo", True),
                                                    ("sloth", True), ("pyrra", True)])  # fmt: skip
def test_each_loss_is_told_and_strict_makes_it_an_error(
    infrafabric: Run,
    path: Path,
    format_name: str,
    lossy: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Strictly nothing is written then, not even the file."""
    ended = infrafabric("contract", "export", path, "--to", format_name)
    assert bool(ended.err) == lossy
    assert all(line.startswith("warning: ") for line in ended.err.splitlines())
    file = path.with_suffix(".out")
    strict = infrafabric("contract", "export", path, "--to", format_name, "--strict", "-o", file)
    assert strict.status == (1 if lossy else 0)
    assert file.exists() != lossy
    if lossy:
        assert strict.err.count("error: ") == ended.err.count("warning: ") + 1
        assert f"would lose {ended.err.count('warning: ')} meaning" in strict.err


def test_a_period_that_prometheus_cannot_watch_closely_is_a_loss(infrafabric: Run, tmp_path: Path) -> None:
    """The alerts that are left out are named."""
    path = tmp_path / "hour.yaml"
    path.write_text("swarm_id: hour\nslos: {period: 1h}\n")
    ended = infrafabric("contract", "export", path, "--to", "prometheus", "--strict")
    assert (ended.status, ended.out) == (1, "")
    assert "availability: alert page_30s is left out" in ended.err


def test_a_contract_with_mistakes_and_a_format_that_is_none_are_refused(infrafabric: Run, tmp_path: Path) -> None:
    """With the statuses that every command has."""
    path = tmp_path / "bad.yaml"
    path.write_text("swarm_id: a\nslos: {target_availability_percent: 100}\n")
    assert infrafabric("contract", "export", path, "--to", "prometheus").status == 3
    assert infrafabric("contract", "export", path, "--to", "nagios").status == 2
    assert infrafabric("contract", "export", path).status == 2
