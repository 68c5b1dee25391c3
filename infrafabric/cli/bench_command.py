"""``infrafabric bench``: what a task of your own swarm costs, and what of it is governing."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli import limit_flags, params
from infrafabric.cli.app import Command
from infrafabric.cli.completing import complete_task
from infrafabric.cli.console import say
from infrafabric.cli.guest_log import GUESTS
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.progress import progress
from infrafabric.cli.target import module_option, open_target
from infrafabric.errors import InfraFabricError, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.cli.bench.figures import Measured
    from infrafabric.cli.target import Target

#: A contract runs at most so many tasks of a swarm at once.
_MAX_THREADS = 256


@click.command(
    "bench",
    cls=Command,
    short_help="Measure what a task of a swarm costs.",
    epilog="""\b
Examples:
  infrafabric bench fib.wasm fib '[20]'
  infrafabric bench analyzer.yaml analyze_code @request.json --threads 4
  infrafabric bench linecount.wasm count_lines @notes.txt --seconds 10 -o json""",
)
@click.argument("target_path", metavar="MODULE|CONTRACT", type=click.Path(path_type=Path))
@click.argument("task", shell_complete=complete_task)
@click.argument("params_text", metavar="[PARAMS]", required=False)
@module_option
@click.option(
    "--params-format", type=click.Choice(params.FORMATS), default="auto", help="How to read PARAMS.  [default: auto]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    help="How long to measure, loading aside.  [default: 5]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, _MAX_THREADS),
    default=1,
    help="How many threads run tasks at once.  [default: 1]",
)
@limit_flags.limit_options
@output_option("Print the figures as a table, JSON or YAML.  [default: table on a terminal, else JSON]")
def command(
    *,
    target_path: Path,
    task: str,
    params_text: str | None,
    module_path: Path | None,
    params_format: params.Format,
    seconds: float,
    threads: int,
    output_format: str | None,
    **limits: Any,
) -> None:
    """Measure one TASK of a module or contract: latencies and tasks a second on fresh and on kept instances.

    PARAMS are as in `run --params`: JSON, @FILE, or - for stdin. The same task runs in the bare engine in turn, so that
    what governing costs is seen; where that cannot be done, it is said why. The task runs on threads that are not the
    main one, as in a server. The contract's rate and CPU share are raised while it is measured, and a warning says
    where they are the bound. Nobody listens to the guest's log. A task that fails ends the measurement, as it ends
    `run`.
    """
    from infrafabric.cli.bench.measuring import measure  # noqa: PLC0415 - not for --help
    from infrafabric.cli.bench.shown import show  # noqa: PLC0415 - as above

    target = open_target(target_path, {"resource_limits": limit_flags.given(limits)}, module_path)
    task_params = params.read_params(params_text, params_format, (), flag="PARAMS")
    try:
        with _silent_guests(), progress(f"measuring {escape(str(target_path), 60)} for {seconds:g} s ..."):
            measured = measure(target.module, target.contract, task, task_params, seconds=seconds, threads=threads)
    except InfraFabricError as error:
        for advice in limit_flags.flags_named_in(str(error)):
            error.add_note(advice)
        raise
    print_result(measured.to_dict(), lambda: show(measured), output_format)
    _warn(measured, target)


@contextlib.contextmanager
def _silent_guests() -> Iterator[None]:
    """Nobody listens: a record that is written to a terminal would be most of what is measured."""
    logger, nobody = logging.getLogger(GUESTS), logging.NullHandler()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(nobody)
    try:
        yield
    finally:
        logger.removeHandler(nobody)
        logger.propagate = before


def _warn(measured: Measured, target: Target) -> None:
    """Say what the figures are not."""
    from infrafabric.cli.bench.figures import bounds  # noqa: PLC0415 - as above

    for text in bounds(measured, target.contract.resource_limits, kind="fresh"):
        say("warning", text)
    for kind, figures in measured.kinds.items():
        if figures.not_measured is not None:
            say("note", f"{kind} instances were not measured: {escape(figures.not_measured, 400)}")
        elif figures.bare_not_measured is not None:
            say("note", f"the bare engine was not measured beside {kind}: {escape(figures.bare_not_measured, 400)}")
    if measured.log_dropped:
        say(
            "warning",
            "records of the guest's log were dropped, which is cheaper than to take them; --log-rate allows more",
        )
