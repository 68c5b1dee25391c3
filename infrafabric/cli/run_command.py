"""``infrafabric run``: load one module, run one of its tasks, print what came of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.cli import limit_flags, params
from infrafabric.cli.app import Command, Session
from infrafabric.cli.completing import complete_task
from infrafabric.cli.console import printable, say
from infrafabric.cli.guest_log import LEVELS, log_to_stderr
from infrafabric.cli.output import output_option, print_data, print_value
from infrafabric.cli.progress import progress
from infrafabric.cli.target import Target, open_target
from infrafabric.errors import InfraFabricError, Outcome, TaskError, escape

if TYPE_CHECKING:
    from infrafabric.chassis import TaskResult

#: A guest paused for more than this part of its time is slow because of its CPU share, and is told so.
_NOTABLE_THROTTLING = 0.1


@attrs.frozen(kw_only=True)
class Ran:
    """A task that was run: its result, and what else its usage is shown with."""

    target: Target
    params: Any
    load_seconds: float
    result: TaskResult


@click.command(
    "run",
    cls=Command,
    short_help="Run one task of a module and print its output.",
    epilog="""\b
Examples:
  infrafabric run arith.wasm add --params '[2, 3]'
  infrafabric run analyzer.wasm analyze_code --param file=app.py --param source=@app.py \\
      --param 'checks:=["security"]'
  cat notes.txt | infrafabric run wc.wasm _start --params - --stats""",
)
@click.argument("module", type=click.Path(path_type=Path))
@click.argument("task", required=False, shell_complete=complete_task)
@click.option(
    "--params",
    "params_text",
    metavar="JSON|@FILE|-",
    help="The parameters: JSON text, a file, or stdin (-). @x.json is JSON; other files and stdin are sent as they are.",
)
@click.option(
    "--params-format", type=click.Choice(params.FORMATS), default="auto", help="How to read --params.  [default: auto]"
)
@click.option(
    "--param",
    "pairs",
    metavar="KEY=VALUE",
    multiple=True,
    help="One key of an object of parameters: KEY=TEXT, KEY=@FILE (the file's text), KEY:=JSON, KEY:=@FILE. Repeatable.",
)
@click.option(
    "--abi",
    type=click.Choice(("scalar", "buffer", "cstring", "lenptr", "command")),
    help="The calling convention.  [default: detected from the export and the parameters]",
)
@click.option(
    "--returns",
    type=click.Choice(("auto", "json", "text", "bytes", "number")),
    help="How to read the answer.  [default: auto: JSON if it is, else text, else bytes]",
)
@limit_flags.limit_options
@click.option("--deterministic", is_flag=True, help="Frozen clock, seeded random numbers, canonical NaNs.")
@output_option("Print the whole result, not only its output.")
@click.option("--stats", is_flag=True, help="Show what was used of each limit, on stderr.")
@click.option(
    "--log-level",
    type=click.Choice(tuple(LEVELS)),
    default="info",
    help="The guest's log on stderr: from this level up.  [default: info]",
)
@click.pass_obj
def command(  # noqa: PLR0913 - one parameter a flag
    session: Session,
    *,
    module: Path,
    task: str | None,
    params_text: str | None,
    params_format: params.Format,
    pairs: tuple[str, ...],
    abi: str | None,
    returns: str | None,
    deterministic: bool,
    output_format: str | None,
    stats: bool,
    log_level: str,
    **limits: Any,
) -> int:
    """Run one TASK of MODULE, a .wasm file, and print its output.

    Without TASK, the tasks that the module has are listed. The guest's log goes to stderr as it is written. The exit
    status says how the task ended: see the reference of the command line.
    """
    if task is None:
        raise click.UsageError(_which_task(module))
    changes: dict[str, Any] = {"resource_limits": limit_flags.given(limits)}
    if deterministic:
        changes["execution"] = {"deterministic": True}
    promised = {key: value for key, value in (("abi", abi), ("returns", returns)) if value is not None}
    if promised:
        changes["tasks"] = {task: promised}
    target = open_target(module, changes)
    task_params = params.read_params(params_text, params_format, pairs)
    with log_to_stderr(log_level):
        ran = _run(target, task, task_params, str(module))
    _show(ran, output_format, stats=stats)
    result = ran.result
    if result.error is not None:
        if session.debug and result.error.backtrace:
            click.echo(printable(result.error.backtrace), err=True)
        error = result.to_error()
        _advise(error, str(module), debug=session.debug)
        raise error
    return 0


def _run(target: Target, task: str, task_params: Any, path: str) -> Ran:
    from infrafabric.chassis import IFChassis  # noqa: PLC0415 - not for --help

    contract = target.contract
    with IFChassis(witness_enabled=False) as chassis:
        started = time.monotonic()
        try:
            with progress(f"loading {escape(path, 60)} ..."):
                chassis.load_swarm(contract.swarm_id, target.module, contract)
        except InfraFabricError as error:
            _advise(error, path, debug=True)
            raise
        load_seconds = time.monotonic() - started
        result = chassis.execute_task(contract.swarm_id, task, task_params, check=False)
    # The chassis is closed: every line of the guest's log has been written.
    return Ran(target=target, params=task_params, load_seconds=load_seconds, result=result)


def _show(ran: Ran, output_format: str | None, *, stats: bool) -> None:
    result = ran.result
    if output_format == "table":
        from infrafabric.cli.usage_table import print_result_table  # noqa: PLC0415 - rich is slow to import

        print_result_table(result)
    elif output_format is not None:
        print_data(result.to_dict(), output_format)
    elif result.ok:
        print_value(result.output)
    if stats:
        from infrafabric.cli.usage_table import print_usage  # noqa: PLC0415 - as above

        print_usage(ran.target, ran.params, ran.load_seconds, result)
    usage = result.usage
    if usage.throttled_seconds > _NOTABLE_THROTTLING * result.execution_time_seconds:
        share = ran.target.contract.resource_limits.max_cpu_percent
        say(
            "note",
            f"its CPU share of {share:g}% paused the guest for {usage.throttled_seconds:.2f} s "
            f"of {result.execution_time_seconds:.2f} s; --cpu changes it",
        )
    if usage.log_dropped:
        say("note", f"{usage.log_dropped:,} records of its log were dropped; --log-rate allows more")


def _advise(error: InfraFabricError, path: str, *, debug: bool) -> None:
    """Say behind the cause what to do on this command line."""
    for advice in limit_flags.flags_named_in(str(error)):
        error.add_note(advice)
    outcome = error.outcome if isinstance(error, TaskError) else None
    inspect = f"infrafabric inspect {escape(path, 200)}"
    if outcome in (Outcome.INVALID_PARAMS, Outcome.UNKNOWN_TASK):
        error.add_note(f"{inspect} shows what each task takes")
    elif error.code == "import_denied":
        error.add_note(f"{inspect} lists every import")
    elif outcome is Outcome.TRAP and not debug and getattr(error, "backtrace", ""):
        error.add_note("--debug shows the guest's backtrace")


def _which_task(path: Path) -> str:
    from infrafabric.cli.completing import task_names  # noqa: PLC0415 - only this mistake needs it
    from infrafabric.cli.target import read_module_file  # noqa: PLC0415 - as above

    names = task_names(read_module_file(path))
    listed = ", ".join(escape(name, 40) for name in names[:20]) + (" ..." if len(names) > 20 else "")
    return f"which TASK? '{escape(path.name, 60)}' has {listed}" if names else f"'{escape(path.name, 60)}' has no tasks"
