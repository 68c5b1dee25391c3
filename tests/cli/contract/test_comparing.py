"""``infrafabric contract diff`` and ``breaking``: what changed, whom it hurts, and when CI has to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.contract.contracts import CLEAN, git, repository, write
from tests.cli.program import show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.program import Ended

    Run = Callable[..., Ended]

LOWER = "resource_limits: {max_memory_mb: 64}\n"


def contract(version: str, rest: str = "") -> str:
    """A contract of that version."""
    return f'swarm_id: sums\nversion: "{version}"\n{rest}'


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a clean contract, as the current folder."""
    monkeypatch.chdir(repository(tmp_path, sums=CLEAN))
    return tmp_path


def test_a_diff_says_each_change_and_what_it_asks_of_the_version(infrafabric: Run, tmp_path: Path) -> None:
    """Whatever the formats; it never fails."""
    old = write(tmp_path, "old.json", '{"swarm_id": "sums", "version": "1.0.0"}')
    new = write(tmp_path, "new.yaml", contract("1.1.0", LOWER))
    ended = infrafabric("contract", "diff", old, new)
    assert ended.status == 0
    assert ended.json["required_bump"] == "major"
    assert ended.json["problem"]["rule"] == "VERSION_BUMP_TOO_SMALL"
    assert ended.json["changes"] == [
        {
            "rule": "LIMIT_LOWERED",
            "path": "resource_limits.max_memory_mb",
            "old": 256,
            "new": 64,
            "hurts": "guest",
            "bump": "major",
        }
    ]


def test_a_contract_differs_not_from_itself(infrafabric: Run, tmp_path: Path) -> None:
    """Nothing to say, nothing to ask."""
    path = write(tmp_path, "a.yaml", CLEAN)
    found = infrafabric("contract", "diff", path, path).json
    assert (found["changes"], found["problem"], found["required_bump"]) == ([], None, "none")


def test_a_terminal_gets_a_table_with_the_verdict(tmp_path: Path) -> None:
    """In words."""
    old, new = write(tmp_path, "o.yaml", CLEAN), write(tmp_path, "n.yaml", contract("1.1.0", LOWER))
    shown = show("contract", "diff", old, new, columns=120)
    assert "LIMIT_LOWERED" in shown.text
    assert "resource_limits.max_memory_mb: 256 -> 64" in shown.text
    assert 'write version: "2.0.0"' in shown.text
    assert "no changes (1.0.0 -> 1.0.0)" in show("contract", "diff", old, old, columns=120).text


@pytest.mark.parametrize(
    ("new", "flags", "status"),
    [
        (contract("1.0.0"), (), 0),
        (contract("1.0.0", LOWER), (), 1),
        (contract("1.9.0", LOWER), (), 1),
        (contract("2.0.0", LOWER), (), 0),
        (contract("2.0.0", LOWER), ("--deny", "guest"), 1),
        (contract("2.0.0", LOWER), ("--deny", "security", "--deny", "caller"), 0),
        (contract("0.9.0"), (), 1),
        (contract("1.0.0", "resource_limits: {max_memory_mb: 0}\n"), (), 3),
    ],
    ids=["same", "silent", "minor", "major", "denied", "others-denied", "down", "invalid"],
)
def test_breaking_fails_when_the_version_does_not_say_it(
    infrafabric: Run, repo: Path, new: str, flags: tuple[str, ...], status: int
) -> None:
    """Against a commit and against a file alike."""
    old = write(repo.parent, "old.yaml", CLEAN)
    path = write(repo, "sums.yaml", new)
    for against in ("main", "HEAD", git(repo, "rev-parse", "HEAD"), old):
        ended = infrafabric("contract", "breaking", "--against", against, *flags, path)
        assert ended.status == status, ended
        assert ("error" in ended.err) == bool(status)


