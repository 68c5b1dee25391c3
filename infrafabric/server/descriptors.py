"""How many connections the process can have: each takes a file descriptor."""

from __future__ import annotations

import resource
from typing import Final

#: What the process needs beside connections: modules, pipes to the compiler, watched folders, exporters.
_OTHER_FILES: Final = 256
_FEWEST: Final = 16


def make_room(connections: int) -> int:
    """Raise this process's soft limit of open files for so many connections; how many there is room for, at most so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    return connections if soft == resource.RLIM_INFINITY else min(connections, max(_FEWEST, soft - _OTHER_FILES))
