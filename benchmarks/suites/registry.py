"""The suites by name, in the order of the page: what a task costs first, what surrounds it after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from benchmarks.suites import (
    compute,
    cpu_share,
    deadlines,
    density,
    host_calls,
    hot_path,
    http_load,
    loading,
    payloads,
    scaling,
    settings,
    slo,
    smoke,
    startup,
    steps,
    tasks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.curves import Curve
    from benchmarks.figures import Effort, Row
    from benchmarks.grids import Grid


@attrs.frozen
class Suite:
    """A group of rows: its name on the command line, its heading, and what yields its rows, curves and grids."""

    name: str
    title: str
    measure: Callable[[Effort], Iterator[Row | Curve | Grid]]


SUITES = (
    Suite("tasks", "What a task costs", tasks.measure),
    Suite("steps", "Where the time of a task goes", steps.measure),
    Suite("hot-path", "What a task does", hot_path.measure),
    Suite("payloads", "Parameters and results", payloads.measure),
    Suite("host-calls", "What guests say", host_calls.measure),
    Suite("compute", "How fast guests compute", compute.measure),
    Suite("settings", "What each setting of the engine costs", settings.measure),
    Suite("loading", "Loading", loading.measure),
    Suite("startup", "Starting the program", startup.measure),
    Suite("deadlines", "Deadlines and cancelling", deadlines.measure),
    Suite("cpu-share", "The CPU share", cpu_share.measure),
    Suite("slo", "Service level objectives", slo.measure),
    Suite("scaling", "Threads", scaling.measure),
    Suite("http", "Over HTTP", http_load.measure),
    Suite("density", "Many swarms", density.measure),
)

#: Runs only when it is named.
SMOKE = Suite("smoke", "Do the benchmarks run", smoke.measure)
