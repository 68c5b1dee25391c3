"""``infrafabric serve``: the contracts of a folder as swarms behind HTTP, with their dashboard."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from infrafabric.cli import units
from infrafabric.cli.app import Command
from infrafabric.cli.console import say
from infrafabric.cli.ending import ReportedError
from infrafabric.cli.progress import progress
from infrafabric.cli.token_option import TOKEN_VARIABLE, behind_tls_option, read_token, token_option
from infrafabric.errors import ContractError, escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from infrafabric.chassis import IFChassis
    from infrafabric.server import Deployment, Server, ServerSettings
    from infrafabric.telemetry import Scrape

_MAX_PORT: Final = 65_535
_MAX_DRAIN_SECONDS: Final = 86_400
_MAX_BODY_BYTES: Final = 64 << 20


def _modules(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, Path]:
    """``--module ID=FILE``, by id."""
    found: dict[str, Path] = {}
    for value in values:
        swarm_id, equals, path = value.partition("=")
        if not (equals and swarm_id and path):
            raise click.BadParameter(f"expected ID=FILE, got '{escape(value, 100)}'")
        if swarm_id in found:
            raise click.BadParameter(f"'{escape(swarm_id, 100)}' is given twice")
        found[swarm_id] = Path(path)
    return found


def _drain_seconds(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    return float(_parsed(units.parse_duration, text, 0, _MAX_DRAIN_SECONDS, "a duration from 0 to 1d"))


def _max_body(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    return int(_parsed(units.parse_size, text, 1, _MAX_BODY_BYTES, "a size from 1B to 64MiB"))


def _parsed(parse: Any, text: str, least: int, most: int, expected: str) -> Fraction:
    try:
        value: Fraction = parse(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got '{escape(text, 60)}'") from None
    if not least <= value <= most:
        raise click.BadParameter(f"expected {expected}, got '{escape(text, 60)}'")
    return value


@attrs.frozen(kw_only=True)
class _Options:
    """What the flags say."""

    places: tuple[Path, ...]
    modules: dict[str, Path]
    host: str
    port: int
    token_file: Path | None
    allowed_hosts: tuple[str, ...]
    behind_tls: bool
    state_dir: Path | None
    cache_dir: Path | None
    watch: bool
    drain_seconds: float
    max_body: int
    log_format: str


@click.command(
    "serve",
    cls=Command,
    short_help="Serve swarms over HTTP, with their dashboard.",
    epilog="""\b
Examples:
  infrafabric serve contracts/ --watch
  infrafabric serve analyzer.yaml --port 9000 --state-dir state/
  curl http://127.0.0.1:8080/v1/swarms/adder/tasks/add -H 'Content-Type: application/json' -d '[2, 3]'""",
)
@click.argument("places", metavar="DIR|CONTRACT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--module",
    "modules",
    metavar="ID=FILE",
    multiple=True,
    callback=_modules,
    help="The module of a swarm whose contract names none, or another build. Repeatable.",
)
@click.option("--host", default="127.0.0.1", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, _MAX_PORT), default=8080, help="The port; 0 takes a free one.  [default: 8080]"
)
@token_option
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name under which the server may be asked, such as a proxy's. Repeatable.",
)
@behind_tls_option
@click.option(
    "--state-dir", metavar="DIR", type=click.Path(path_type=Path), help="Keep SLO histories here between runs."
)
@click.option(
    "--cache-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Keep compiled code here; private.  [default: the user's cache]",
)
@click.option("--watch", is_flag=True, help="Take in contracts and modules that change, while tasks run.")
@click.option(
    "--drain-seconds",
    metavar="TIME",
    callback=_drain_seconds,
    default="30",
    help="How long tasks may take to end after SIGTERM.  [default: 30]",
)
@click.option(
    "--max-body",
    metavar="SIZE",
    callback=_max_body,
    default="64MiB",
    help="The largest body of a request; contracts allow less.  [default: 64MiB]",
)
@click.option(
    "--log-format", type=click.Choice(("text", "json")), default="text", help="The log on stderr.  [default: text]"
)
def command(**flags: Any) -> int:
    """Serve every contract in DIR, or each CONTRACT, over HTTP until SIGTERM or Ctrl-C.

    A folder's contracts are the .yaml, .yml, .toml and .json files that lie in it, not in folders below. Each names its
    module. All must load; what is wrong with any of them is reported at once. The dashboard is at /dashboard/, the
    API's description at /openapi.json.

    On loopback addresses everyone on this machine may ask. Any other needs a token. At the end, tasks that run are
    finished first; a second Ctrl-C ends at once. OTEL_* variables send traces and metrics somewhere.
    """
    options = _Options(**flags)
    from infrafabric.dashboard.missing import missing_extra  # noqa: PLC0415 - not for --help

    if missing := missing_extra():
        raise click.UsageError(missing)
    token = read_token(options.token_file)
    from infrafabric.dashboard.guard import check_bind  # noqa: PLC0415 - as above

    try:
        check_bind(options.host, token)  # before anything is loaded
    except ValueError as error:
        raise click.UsageError(_with_flag(str(error), token)) from None
    from infrafabric.cli.serving_log import log_requests  # noqa: PLC0415 - as above
    from infrafabric.telemetry import configure_from_environment  # noqa: PLC0415 - as above

    with (
        log_requests(options.log_format),
        contextlib.closing(configure_from_environment(scraped=True)) as sdk,
        _chassis(options) as chassis,
    ):
        deployment = _loaded(chassis, options)
        _serve(chassis, options, token, deployment, sdk.scrape)
    return 0


