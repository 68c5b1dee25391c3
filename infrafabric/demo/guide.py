"""What the demo tells whoever started it: where to look, and what for."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infrafabric.demo.running import Running

_SIGHTS: Final = {
    "runaway": "After eight seconds every third task never ends. Each is stopped at 0.25 s, the availability budget is "
    "gone within seconds, and alerts fire: see why on its page, and which of its limits it hit.",
    "number-cruncher": "After a quarter of a minute it runs out of instructions five times in a row, is quarantined "
    "for 10 s, then tried again.",
    "text-tool": "Some texts are too long for its CPU share and come late: its latency budget shrinks, and it lasts.",
    "the others": "Do well, whatever the runaway does beside them. A caller's mistakes burn nobody's budget.",
}


def guide(running: Running) -> str:
    """The address, what to look at there, and what to try."""
    sights = "\n".join(
        textwrap.fill(f"{name:<16} {text}", 79, initial_indent="  ", subsequent_indent=" " * 19)
        for name, text in _SIGHTS.items()
    )
    return f"""\
Dashboard:  {running.url}/dashboard/
Terminal:   infrafabric top {running.url}
Contracts:  {running.folder}
            (change one and save it: it is taken in while tasks run)

Six swarms are at work under contract, called over HTTP from this process:

{sights}

Objectives are judged over one hour, the shortest period there is, so that
alerts come within a minute.
Ctrl-C ends it."""
