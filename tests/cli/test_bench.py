"""``infrafabric bench``: figures that hang together, what bounds them, and why some were not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.chassis import ServiceContract
from infrafabric.cli.bench.figures import Figures, Measured, bounds
from infrafabric.cli.bench.measuring import measure
from infrafabric.contract.resource_limits import ResourceLimits
from infrafabric.errors import TaskTrapped
from infrafabric.testing import wat
from tests.cli.program import Ended, guest, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]

_SHORT = ("--seconds", "0.3")


def test_figures_hang_together(infrafabric: Run) -> None:
    """Percentiles rise, the bare engine is quicker than a governed task, and steps add up to about a task."""
    ended = infrafabric("bench", guest("fib"), "fib", "[12]", *_SHORT)
    assert ended.status == 0, ended
    told = ended.json
    assert (told["swarm_id"], told["task"], told["threads"]) == ("fib", "fib", 1)
    assert 0.2 < told["seconds"] < 10
    for kind in ("fresh", "kept"):
        figures = told["kinds"][kind]
        assert figures["not_measured"] is None
        assert 0 < figures["p50_us"] <= figures["p90_us"] <= figures["p99_us"] <= figures["max_us"]
        assert figures["tasks"] > 10
        assert 0 < figures["bare_p50_us"] < figures["p50_us"]
        steps = figures["steps"]
        whole = steps["admit_us"] + steps["run_us"] + steps["record_us"]
        assert 0.3 * figures["p50_us"] < whole < 3 * figures["p50_us"]
        assert (steps["engine_instance_us"] is None) is (kind == "kept")


def test_a_table_is_for_people(infrafabric: Run) -> None:
    """The same figures under headings, with the bound of the contract's rate behind them."""
    shown = show("bench", guest("fib"), "fib", "[12]", *_SHORT, columns=100)
    assert shown.status == 0, shown.text
    assert "fib.fib: 1 thread" in shown.text
    for heading in ("tasks/s", "p99", "bare p50", "prepare, admit", "record, result", "peak memory of the guest"):
        assert heading in shown.text
    assert "warning: max_api_calls_per_second 10 is the bound under this contract" in " ".join(shown.text.split())
    quiet = infrafabric("bench", guest("fib"), "fib", "[12]", *_SHORT, "--rate", "100000/s", "--cpu", "100%")
    assert "max_api_calls_per_second" not in quiet.err


@pytest.mark.parametrize(
    ("rate", "cpu", "named"),
    [
        (1000, 100, []),
        (999, 100, ["max_api_calls_per_second 999 is"]),
        (1000, 25, []),
        (1000, 24, ["max_cpu_percent 24 is"]),
        (10, 1, ["max_api_calls_per_second 10 is", "max_cpu_percent 1 is"]),
    ],
    ids=["neither", "the rate, just", "the share, just not", "the share, just", "both"],
)
def test_a_limit_that_bounds_the_figure_is_named(rate: int, cpu: int, named: list[str]) -> None:
    """1,000 tasks/s of 250 us CPU time each take a quarter of a core: less of either is the bound."""
    figures = Figures(tasks=1000, tasks_per_second=1000.0)
    measured = Measured(
        swarm_id="a", task="b", threads=1, seconds=1.0, peak_memory_bytes=0, cpu_us=250.0, log_dropped=0,
        kinds={"fresh": figures},
    )  # fmt: skip
    limits = ResourceLimits(max_api_calls_per_second=rate, max_cpu_percent=cpu)
    told = list(bounds(measured, limits, kind="fresh"))
    assert len(told) == len(named)
    assert all(text.startswith(start) for text, start in zip(told, named, strict=True))


def test_threads_run_tasks_at_once(infrafabric: Run) -> None:
    """A swarm with one task at a time is given as many places as there are threads."""
    told = infrafabric("bench", guest("fib"), "fib", "[12]", *_SHORT, "--threads", "3").json
    assert told["threads"] == 3
    assert all(told["kinds"][kind]["tasks"] >= 3 for kind in ("fresh", "kept"))


