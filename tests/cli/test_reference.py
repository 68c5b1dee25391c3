"""The reference of the command line is what the commands say, and every command says enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from infrafabric.cli import reference
from infrafabric.cli.app import LazyGroup, app
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


def _commands(group: LazyGroup = app, above: str = "") -> Iterator[tuple[str, click.Command, str]]:
    """Every command by its whole name, groups and theirs among them, with what the list of commands says of it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{above}{name}", command, group.short_helps[name]
        if isinstance(command, LazyGroup):
            yield from _commands(command, f"{above}{name} ")


@pytest.mark.parametrize("style", [("-m", "infrafabric.cli.reference"), ("infrafabric/cli/reference.py",)])
def test_the_page_is_up_to_date(style: tuple[str, ...]) -> None:
    """Run as a module or as a script, whatever the width of the terminal."""
    import os  # noqa: PLC0415 - only this test

    subprocess.run(
        [sys.executable, *style, "--check"], check=True, cwd=ROOT, env=os.environ | {"COLUMNS": "40"}, timeout=60
    )


def test_a_stale_page_is_noticed_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` changes nothing; without it the page is made."""
    monkeypatch.setattr(reference, "PAGE", tmp_path / "cli.md")
    monkeypatch.setattr(sys, "argv", ["reference", "--check"])
    assert reference.main() == 1
    (tmp_path / "cli.md").write_text("old")
    assert reference.main() == 1
    assert (tmp_path / "cli.md").read_text() == "old"
    assert "run python -m infrafabric.cli.reference" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["reference"])
    assert reference.main() == 0
    assert (tmp_path / "cli.md").read_text() == reference.page()


@pytest.mark.parametrize(("name", "command", "listed"), list(_commands()), ids=[name for name, _, _ in _commands()])
def test_every_command_and_flag_is_documented(name: str, command: click.Command, listed: str) -> None:
    """The list of commands says what the command says of itself, and each flag has a meaning."""
    assert command.name == name.rpartition(" ")[2]
    assert command.help
    assert command.short_help == listed
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help and option.help.endswith((".", "]")) for option in options)
    assert "--debug" in {name for option in options for name in option.opts}
    assert f"## infrafabric {name}\n" in reference.page()


def test_the_exit_status_of_every_outcome_is_in_the_page() -> None:
    """A new outcome without a meaning fails."""
    page = reference.page()
    for outcome in Outcome:
        assert f"| {outcome.exit_code} | `{outcome.value}` | " in page
