"""How exactly a spinning guest is held at its share of a core."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.contenders.ours import chassis, contract
from benchmarks.figures import Row, at_most
from benchmarks.guest_modules import module
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.cpu_share"
_SAMPLE_SECONDS = 0.05
_WINDOW = round(1 / _SAMPLE_SECONDS)
#: Two clocks cannot be read at once; readings that something came between are dropped.
_BOTH_WITHIN_SECONDS = 0.001


def measure(effort: Effort) -> Iterator[Row]:
    """10, 25 and 50 percent, in any one second."""
    for percent in (10, 25, 50):
        seconds = effort.pick(2, 5)
        shares = probe(f"{_HERE}:shares", percent=percent, seconds=seconds)
        most, least, average = max(shares), min(shares), sum(shares) / len(shares)
        for far, share, note in (
            (
                "over",
                most,
                f"{most:.2f} % of a core; {average:.2f} % on average over {len(shares)} windows of a second",
            ),
            ("under", least, f"{least:.2f} % of a core; a machine whose cores others use gives less"),
        ):
            yield Row(
                what=f"a spinner held at {percent} %: the second that is farthest {far}",
                ours=max(0.0, (share - percent) / percent * (100 if far == "over" else -100)),
                unit="% of it",
                bar=at_most(10, "% of it"),
                note=note,
            )


def shares(*, percent: float, seconds: float) -> list[float]:
    """Percent of a core that the guest's thread used in each second, sliding by a twentieth of one."""
    readings: list[tuple[float, float]] = []
    with chassis() as made:
        made.load_swarm("spin", module("spin"), contract("spin", max_cpu_percent=percent))
        thread = threading.Thread(
            target=made.execute_task, args=("spin", "spin"), kwargs={"timeout_seconds": seconds, "check": False}
        )
        thread.start()
        assert thread.ident is not None
        clock = time.pthread_getcpuclockid(thread.ident)
        with contextlib.suppress(OSError):  # the clock of a thread that has just ended is gone
            while thread.is_alive():
                before, cpu, after = time.monotonic(), time.clock_gettime(clock), time.monotonic()
                if after - before < _BOTH_WITHIN_SECONDS:
                    readings.append((before, cpu))
                time.sleep(_SAMPLE_SECONDS)
        thread.join()
    return [
        (cpu - cpu_before) / (at - before) * 100
        for (before, cpu_before), (at, cpu) in zip(readings, readings[_WINDOW:], strict=False)
    ]
