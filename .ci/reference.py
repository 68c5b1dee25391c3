"""The parts of the documentation that are made from the code: ``python .ci/reference.py`` writes them into their pages.

A page holds ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``; what stands between is made by the function
of that name in `PARTS`. With ``--check`` nothing is written, and the exit status is 1 when a page is stale. What no
code says (what to do about an outcome, what a WASI function answers) stands here, complete or an error.

A documentation generator (Sphinx, mkdocstrings) was rejected: the pages are read as they are, on a code host.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

import infrafabric
from infrafabric import errors, testing
from infrafabric.chassis import Failure, IFChassis, ServiceContract, TaskFuture, TaskResult, Usage
from infrafabric.contract import ResourceLimits, specs
from infrafabric.engine import LogRecord
from infrafabric.engine.wasi import INERT
from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry import ObjectiveTargets, SloEngine
from infrafabric.wasm import FuncType, ModuleInfo, inspect_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

_PART = re.compile(r"<!-- generated: (?P<name>[a-z-]+) -->\n(?P<text>.*?)<!-- end of generated -->\n", re.DOTALL)

#: Signatures longer than this are spread over lines.
_MAX_SIGNATURE = 100

# --- outcomes --------------------------------------------------------------------------------------

#: What to do when a task ends so.
TO_DO = {
    Outcome.SUCCESS: "use `result.output`",
    Outcome.TRAP: "report it to the guest's author with `result.error.backtrace`; the same input may well trap again",
    Outcome.TIMEOUT: "look at `usage`: raise `max_cpu_percent` if it was throttled, else send less, or raise the time",
    Outcome.MEMORY_EXCEEDED: "send less, or raise `max_memory_mb`",
    Outcome.FUEL_EXHAUSTED: "send less, or raise `max_fuel`",
    Outcome.GUEST_ERROR: "the guest said no: read its log (`result.logs`) and `result.error.guest_code`",
    Outcome.INVALID_RESULT: "report it to the guest's author; check `returns` and `max_payload_mb`",
    Outcome.INVALID_PARAMS: "correct the parameters: the message says what the task takes",
    Outcome.UNKNOWN_TASK: "correct the name: the message lists the tasks",
    Outcome.NOT_LOADED: "load the swarm first",
    Outcome.CANCELLED: "nothing: somebody asked for it",
    Outcome.RATE_LIMITED: "come again after `retry_after_seconds`, or pass `wait=True`",
    Outcome.BUSY: "come again later; raise `max_concurrent_tasks` or `max_queued_tasks` if it happens often",
    Outcome.QUARANTINED: "come again after `retry_after_seconds`",
    Outcome.HOST_EXHAUSTED: "run less at once, lower `max_memory_mb`, or add memory",
    Outcome.INTERNAL: "report it: it is a mistake of infrafabric",
}


def outcomes() -> str:
    """Every way a task can end."""
    rows = [
        (
            f"`{outcome.value}`",
            "-" if outcome.blame is Blame.NOBODY else outcome.blame.value,
            _error_name(outcome),
            _burns(outcome),
            str(outcome.exit_code),
            TO_DO[outcome],
        )
        for outcome in Outcome
    ]
    return table(("outcome", "blamed", "error", "burns budget", "exit", "what to do"), rows)


def _error_name(outcome: Outcome) -> str:
    if outcome is Outcome.SUCCESS:
        return "-"
    kinds: tuple[type[Any], ...] = (errors.SwarmNotLoadedError, *errors.TaskError.__subclasses__())
    return next(f"`{kind.__name__}`" for kind in kinds if kind.outcome is outcome)


def _burns(outcome: Outcome) -> str:
    """What the SLO engine really counts against the swarm's availability."""
    engine = SloEngine(ObjectiveTargets())
    engine.record(outcome)
    return "yes" if engine.snapshot().objective("availability").bad_events else "no"


def error_tree() -> str:
    """The tree of errors as it stands in the module's docstring."""
    block = inspect.getdoc(errors) or ""
    tree = block.split(".. code-block:: text\n\n", 1)[1].split("\n\nArguments live", 1)[0]
    return fence("text", inspect.cleandoc("\n" + tree))


def error_classes() -> str:
    """Every error class, with its stable code and what it carries."""
    rows = [
        (
            f"`{kind.__name__}`",
            f"`{kind.code}`",
            str(kind.exit_code),
            ", ".join(f"`{name}`" for name in vars(kind).get("__annotations__", {}) if name not in _CLASS_FACTS) or "-",
            _first_sentences(kind),
        )
        for kind in _subclasses(errors.InfraFabricError)
    ]
    return table(("error", "`code`", "exit", "carries", "when"), rows)


#: Annotations that say something of a class, not of an instance.
_CLASS_FACTS = frozenset({"code", "exit_code", "outcome"})


