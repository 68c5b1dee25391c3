"""Prove that an installed infrafabric is whole: run a task through Python and through the command, find every file.

Run by a clean environment's Python, with the path of its ``infrafabric`` command, away from the source tree.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import infrafabric

#: (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
ADDER = bytes.fromhex("0061736d01000000 010701 60027f7f017f 030201 00 070701 03616464 0000 0a0901 0700 2000 2001 6a 0b")

#: What is no Python and has to be installed with it: of each folder one file whose absence says that all are.
FILES = (
    "py.typed",
    "schemas/service-contract.schema.json",
    "dashboard/templates/overview.html",
    "dashboard/static/dashboard.css",
    "dashboard/static/dashboard.js",
    "dashboard/static/vendor/uPlot.iife.min.js",
    "demo/contracts/runaway.yaml",
    "demo/guests/spin.wasm",
)


def main(program: str) -> None:
    """Add 2 and 3 in the sandbox, twice."""
    root = Path(infrafabric.__file__).parent
    lost = [name for name in FILES if not (root / name).is_file()]
    assert not lost, f"the wheel lacks {', '.join(lost)}"
    licences = [Path(str(file)).name for file in distribution("infrafabric").files or () if "licenses" in file.parts]
    assert sorted(licences) == ["LICENSE", "uPlot.LICENSE"], licences
    with infrafabric.IFChassis() as chassis:
        chassis.load_swarm("adder", ADDER, infrafabric.ServiceContract("adder", ["testing:unit"]))
        result = chassis.execute_task("adder", "add", [2, 3])
    assert result["output"] == 5, result

    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "add.wasm"
        module.write_bytes(ADDER)
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        command = [program, "run", str(module), "add", "--params", "[2, 3]", "-o", "json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert json.loads(done.stdout)["output"] == 5, done.stdout
    print(f"infrafabric {infrafabric.__version__} runs from {root}")


if __name__ == "__main__":
    main(sys.argv[1])
