"""The attack party: hostile guests, one for each way in that is known, and what has to become of each.

When you need this: to see on your own machine that a guest can hurt only itself.

.. code-block:: python

    from infrafabric.attack import run_attacks

    for result in run_attacks(["loops", "memory*"]):
        print(result.held, result.name, result.got)

Every attack runs in a child process, in one chassis with a well-behaved neighbour whose answers, logs and latency are
watched meanwhile. The bounds that the neighbour is held to are in `infrafabric.attack.stage`.
"""

from __future__ import annotations

from infrafabric.attack.arena import Arena, run_attacks, selected
from infrafabric.attack.attack import Attack, Call
from infrafabric.attack.party import PARTY
from infrafabric.attack.stage import AttackResult

__all__ = ["PARTY", "Arena", "Attack", "AttackResult", "Call", "run_attacks", "selected"]
