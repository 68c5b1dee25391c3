"""Exports that a host cannot call, some of which make an engine's C interface abort, do it no harm."""

from __future__ import annotations

import json

import pytest

from tests.engine.driving import python

#: Loads each module of the table (text: a type, and where it stands) and calls what can be called.
PROGRAM = """
import json, sys
from infrafabric.chassis import IFChassis
from infrafabric.errors import InvalidModule
from infrafabric.testing import contract, wat

endings = {}
with IFChassis(cache_dir=None) as chassis:
    for swarm_id, export in json.loads(sys.argv[1]).items():
        text = f'(module (type $t (func)) (func (export "answer") (result i32) i32.const 42) (func (export "odd") {export}))'
        try:
            chassis.load_swarm(swarm_id, wat(text), contract(swarm_id))
        except InvalidModule as error:
            endings[swarm_id] = "refused"
            continue
        odd = {chassis.execute_task(swarm_id, "odd", params, check=False).status for params in (None, [1], [None], "x")}
        endings[swarm_id] = [sorted(odd), "odd" in chassis.swarm_runtimes[swarm_id].runtime.program.tasks]
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
def test_a_signature_of_other_than_numbers_is_refused_or_not_callable(place: str) -> None:
    """One process loads them all, calls what it is offered beside them, and lives."""
    body = " unreachable" if place == "result" else ""
    exports = {
        f"s{number}": f"({place} {kind}){body}" for number, kind in enumerate((*NOT_CALLABLE, *REFUSED))
    }
    done = python(PROGRAM, json.dumps(exports))
    assert done.returncode == 0, done.stderr
    kinds = dict(zip(exports, (*NOT_CALLABLE, *REFUSED), strict=True))
    endings = {kinds[swarm_id]: ending for swarm_id, ending in json.loads(done.stdout).items()}
    assert endings == {
        **dict.fromkeys(NOT_CALLABLE, [["unknown_task"], False]),
        **dict.fromkeys(REFUSED, "refused"),
    }
