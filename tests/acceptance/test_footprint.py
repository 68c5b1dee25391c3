"""What swarms leave behind, and how many chassis fit in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.driving import python

PROCESS = Path(__file__).with_name("footprint_process.py")
MIB = 1 << 20


@pytest.mark.timeout(300)
def test_five_hundred_swarms_come_and_go_and_leave_nothing(tmp_path: Path) -> None:
    """Loads, tasks of every ending, replacements, unloads and failed loads: threads and files are no more than before.

    Memory may differ by 6 MiB, as an allocator's does: 12 KB a round, when one page of one guest has 64. It does
    not go on so: from about the thousandth round on it is flat.
    """
    done = subprocess.run(
        [sys.executable, str(PROCESS), str(tmp_path / "code"), "500"], capture_output=True, check=True
    )
    before, after = map(json.loads, done.stdout.splitlines())
    grown_bytes = after.pop("memory_bytes") - before.pop("memory_bytes")
    assert {what: count for what, count in after.items() if count > before[what]} == {}
    assert grown_bytes < 6 * MIB


HUNDRED_CHASSIS = """
import contextlib, sys
from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract

with contextlib.ExitStack() as stack:
    chassis = [stack.enter_context(IFChassis(cache_dir=sys.argv[1])) for _ in range(100)]
    for number, one in enumerate(chassis):
        one.load_swarm("adder", ADDER, contract("adder", execution={"instance": ("task", "swarm")[number % 2]}))
    print(sum(one.execute_task("adder", "add", [number, 0]).output for number, one in enumerate(chassis)))
"""


def test_a_hundred_chassis_work_beside_each_other(tmp_path: Path) -> None:
    """Each runs the swarm of its own; the process has one engine."""
    done = python(HUNDRED_CHASSIS, str(tmp_path / "code"))
    assert (done.returncode, done.stdout) == (0, f"{sum(range(100))}\n"), done.stderr


LIMITED = """
import json, resource, sys
from pathlib import Path

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 30,) * 2)
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract

source = Path("examples/data/example.py").read_text()
with IFChassis(cache_dir=sys.argv[1]) as chassis:
    for instance in ("task", "swarm"):
        promised = contract(instance, execution={"instance": instance})
        chassis.load_swarm(instance, Path("guests/analyzer/analyzer.wasm").read_bytes(), promised)
        for _ in range(20):
            result = chassis.execute_task(instance, "analyze_code", {"file": "a.py", "source": source})
        print(len(result.output["findings"]))
"""


@pytest.mark.parametrize("limit_gib", [16, 4])
def test_a_chassis_works_where_address_space_is_limited(tmp_path: Path, limit_gib: int) -> None:
    """As under ``ulimit -v`` and in some containers: nothing is reserved that cannot be had, so nothing aborts."""
    done = python(LIMITED, str(tmp_path / "code"), str(limit_gib))
    assert (done.returncode, done.stdout) == (0, "9\n9\n"), done.stderr