def _chassis(options: _Options) -> IFChassis:
    from infrafabric.chassis import IFChassis  # noqa: PLC0415 - not for --help

    try:
        return IFChassis(cache_dir=options.cache_dir, state_dir=options.state_dir)
    except (ValueError, OSError) as error:  # the folders
        raise click.UsageError(escape(str(error), 1000)) from None


def _loaded(chassis: IFChassis, options: _Options) -> Deployment:
    """The contracts, all of them loaded. Raises `ReportedError` that shows everything that is wrong."""
    from infrafabric.server import Deployment  # noqa: PLC0415 - not for --help

    for place in options.places:
        if not place.exists():
            raise click.UsageError(f"there is no file or folder '{escape(str(place), 200)}'")
    deployment = Deployment(chassis, options.places, options.modules)
    with progress("loading swarms ..."):
        failures = deployment.load()
    if failures:
        report = "\n\n".join(failure.report for failure in failures)
        raise ReportedError(report, min((failure.error for failure in failures), key=lambda error: error.exit_code))
    if unused := deployment.unused_modules():
        raise click.UsageError(f"--module: no contract here has the swarm_id '{escape(unused[0], 100)}'")
    if not chassis.list_loaded_swarms() and not options.watch:
        places = ", ".join(escape(str(place), 200) for place in options.places)
        raise ContractError(f"no contract lies in {places}; expected .yaml, .yml, .toml or .json, not in folders below")
    return deployment


def _serve(
    chassis: IFChassis, options: _Options, token: str | None, deployment: Deployment, scrape: Scrape | None
) -> None:
    from infrafabric.server import serve  # noqa: PLC0415 - not for --help

    def say_where(server: Server) -> None:
        count = len(chassis.list_loaded_swarms())
        where = f"{count} swarm{'s' * (count != 1)} at {server.url}; dashboard: {server.url}/dashboard/"
        if options.log_format == "json":
            logging.getLogger("infrafabric.server").info(where)
        else:
            say("note", where)

    try:
        serve(
            chassis,
            _settings(options, token),
            ready=say_where,
            deployment=deployment,
            watch=options.watch,
            scrape=scrape,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        where = f"{escape(options.host, 100)}:{options.port}"
        raise click.UsageError(f"cannot listen on {where}: {error.strerror or error}; choose another --port") from None


def _settings(options: _Options, token: str | None) -> ServerSettings:
    from infrafabric.server import ServerSettings  # noqa: PLC0415 - not for --help

    return ServerSettings(
        host=options.host,
        port=options.port,
        token=token,
        hosts=options.allowed_hosts,
        behind_tls=options.behind_tls,
        drain_seconds=options.drain_seconds,
        max_body_bytes=options.max_body,
    )


def _with_flag(message: str, token: str | None) -> str:
    return message if token is not None else f"{message}; give it with --token-file, or in {TOKEN_VARIABLE}"
