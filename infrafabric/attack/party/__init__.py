"""All attacks, in the order in which they are run: `PARTY`. One module for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack.party import (
    bulk,
    compile_bombs,
    concurrency,
    exits,
    floods,
    fuel,
    host_loops,
    imports,
    logs,
    loops,
    malformed,
    memory,
    names,
    pointers,
    process,
    recursion,
    results,
    sleep,
    starts,
    state,
    tables,
    traps,
    types,
)

if TYPE_CHECKING:
    from infrafabric.attack.attack import Attack

PARTY: tuple[Attack, ...] = (
    *loops.ATTACKS,
    *host_loops.ATTACKS,
    *fuel.ATTACKS,
    *recursion.ATTACKS,
    *memory.ATTACKS,
    *tables.ATTACKS,
    *bulk.ATTACKS,
    *compile_bombs.ATTACKS,
    *floods.ATTACKS,
    *names.ATTACKS,
    *types.ATTACKS,
    *imports.ATTACKS,
    *malformed.ATTACKS,
    *logs.ATTACKS,
    *pointers.ATTACKS,
    *results.ATTACKS,
    *traps.ATTACKS,
    *exits.ATTACKS,
    *sleep.ATTACKS,
    *starts.ATTACKS,
    *state.ATTACKS,
    *concurrency.ATTACKS,
    *process.ATTACKS,
)
