"""``docs/reference/cli.md``, made from what the commands say of themselves.

``python -m infrafabric.cli.reference`` writes it; with ``--check`` it only tells, by exit status 1, that the file is
not what would be written. A page written by hand was rejected: it drifts from the first flag on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infrafabric import errors
from infrafabric.cli.app import PROGRAM, LazyGroup, app

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path("docs/reference/cli.md")
_WIDTH = 80

_HEAD = """\
<!-- Made by `python -m infrafabric.cli.reference`: change the commands, not this page. -->

# Command line

Results go to stdout, everything else to stderr. On a terminal a result is a table and JSON is spread over lines; into a
pipe it is JSON on one line, unless `-o table|json|yaml` says otherwise. Text from a module or a guest cannot control
the terminal: what is not printable is shown as an escape there, and reaches a pipe as it is.

An error is one line, `error: ...`, with the cause and the next step; `--debug` adds the traceback. `NO_COLOR` turns
colours off.
"""

_PARAMETERS = """\
## Parameters of a task

| flag | sends |
|---|---|
| none | nothing |
| `--params '[2, 3]'` | the JSON value |
| `--params @request.json` | the JSON value in the file |
| `--params @notes.txt` | the file as it is |
| `--params -` | stdin as it is |
| `--param file=app.py` | an object's key, with a text |
| `--param source=@app.py` | an object's key, with the text of the file |
| `--param 'checks:=["style"]'` | an object's key, with a JSON value |
| `--param options:=@options.json` | an object's key, with the JSON value in the file |

`--params-format json`, `text` or `bytes` says how to read `--params` where this is not what is meant.
"""

_UNITS = """\
## Units

| of | write | means |
|---|---|---|
| sizes | `64Mi`, `1.5GiB`, `500kB`, `10B` | Ki, Mi, Gi are powers of 1024; k, M, G of 1000; a unit is needed |
| durations | `250ms`, `30s`, `1m30s`, `2h`, `30` | ns, us, ms, s, m, h, d; without a unit, seconds |
| shares | `50%`, `50` | of one core |
| rates | `10/s`, `600/min`, `10` | a whole number a second, at least 1 |
| counts | `1000000`, `1_000_000`, `1M` | k, M, G are powers of 1000 |
"""

_COMPLETION = """\
## Shell completion

`infrafabric completion bash` (or `zsh`, `fish`) prints a script that completes commands, flags, files, and the tasks of
the module that stands before. Write it once to where the shell looks: the help of the command says where.
"""

#: What the guest, the caller ... did, for each outcome.
_MEANINGS = {
    errors.Outcome.SUCCESS: "the task succeeded",
    errors.Outcome.TRAP: "the guest trapped",
    errors.Outcome.TIMEOUT: "the deadline passed while the guest ran",
    errors.Outcome.MEMORY_EXCEEDED: "the guest certainly ran out of its memory",
    errors.Outcome.FUEL_EXHAUSTED: "the guest used all its fuel",
    errors.Outcome.GUEST_ERROR: "the guest itself reported a failure",
    errors.Outcome.INVALID_RESULT: "what the guest answered cannot be read",
    errors.Outcome.INVALID_PARAMS: "the parameters do not fit the task",
    errors.Outcome.UNKNOWN_TASK: "the module has no such task",
    errors.Outcome.NOT_LOADED: "no swarm of that id is loaded",
    errors.Outcome.CANCELLED: "the task was cancelled",
    errors.Outcome.RATE_LIMITED: "the rate is used up",
    errors.Outcome.BUSY: "the queue is full, or the task expired in it",
    errors.Outcome.QUARANTINED: "the swarm was shut off by its budget policy",
    errors.Outcome.HOST_EXHAUSTED: "the host has not the memory that the task was promised",
    errors.Outcome.INTERNAL: "something in infrafabric itself failed",
}


def page() -> str:
    """The whole page."""
    helps = "\n".join(f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps())
    return f"{_HEAD}\n{helps}\n{_PARAMETERS}\n{_UNITS}\n{_exit_statuses()}\n{_COMPLETION}"


def _helps() -> Iterator[tuple[str, str]]:
    root = click.Context(
        app, info_name=PROGRAM, terminal_width=_WIDTH, max_content_width=_WIDTH, help_option_names=["-h", "--help"]
    )
    yield PROGRAM, app.get_help(root)
    yield from _helps_of(app, root)


def _helps_of(group: LazyGroup, parent: click.Context) -> Iterator[tuple[str, str]]:
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None:
            continue
        context = click.Context(command, info_name=name, parent=parent)
        yield context.command_path, command.get_help(context)
        if isinstance(command, LazyGroup):
            yield from _helps_of(command, context)


def _exit_statuses() -> str:
    rows = [
        (outcome.exit_code, f"`{outcome.value}`", _MEANINGS[outcome], outcome.blame.value) for outcome in errors.Outcome
    ]
    rows += [
        (1, "", "a check failed: `doctor`, `lint --strict`, `fmt --check`, `breaking`, `export --strict`", "caller"),
        (2, "", "the command line cannot be understood", "caller"),
        (errors.ContractError.exit_code, "", "the contract cannot be used", "caller"),
        (errors.ModuleError.exit_code, "", "the module cannot be loaded", "guest"),
        (74, "", "the output cannot be written", "operator"),
        (130, "", "Ctrl-C", "caller"),
        (141, "", "the reader of the output went away", "caller"),
    ]
    table = "\n".join(f"| {code} | {word} | {meaning} | {blame} |" for code, word, meaning, blame in sorted(rows))
    return f"## Exit status\n\n| status | outcome | meaning | who acts |\n|---|---|---|---|\n{table}\n"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    page_path = Path(__file__).resolve().parents[2] / PAGE
    text = page()
    if "--check" not in sys.argv[1:]:
        page_path.write_text(text, encoding="utf-8")
        return 0
    if page_path.exists() and page_path.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PAGE} is not what the commands say: run python -m infrafabric.cli.reference\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
