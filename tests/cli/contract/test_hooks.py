"""The hooks for pre-commit: what they run works, on the files that they are for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.cli.contract.contracts import CLEAN, git, repository, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.program import Ended

    Run = Callable[..., Ended]

ROOT = Path(__file__).resolve().parents[3]
HOOKS: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(ROOT / ".pre-commit-hooks.yaml")

UNWISE = CLEAN + "resource_limits: {max_memory_mb: 0}\n"
LOWER = CLEAN + "resource_limits: {max_memory_mb: 64}\n"
MESSY = 'version: "1.0.0"\nswarm_id: sums\n'

#: What each hook finds fault with, beside a contract of one commit.
FAULTS = {"contract-lint": UNWISE, "contract-fmt": MESSY, "contract-breaking": LOWER}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_as_pre_commit_runs_it(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: dict[str, Any]
) -> None:
    """Entry, arguments, files: status 0 where all is well, and not where something is wrong."""
    monkeypatch.chdir(repository(tmp_path, sums=CLEAN))
    entry: str = hook["entry"]
    arguments: list[str] = hook.get("args", [])
    program, *command = (*entry.split(), *arguments, "sums.yaml")
    assert program == "infrafabric"
    assert infrafabric(*command).status == 0
    write(tmp_path, "sums.yaml", FAULTS[hook["id"]])
    status = infrafabric(*command).status
    changed = (tmp_path / "sums.yaml").read_text() != FAULTS[hook["id"]]
    assert status != 0 or changed  # pre-commit fails for a file that was changed


@pytest.mark.parametrize(
    ("path", "is_contract"),
    [
        ("contracts/a.yaml", True),
        ("deploy/contracts/eu/a.toml", True),
        ("src/a.contract.json", True),
        ("contracts/README.md", False),
        ("settings.yaml", False),
        ("my-contracts/a.yaml", False),
    ],
)
def test_the_hooks_are_for_contracts(path: str, is_contract: bool) -> None:  # noqa: FBT001 - a column of the table
    """By their folder or the ending of their names; other YAML is left alone."""
    assert {bool(re.search(hook["files"], path)) for hook in HOOKS} == {is_contract}


def test_pre_commit_itself_runs_them(tmp_path: Path) -> None:
    """Where it is installed: with this environment's program, as installing one needs a network."""
    if shutil.which("pre-commit") is None:
        pytest.skip("pre-commit is missing; install it with `pip install pre-commit`")
    repository(tmp_path)
    local = [
        {
            **hook,
            "entry": f"{sys.executable} -m {hook['entry']}",
            "language": "system",
            "files": "yaml$",
            "exclude": "^\\.",
        }
        for hook in HOOKS
    ]
    with (tmp_path / ".pre-commit-config.yaml").open("w") as file:
        YAML().dump({"repos": [{"repo": "local", "hooks": local}]}, file)
    write(tmp_path, "sums.yaml", CLEAN)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=clean")
    assert _pre_commit(tmp_path) == {"contract-lint": True, "contract-fmt": True, "contract-breaking": True}
    write(tmp_path, "sums.yaml", LOWER.replace("64", "0"))
    git(tmp_path, "add", "--all")
    assert _pre_commit(tmp_path) == {"contract-lint": False, "contract-fmt": True, "contract-breaking": False}


def _pre_commit(folder: Path) -> dict[str, bool]:
    """Which hooks passed over all files."""
    passed = {}
    for hook in HOOKS:
        command = ("pre-commit", "run", "--all-files", hook["id"])
        environment = {"PRE_COMMIT_HOME": str(folder / ".cache"), "PATH": os.environ["PATH"]}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert "Traceback" not in done.stdout, done.stdout
        passed[hook["id"]] = done.returncode == 0
    return passed