def test_without_files_the_contracts_that_changed_are_checked(infrafabric: Run, repo: Path) -> None:
    """Other files are none of its business, and a new contract has broken nothing."""
    write(repo, "settings.yaml", "a: 1\n")
    write(repo, "broken.yaml", "a: [\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=more")
    ended = infrafabric("contract", "breaking", "--against", "HEAD")
    assert (ended.status, ended.json, ended.err) == (0, [], "note: no contract changed since HEAD\n")
    write(repo, "sums.yaml", contract("1.0.0", LOWER))
    write(repo, "settings.yaml", "a: 2\n")
    write(repo, "broken.yaml", "b: [\n")
    write(repo, "inner/new.yaml", contract("1.0.0"))
    git(repo, "add", "--all")
    ended = infrafabric("contract", "breaking", "--against", "HEAD")
    assert [one["file"] for one in ended.json] == ["sums.yaml"]
    assert ended.status == 1
    assert "note: inner/new.yaml is new since HEAD: nothing to compare" in ended.err


def test_a_contract_in_another_folder_is_compared_with_its_own_past(
    infrafabric: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command runs."""
    write(repo, "deep/er/a.yaml", CLEAN)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=deep")
    path = write(repo, "deep/er/a.yaml", contract("1.0.0", LOWER))
    monkeypatch.chdir("/")
    assert infrafabric("contract", "breaking", "--against", "HEAD", path).status == 1


def test_it_works_in_a_hook_of_gits(infrafabric: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells its hooks where the repository is, from a folder that is not the contract's."""
    write(repo, "deep/a.yaml", CLEAN)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=deep")
    path = write(repo, "deep/a.yaml", contract("1.0.0", LOWER))
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index.lock")
    ended = infrafabric("contract", "breaking", "--against", "HEAD", path.relative_to(repo))
    assert (ended.status, [one["file"] for one in ended.json]) == (1, ["deep/a.yaml"])


def test_a_contract_that_was_none_has_promised_nothing(infrafabric: Run, repo: Path) -> None:
    """Nobody can have loaded it."""
    write(repo, "sums.yaml", "swarm_id: sums\nno_such_key: 1\n")
    git(repo, "commit", "--quiet", "--all", "--message=wrong")
    path = write(repo, "sums.yaml", CLEAN)
    ended = infrafabric("contract", "breaking", "--against", "HEAD", path)
    assert (ended.status, ended.json) == (0, [])
    assert "was no valid contract at HEAD" in ended.err


@pytest.mark.parametrize("ref", ["nope", "--help", "--output=x", "HEAD:sums", "", "a b"])
def test_a_name_that_git_does_not_know_is_a_mistake_of_the_command_line(infrafabric: Run, repo: Path, ref: str) -> None:
    """And never a flag of git's."""
    before = sorted(repo.iterdir())
    ended = infrafabric("contract", "breaking", f"--against={ref}", repo / "sums.yaml")
    assert (ended.status, ended.out) == (2, "")
    assert "git knows no '" in ended.err
    assert sorted(repo.iterdir()) == before


def test_outside_of_a_repository_git_says_so(infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, status 2."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    ended = infrafabric("contract", "breaking", "--against", "main", write(tmp_path, "a.yaml", CLEAN))
    assert ended.status == 2
    assert "not a git repository" in ended.err


def test_without_git_a_file_can_still_be_compared(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    path = write(tmp_path, "a.yaml", CLEAN)
    ended = infrafabric("contract", "breaking", "--against", "main", path)
    assert ended.status == 2
    assert "git is not installed; --against FILE" in ended.err
    assert infrafabric("contract", "breaking", "--against", path, path).status == 0


def test_a_file_is_compared_with_one_file(infrafabric: Run, tmp_path: Path) -> None:
    """Two would leave open which is meant."""
    path = write(tmp_path, "a.yaml", CLEAN)
    assert infrafabric("contract", "breaking", "--against", path, path, path).status == 2
    assert infrafabric("contract", "breaking", "--against", path).status == 2
