"""Exports that a host cannot call, some of which make an engine's C interface abort, do it no harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.driving import python

if TYPE_CHECKING:
    from pathlib import Path

#: Loads each module of the table (text: a type, and where it stands) and calls what can be called.
PROGRAM = """
import json, sys
from infrafabric.chassis import IFChassis
from infrafabric.errors import InvalidModule
from infrafabric.testing import contract, wat

endings = {}
with IFChassis(cache_dir=sys.argv[2]) as chassis:
    for swarm_id, export in json.loads(sys.argv[1]).items():
        answer = '(type $t (func)) (func (export "answer") (result i32) i32.const 42)'
        try:
            module = wat(f'(module {answer} (func (export "odd") {export}))')
            chassis.load_swarm(swarm_id, module, contract(swarm_id))
        except InvalidModule as error:
            endings[swarm_id] = "refused"
            continue
        odd = {chassis.execute_task(swarm_id, "odd", params, check=False).status for params in (None, [1], [None], "x")}
        endings[swarm_id] = " ".join(odd)
        assert chassis.execute_task(swarm_id, "answer").output == 42
print(json.dumps(endings))
"""

NOT_CALLABLE = ("v128", "externref", "funcref", "(ref null func)", "(ref null extern)")
REFUSED = (
    "(ref func)",
    "(ref extern)",
    "(ref $t)",
    "(ref null $t)",
    "anyref",
    "eqref",
    "i31ref",
    "structref",
    "arrayref",
    "exnref",
    "nullref",
    "nullfuncref",
    "(ref any)",
)


@pytest.mark.parametrize("place", ["param", "param i32", "result"])
def test_a_signature_of_other_than_numbers_is_refused_or_not_callable(place: str, tmp_path: Path) -> None:
    """One process loads them all, calls what it is offered beside them, and lives."""
    kinds = {f"s{number}": kind for number, kind in enumerate((*NOT_CALLABLE, *REFUSED))}
    body = " unreachable" if place == "result" else ""
    exports = {swarm_id: f"({place} {kind}){body}" for swarm_id, kind in kinds.items()}
    done = python(PROGRAM, json.dumps(exports), str(tmp_path / "code"))
    assert done.returncode == 0, done.stderr
    endings = {kinds[swarm_id]: ending for swarm_id, ending in json.loads(done.stdout).items()}
    assert endings == dict.fromkeys(NOT_CALLABLE, "unknown_task") | dict.fromkeys(REFUSED, "refused")
