"""``infrafabric run``: load one module under its contract, run one of its tasks, print what came of it."""

from __future__ import annotations

import contextlib
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
from infrafabric.cli.target import Target, module_option, open_target
from infrafabric.contract.fields import specs
from infrafabric.contract.tasks import TaskContract
from infrafabric.errors import (
    ImportDenied,
    InfraFabricError,
    Outcome,
    TaskNotFoundError,
    TaskParamsError,
    escape,
)

if TYPE_CHECKING:
    from infrafabric.chassis import TaskResult

#: A guest paused for more than this part of its time is slow because of its CPU share, and is told so.
_NOTABLE_THROTTLING = 0.1


def _choices(field: str) -> click.Choice[str]:
    """The words that a contract takes for a field of its tasks."""
    return click.Choice(specs(TaskContract)[field].kind.options)  # type: ignore[attr-defined] # it is a Choice


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
    short_help="Run one task of a module, or of a contract's, and print its output.",
    epilog="""\b
Examples:
  infrafabric run arith.wasm add --params '[2, 3]'
  infrafabric run analyzer.wasm analyze_code --param file=app.py --param source=@app.py \\
      --param 'checks:=["security"]'
  cat notes.txt | infrafabric run wc.wasm _start --params - --stats""",
)
@click.argument("target_path", metavar="MODULE|CONTRACT", type=click.Path(path_type=Path))
@click.argument("task", required=False, shell_complete=complete_task)
@module_option
@click.option(
    "--params",
    "params_text",
    metavar="JSON|@FILE|-",
    help="The parameters: JSON, a file, or stdin (-). @x.json is JSON; other files and stdin are sent as they are.",
)
@click.option(
    "--params-format", type=click.Choice(params.FORMATS), default="auto", help="How to read --params.  [default: auto]"
)
@click.option(
    "--param",
    "pairs",
    metavar="KEY=VALUE",
    multiple=True,
    help="One key of an object: KEY=TEXT, KEY=@FILE (the file's text), KEY:=JSON, KEY:=@FILE. Repeatable.",
)
@click.option(
    "--abi",
    type=_choices("abi"),
    help="The calling convention.  [default: detected from the export and the parameters]",
)
@click.option(
    "--returns",
    type=_choices("returns"),
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
    /,
    *,
    target_path: Path,
    task: str | None,
    module_path: Path | None,
    params_text: str | None,
    params_format: params.Format,
    pairs: tuple[str, ...],
    output_format: str | None,
    stats: bool,
    log_level: str,
    **contract_flags: Any,
) -> int:
    """Run one TASK of a module and print its output.

    MODULE is a .wasm file; CONTRACT a .yaml, .toml or .json file, and flags change what it says. The module is the one
    that the contract names, from its own folder and with the digest that it states, or that of --module.
    Without TASK, the tasks of the module are listed. The guest's log goes to stderr as it is written. The exit status
    says how the task ended: see the reference of the command line.
    """
    if task is None:
        raise click.UsageError(_which_task(target_path, module_path))
    with log_to_stderr(log_level):
        try:
            target = open_target(target_path, _contract_changes(task, **contract_flags), module_path)
            task_params = params.read_params(params_text, params_format, pairs)
            ran = _run(target, task, task_params, escape(str(target_path), 60))
        except InfraFabricError as error:
            _advise(error, target_path, module_path)
            raise
    _show(ran, output_format, stats=stats)
    if ran.result.error is None:
        return 0
    failure = ran.result.to_error()
    _advise(failure, target_path, module_path)
    if ran.result.outcome is Outcome.INVALID_PARAMS and (more := params.advice(params_text, params_format, pairs)):
        failure.add_note(more)
    if backtrace := ran.result.error.backtrace:
        if session.debug:
            click.echo(printable(backtrace), err=True)
        else:
            failure.add_note("--debug shows the guest's backtrace")
    raise failure


def _contract_changes(
    task: str, *, abi: str | None, returns: str | None, deterministic: bool, **limits: Any
) -> dict[str, Any]:
    """What the flags say of the contract, as its parts."""
    changes: dict[str, Any] = {"resource_limits": limit_flags.given(limits)}
    if deterministic:
        changes["execution"] = {"deterministic": True}
    promised = {key: value for key, value in (("abi", abi), ("returns", returns)) if value is not None}
    if promised:
        changes["tasks"] = {task: promised}
    return changes


def _run(target: Target, task: str, task_params: Any, shown_path: str) -> Ran:
    from infrafabric.chassis import IFChassis  # noqa: PLC0415 - not for --help
    from infrafabric.telemetry import configure_from_environment  # noqa: PLC0415 - as the chassis

    contract = target.contract
    # Traces and metrics go where OTEL_* say; without such variables nothing of it is imported.
    with contextlib.closing(configure_from_environment()), IFChassis(witness_enabled=False) as chassis:
        started = time.monotonic()
        with progress(f"loading {shown_path} ..."):
            chassis.load_swarm(contract.swarm_id, target.module, contract)
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


def _advise(error: InfraFabricError, path: Path, module_path: Path | None) -> None:
    """Say behind the cause what to do on this command line."""
    for advice in limit_flags.flags_named_in(str(error)):
        error.add_note(advice)
    module = "" if module_path is None else f" --module {escape(str(module_path), 200)}"
    inspect = f"infrafabric inspect {escape(str(path), 200)}{module}"
    if isinstance(error, TaskParamsError | TaskNotFoundError):
        error.add_note(f"{inspect} shows what each task takes")
    elif isinstance(error, ImportDenied):
        error.add_note(f"{inspect} lists every import")


def _which_task(path: Path, module_path: Path | None) -> str:
    from infrafabric.cli.completing import task_names  # noqa: PLC0415 - only this mistake needs it

    names = task_names(open_target(path, {}, module_path).module)
    listed = ", ".join(escape(name, 40) for name in names[:20]) + (" ..." if len(names) > 20 else "")
    return f"which TASK? '{escape(path.name, 60)}' has {listed}" if names else f"'{escape(path.name, 60)}' has no tasks"
