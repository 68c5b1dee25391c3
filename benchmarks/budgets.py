"""What one task may do: the budgets of the hot path, in ``budgets.json``. ``--write`` sets them to what it does now.

``python benchmarks/budgets.py`` counts and compares; status 1 when something is over. Whoever makes the path shorter
writes new budgets; whoever has to make it longer does so too, and says why.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import attrs

from benchmarks.hot_path import Counts
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUDGETS = Path(__file__).with_name("budgets.json")
#: What another version of Python, or of a dependency, may cost more before it fails.
MARGIN = 1.10
INSTANCES = ("kept", "fresh")


@attrs.frozen(kw_only=True)
class Budgets:
    """The counts of a kept and of a fresh scalar task, and the instructions of both and of the reference loop."""

    python: str
    counts: Mapping[str, Counts]
    instructions: Mapping[str, float]

    @classmethod
    def load(cls, path: Path = BUDGETS) -> Budgets:
        """The budgets on file."""
        data = json.loads(path.read_text(encoding="utf-8"))
        counts = {name: Counts(**data["counts"][name]) for name in INSTANCES}
        return cls(python=data["python"], counts=counts, instructions=data["instructions"])

    def write(self, path: Path = BUDGETS) -> None:
        """Replace those on file."""
        path.write_text(json.dumps(attrs.asdict(self), indent=1) + "\n", encoding="utf-8")

    def allowed_instructions(self, instance: str, reference: float) -> float:
        """Instructions of a task, in a Python that takes ``reference`` for a turn of the reference loop."""
        return self.instructions[instance] * reference / self.instructions["reference"]


def over(counts: Mapping[str, float], budget: Mapping[str, float]) -> list[str]:
    """What exceeds its budget by more than the margin, in words."""
    return [
        f"{name}: {value:,.0f}, budget {budget[name]:,.0f} and a margin of {MARGIN - 1:.0%}"
        for name, value in counts.items()
        if value > budget[name] * MARGIN
    ]


def count(instance: str) -> Counts:
    """The counts of one scalar task now, in a process of its own."""
    return Counts(**probe("benchmarks.suites.hot_path:counts", kept=instance == "kept"))


def over_instructions(counted: Mapping[str, float], budgets: Budgets) -> list[str]:
    """What takes more machine instructions than it may, in words."""
    return [
        f"{name} task: {text}"
        for name in INSTANCES
        for text in over(
            {"instructions": counted[name]},
            {"instructions": budgets.allowed_instructions(name, counted["reference"])},
        )
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, or write."""
    from benchmarks import instructions  # noqa: PLC0415 - it brings the whole chassis

    parser = argparse.ArgumentParser(prog="benchmarks/budgets.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {BUDGETS.name}; needs valgrind")
    given = parser.parse_args(arguments)
    counted: dict[str, Any] = {name: count(name) for name in INSTANCES}
    machine = instructions.count()
    for name in INSTANCES:
        told = ", ".join(f"{value:,} {key}" for key, value in attrs.asdict(counted[name]).items())
        print(f"{name}: {told}, {machine[name]:,.0f} instructions")
    if given.write:
        rounded = {name: round(value, 1) for name, value in machine.items()}
        Budgets(python=platform.python_version(), counts=counted, instructions=rounded).write()
        return 0
    budgets = Budgets.load()
    problems = [
        f"{name} task: {text}"
        for name in INSTANCES
        for text in over(attrs.asdict(counted[name]), attrs.asdict(budgets.counts[name]))
    ]
    problems += over_instructions(machine, budgets)
    print("\n".join(problems) or "within the budgets")
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