def test_what_cannot_be_measured_is_said(infrafabric: Run) -> None:
    """No place for bytes in a kept instance; no bare engine for what needs more of the host than a call."""
    simple = infrafabric("bench", guest("linecount-simple"), "count_lines", '"a"', *_SHORT)
    assert simple.status == 0, simple
    assert "takes bytes only through its allocator" in simple.json["kinds"]["kept"]["not_measured"]
    assert "note: kept instances were not measured" in simple.err
    assert simple.json["kinds"]["fresh"]["bare_p50_us"] > 0
    lenptr = infrafabric("bench", guest("upper"), "process", '"a"', *_SHORT)
    assert lenptr.status == 0, lenptr
    assert lenptr.json["kinds"]["fresh"]["bare_p50_us"] is None
    assert "the bare engine was not measured beside fresh: tasks by 'lenptr'" in lenptr.err
    metered = infrafabric("bench", guest("fib"), "fib", "[12]", *_SHORT, "--fuel", "1M")
    assert "metered and deterministic code" in metered.err


def test_the_guests_own_words_are_not_printed(infrafabric: Run) -> None:
    """A log that reaches a terminal would be most of what is measured; dropped records are told."""
    ended = infrafabric("bench", guest("linecount"), "count_lines", '"a"', *_SHORT, "--log-rate", "10B/s")
    assert ended.status == 0, ended
    assert "counted 1 lines" not in ended.err
    assert "records of the guest's log were dropped" in ended.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("divmod", "[1, 0]"), 10, "divided an integer by zero"),
        (("subtract", "[1, 0]"), 2, "not exported by swarm 'arith'"),
        (("add", "[1]"), 2, "add"),
        (("add", "[1, 2"), 2, "error: PARAMS is not JSON"),
        (("add", "@missing.json"), 2, "error: PARAMS: cannot read 'missing.json'"),
        (("add", "[1, 2]", "--seconds", "0"), 2, "--seconds"),
        (("add", "[1, 2]", "--threads", "0"), 2, "--threads"),
    ],
    ids=["a trap", "no such task", "wrong parameters", "no JSON", "no file", "no time", "no thread"],
)
def test_a_task_that_fails_ends_the_measurement(
    infrafabric: Run, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """As it ends ``run``: with its status, one line on stderr, and no figures."""
    ended = infrafabric("bench", guest("arith"), *arguments)
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err


def test_a_swarm_may_be_called_as_a_measured_one_is(infrafabric: Run, tmp_path: Path) -> None:
    """The names that the measurement gives kept instances make room for the contract's own."""
    (tmp_path / "kept.yaml").write_text("swarm_id: kept-0\nversion: 1.0.0\n")
    ended = infrafabric(
        "bench", tmp_path / "kept.yaml", "fib", "[12]", "--module", guest("fib"), "--threads", "2", *_SHORT
    )
    assert ended.status == 0, ended
    assert [ended.json["kinds"][kind]["not_measured"] for kind in ("fresh", "kept")] == [None, None]


def test_a_guest_that_fails_later_is_not_measured_on() -> None:
    """Its third task traps: the figures of two would say something else than what was asked."""
    counting = wat("""(module (global $n (mut i32) (i32.const 0))
      (func (export "run") (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (if (i32.gt_u (global.get $n) (i32.const 3)) (then unreachable))))""")
    with pytest.raises(TaskTrapped):
        measure(counting, ServiceContract("counting"), "run", None, seconds=0.3, threads=1)


def test_the_module_and_limits_of_a_contract_are_used(infrafabric: Run, tmp_path: Path) -> None:
    """The file's own limits bound the figures."""
    contract = tmp_path / "fib.yaml"
    (tmp_path / "fib.wasm").write_bytes(guest("fib").read_bytes())
    contract.write_text(
        'swarm_id: my-fib\nversion: 1.0.0\ncapabilities: ["testing:performance"]\n'
        "module: {path: fib.wasm}\nresource_limits: {max_api_calls_per_second: 7}\n"
    )
    ended = infrafabric("bench", contract, "fib", "[12]", *_SHORT)
    assert ended.json["swarm_id"] == "my-fib"
    assert "max_api_calls_per_second 7 is the bound" in ended.err