def _subclasses(kind: type[errors.InfraFabricError]) -> Iterable[type[errors.InfraFabricError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _subclasses(child)


# --- the guest's environment -----------------------------------------------------------------------

#: What each function of inert WASI does for a guest.
WASI = {
    "args_get": "the arguments of a `command` task, else none",
    "args_sizes_get": "their number and bytes",
    "clock_res_get": "1 ms for each of the four clocks; another clock: `EINVAL`",
    "clock_time_get": "the time in whole milliseconds; another clock: `EINVAL`",
    "environ_get": "nothing: there is no environment",
    "environ_sizes_get": "0 variables, 0 bytes",
    "fd_advise": "`ESPIPE`",
    "fd_allocate": "`EINVAL`",
    "fd_close": "success, and nothing is closed",
    "fd_datasync": "success",
    "fd_fdstat_get": "a character device that can be read and written",
    "fd_fdstat_set_flags": "success, and nothing changes",
    "fd_fdstat_set_rights": "success, and nothing changes",
    "fd_filestat_get": "`EBADF`",
    "fd_filestat_set_size": "`EINVAL`",
    "fd_filestat_set_times": "`EINVAL`",
    "fd_pread": "`ESPIPE`",
    "fd_prestat_dir_name": "`EBADF`: no folder is open",
    "fd_prestat_get": "`EBADF`: no folder is open",
    "fd_pwrite": "`ESPIPE`",
    "fd_read": "standard input: that of a `command` task, else at its end; other streams: `EBADF`",
    "fd_renumber": "`EBADF`",
    "fd_seek": "`ESPIPE`",
    "fd_sync": "success",
    "fd_tell": "`ESPIPE`",
    "fd_write": (
        "standard output and error: to the log, line by line; standard output of a `command` task is its answer; "
        "standard input: `EBADF`. At most 64 KiB a call, so that a short write is a legal answer"
    ),
    "poll_oneoff": (
        "sleeps until the first of the clocks asked for, at most to the deadline; streams are ready at once. At most "
        "1,024 subscriptions, else `EINVAL`"
    ),
    "proc_exit": "ends the task: code 0 of a `command` is success, everything else `guest_error`",
    "random_get": "random bytes",
    "sched_yield": "success",
}


def wasi() -> str:
    """Every WASI function that a guest may import, with its signature and answer."""
    unknown = WASI.keys() ^ INERT.keys()
    if unknown:
        raise LookupError(f"inert WASI and WASI of .ci/reference.py differ in {', '.join(sorted(unknown))}")
    rows = [(f"`{name}`", f"`{FuncType(*INERT[name].signature)}`", WASI[name]) for name in sorted(INERT)]
    return table(("function", "signature", "on the standard streams"), rows)


# --- limits ----------------------------------------------------------------------------------------


def limits() -> str:
    """Every limit with its default, its range and what happens at it."""
    defaults = ResourceLimits()
    rows = [
        (f"`{name}`", _shown(getattr(defaults, name)), _range(spec.kind), spec.broken)
        for name, spec in specs(ResourceLimits).items()
    ]
    return table(("limit", "default", "range", "what happens at it"), rows)


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value:,}"


def _range(kind: Any) -> str:
    low = f"above {kind.minimum:,}" if kind.above else f"{kind.minimum:,}"
    return f"{low} to {kind.maximum:,} {kind.unit}" + (", or null" if kind.nullable else "")


# --- the Python API --------------------------------------------------------------------------------


def api_chassis() -> str:
    """`IFChassis`: its constructor and every public member, in the order of the source."""
    return _class(IFChassis)


def api_result() -> str:
    """What a task gives back."""
    return "\n".join((_class(TaskResult, constructor=False), *map(_record, (Usage, Failure, LogRecord))))


def api_future() -> str:
    """The future of a task."""
    return _class(TaskFuture, members=("cancel",), constructor=False)


def api_contract() -> str:
    """`ServiceContract`, with what it has from the base of a contract's records."""
    inherited = (_function(name, getattr(ServiceContract, name)) for name in ("from_dict", "to_dict", "evolve"))
    return "\n".join((_class(ServiceContract), *inherited))


def api_module() -> str:
    """`inspect_module` and what it returns."""
    return "\n".join((_function("inspect_module", inspect_module, level=3), _record(ModuleInfo), _members(ModuleInfo)))


def api_testing() -> str:
    """The fakes and builders that tests use."""
    parts = []
    for name in testing.__all__:
        member = getattr(testing, name)
        if inspect.isclass(member):
            parts.append(_class(member))
        elif callable(member):
            parts.append(_function(name, member, level=3))
        else:
            parts.append(f"### {name}\n\n`bytes`: {_comment_above(name)}\n")
    return "\n".join(parts)


def api_errors() -> str:
    """Every public name that comes from `infrafabric.errors`."""
    names = [name for name in infrafabric.__all__ if getattr(infrafabric, name) in vars(errors).values()]
    return ", ".join(f"`{name}`" for name in names) + ".\n"


#: Hooks for the base of a contract's records: public only to it.
_INTERNAL = frozenset({"cross_check", "fill"})


def _class(kind: type[Any], *, members: Sequence[str] | None = None, constructor: bool = True) -> str:
    parts = [f"### {kind.__name__}\n"]
    if constructor:
        parts.append(fence("text", _signature(kind.__name__, kind.__init__)))
    return "\n".join((*parts, prose(kind), _members(kind, members)))


def _members(kind: type[Any], members: Sequence[str] | None = None) -> str:
    """The public methods and properties that the class itself defines."""
    parts = []
    for name, member in vars(kind).items():
        if name.startswith("_") or name in _INTERNAL or (members is not None and name not in members):
            continue
        if isinstance(member, property):
            parts.append(f"#### {name}\n\n`{member.fget.__annotations__['return']}`: {prose(member)}")
        elif isinstance(member, classmethod | staticmethod) or inspect.isfunction(member):
            parts.append(_function(name, getattr(kind, name)))
    return "\n".join(parts)


def _function(name: str, function: Callable[..., Any], *, level: int = 4) -> str:
    return f"{'#' * level} {name}\n\n{fence('text', _signature(name, function))}\n{prose(function)}"


def _record(kind: type[Any]) -> str:
    """A record: its docstring and its fields."""
    fields = [field for field in attrs.fields(kind) if not field.name.startswith("_")]
    rows = [(f"`{field.name}`", f"`{_type_name(field.type)}`") for field in fields]
    return f"### {kind.__name__}\n\n{prose(kind)}\n{table(('field', 'type'), rows)}"


def _type_name(kind: Any) -> str:
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _signature(name: str, function: Callable[..., Any]) -> str:
    """The signature as it is written: annotations are text, because annotations are not evaluated here."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in {"self", "cls"}]
    words, starred, slashed = [], False, False
    for parameter in parameters:
        if slashed and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
            words.append("/")
            slashed = False
        slashed = slashed or parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        words.append(_parameter(parameter))
    answer = "" if signature.return_annotation in {"None", inspect.Signature.empty} else signature.return_annotation
    asynchronous = "async " if inspect.iscoroutinefunction(function) else ""
    arrow = f" -> {answer}" if answer else ""
    line = f"{asynchronous}{name}({', '.join(words)}){arrow}"
    if len(line) <= _MAX_SIGNATURE:
        return line
    listed = "".join(f"    {word},\n" for word in words)
    return f"{asynchronous}{name}(\n{listed}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "**" if parameter.kind is inspect.Parameter.VAR_KEYWORD else ""
    text = f"{stars}{parameter.name}"
    if parameter.annotation is not inspect.Parameter.empty:
        text += f": {parameter.annotation}"
    if parameter.default is not inspect.Parameter.empty:
        text += f" = {_default(parameter.default)}"
    return text


def _default(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{}"
    return f"{type(value).__name__}()" if attrs.has(type(value)) else repr(value)


# --- Markdown --------------------------------------------------------------------------------------


def prose(thing: Any) -> str:
    """A docstring as Markdown: its examples become blocks that run, its doubled quotes single ones."""
    text = inspect.getdoc(thing)
    if not text:
        raise LookupError(f"{thing!r} has no docstring")
    paragraphs = []
    for paragraph in text.split("\n\n"):
        if paragraph.lstrip().startswith(">>>"):
            paragraphs.append(fence("python", inspect.cleandoc(paragraph)).rstrip("\n"))
        else:
            paragraphs.append(" ".join(paragraph.replace("``", "`").split()))
    return "\n\n".join(paragraphs) + "\n"


def _first_sentences(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].replace("``", "`").split())


def _comment_above(name: str) -> str:
    """The comment that stands above a constant of `infrafabric.testing`."""
    lines = inspect.getsource(testing).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{name} = "))
    return lines[at - 1].removeprefix("#: ").replace("``", "`")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def fence(language: str, text: str) -> str:
    """A fenced block."""
    return f"```{language}\n{text}\n```\n"


#: What pages may ask for.
PARTS: dict[str, Callable[[], str]] = {
    "outcomes": outcomes,
    "error-tree": error_tree,
    "error-classes": error_classes,
    "wasi": wasi,
    "limits": limits,
    "api-chassis": api_chassis,
    "api-result": api_result,
    "api-future": api_future,
    "api-contract": api_contract,
    "api-module": api_module,
    "api-testing": api_testing,
    "api-errors": api_errors,
}


def filled(text: str) -> str:
    """A page's text with every generated part as the code has it now."""
    return _PART.sub(
        lambda part: (
            f"<!-- generated: {part['name']} -->\n\n{PARTS[part['name']]().strip()}\n\n<!-- end of generated -->\n"
        ),
        text,
    )


def main() -> int:
    """Write what is stale, or with ``--check`` name it."""
    parser = argparse.ArgumentParser(prog="reference.py", description="Write the generated parts of docs/.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    check = parser.parse_args().check
    stale = {}
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            stale[page] = new
    for page, text in stale.items():
        print(f"{page.relative_to(ROOT)} is {'stale' if check else 'written'}")
        if not check:
            page.write_text(text, encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
