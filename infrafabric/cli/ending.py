"""How a command line ends: whatever happens becomes one line on stderr and an exit status.

0-24 and 70 are the statuses of `infrafabric.errors` (2 is also a command line that cannot be understood), 74 is output
that cannot be written, 130 Ctrl-C, 141 a reader of the output that went away. The next step stands behind the cause; a
command adds it with ``error.add_note``, so that the library's errors need not know of flags.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import COMPLETE_VARIABLE, PROGRAM, Session, app
from infrafabric.cli.console import printable, say
from infrafabric.errors import ContractValidationError, InfraFabricError, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USAGE = 2
UNWRITTEN = 74
INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

#: What stdout answers when it takes nothing more. Input is read, and code compiled, where their errors are known.
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


class ReportedError(Exception):
    """An error that shows itself over several lines: ``report`` is safe text, ``cause`` gives the status."""

    def __init__(self, report: str, cause: InfraFabricError) -> None:
        super().__init__(report, cause)
        self.report = report
        self.cause = cause


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    session = Session()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without µ is no reason to fail
    try:
        status = _invoke(sys.argv[1:] if arguments is None else list(arguments), session)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except BaseException as error:  # noqa: BLE001 - this is where every error ends
        status = _report(error, session)
    return status


def _invoke(arguments: list[str], session: Session) -> int:
    instruction = os.environ.get(COMPLETE_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete  # noqa: PLC0415 - only shells ask

        return shell_complete(app, {}, PROGRAM, COMPLETE_VARIABLE, instruction)
    with app.make_context(PROGRAM, arguments, obj=session) as context:
        return app.invoke(context) or 0


def _report(error: BaseException, session: Session) -> int:
    """Say what happened, with its traceback under ``--debug``; return the status."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    try:
        if session.debug:
            traceback.print_exception(error)
        if isinstance(error, ReportedError):
            click.echo(printable(error.report), err=True)
        else:
            for line in _lines(error):
                say("error", line)
    except OSError:  # stderr cannot be written either
        pass
    if isinstance(error, OSError):
        _drop_output()
    return _status(error)


def _status(error: BaseException) -> int:
    if isinstance(error, ReportedError):
        return error.cause.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return USAGE
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return UNWRITTEN
    return error.exit_code if isinstance(error, InfraFabricError) else INTERNAL


def _lines(error: BaseException) -> Iterator[str]:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        yield "interrupted"
    elif isinstance(error, click.ClickException):
        yield _sentence(error.format_message().rstrip("."), *_help_of(error))
    elif isinstance(error, ContractValidationError):
        for problem in error.problems:
            yield _sentence(str(problem), *([problem.fix] if problem.fix else []), *getattr(error, "__notes__", ()))
    elif isinstance(error, InfraFabricError):
        yield _sentence(str(error), *getattr(error, "__notes__", ()))
    elif isinstance(error, OSError) and error.errno in _UNWRITABLE:
        yield _sentence(f"the output cannot be written: {error.strerror}")
    else:
        what = f"internal: {type(error).__name__}: {error}"
        yield _sentence(what, "this is a mistake in infrafabric; --debug shows the traceback to report")


def _help_of(error: click.ClickException) -> list[str]:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return [f"see {context.command_path} --help"] if context is not None else []


def _sentence(*parts: str) -> str:
    """Cause and next steps on one line. Everything in it may have come from outside."""
    return escape("; ".join(" ".join(part.split()) for part in parts), limit=8192)


def _drop_output() -> None:
    """Point stdout and stderr that take nothing at nothing, so that Python's last flush has nothing to say either."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(null, stream.fileno())
    os.close(null)
