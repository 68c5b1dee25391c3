"""Builds the example guests from source: ``python guests/build.py``, or `build_guest` from a test.

Compilers run in the directory of the guests, on relative paths, with fixed flags: the same toolchain gives the same
bytes everywhere, and nothing of this machine gets into them (`build_guest` looks). A Makefile would need a shell, and
could not tell a missing toolchain from a broken source.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from guests.built import record_build
from guests.manifest import GUESTS, Guest, Toolchain, load_guests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: After this a compiler is stopped.
TIMEOUT_SECONDS = 600

_README = GUESTS / "README.md"
_TABLES_BEGIN, _TABLES_END = "<!-- tables: build.py --readme -->\n", "<!-- end of tables -->\n"


class BuildError(RuntimeError):
    """A guest did not build; the text has the command and the compiler's own words."""


class MissingToolError(BuildError):
    """A guest's toolchain is not installed; the text has the command that installs it."""


def build_guest(name: str, out_dir: Path | None = None) -> Path:
    """The path of the guest's freshly built module: ``out_dir/<name>.wasm``, by default beside its source.

    Raises:
        KeyError: the manifest has no such guest.
        MissingToolError: its toolchain is not installed.
        BuildError: the compiler failed, or left a path of this machine in the module.
    """
    guest = load_guests()[name]
    command, target = _find(guest.toolchain)
    destination = (out_dir / f"{name}.wasm").resolve() if out_dir else guest.wasm
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=destination.parent) as work:
        out = Path(work, f"{name}.wasm")
        places = {"source": guest.sources[0], "directory": name, "out": str(out), "target": target}
        ran = _run([*command, *_fill(guest.toolchain.build, places, guest.flags)], guest.toolchain)
        if ran.returncode:
            raise BuildError(f"guest '{name}' did not build: {shlex.join(ran.args)}\n{ran.stdout}{ran.stderr}")
        _refuse_paths(name, out.read_bytes(), [GUESTS, Path(work), Path.home()])
        out.chmod(0o644)
        out.replace(destination)
    if destination == guest.wasm:
        record_build(guest)
    return destination


def missing_tool(name: str) -> str | None:
    """None if the guest's toolchain is complete, else a sentence with the command that installs it.

    Raises:
        KeyError: the manifest has no such guest.
    """
    try:
        _find(load_guests()[name].toolchain)
    except MissingToolError as error:
        return str(error)
    return None


def tables() -> str:
    """The guests and their toolchains as two Markdown tables, as they stand in README.md."""
    guests = load_guests().values()
    rows = [
        (f"[{guest.name}]({guest.sources[0]})", guest.toolchain.language, _tasks(guest), guest.shows)
        for guest in guests
    ]
    toolchains = dict.fromkeys(guest.toolchain for guest in guests)
    installs = [(chain.language, f"`{chain.tool.name}`", f"`{chain.tool.install}`") for chain in toolchains]
    by_name = _table(("guest", "language", "tasks", "what it shows"), rows)
    return f"{by_name}\n{_table(('language', 'tool', 'install'), installs)}"


def _find(toolchain: Toolchain) -> tuple[tuple[str, ...], str]:
    return _find_command(toolchain, os.environ.get(toolchain.tool.variable))


@cache
def _find_command(toolchain: Toolchain, override: str | None) -> tuple[tuple[str, ...], str]:
    """The first command that passes the toolchain's probe, and the target it passes with."""
    commands = [shlex.split(override)] if override else [_fill(words, {}) for words in toolchain.tool.commands]
    for first, *rest in commands:
        for program in _programs(first):
            for target in toolchain.targets:
                if _passes_probe([program, *rest], toolchain, target):
                    return (program, *rest), target
    tried = ", ".join(f"`{shlex.join(_fill(words, {'python': 'python'}))}`" for words in toolchain.tool.commands)
    tried = f"`{override}`" if override else tried
    target = f" for {toolchain.targets[0]}" if toolchain.targets[0] else ""
    raise MissingToolError(
        f"{toolchain.language} needs {toolchain.tool.name}{target}; missing or incomplete here: {tried}. "
        f"Install it with `{toolchain.tool.install}`, or name a command in {toolchain.tool.variable}."
    )


def _programs(name: str) -> Iterator[str]:
    """Where the program may be: this environment, the project's node modules, PATH, the system."""
    places = (str(Path(sys.executable).parent), str(GUESTS.parent / ".ci/node_modules/.bin"), None, "/usr/bin")
    return (found for place in places if (found := shutil.which(name, path=place)))


def _passes_probe(command: Sequence[str], toolchain: Toolchain, target: str) -> bool:
    with tempfile.TemporaryDirectory() as work:
        empty = Path(work, "empty")
        empty.touch()
        places = {"empty": str(empty), "out": str(Path(work, "out.wasm")), "target": target}
        return _run([*command, *_fill(toolchain.probe, places)], toolchain).returncode == 0


def _run(command: list[str], toolchain: Toolchain) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=GUESTS,
            env={**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0", **dict(toolchain.env)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{shlex.join(command)} did not run to its end: {error}") from error


def _fill(words: Iterable[str], places: Mapping[str, str], flags: Sequence[str] = ()) -> list[str]:
    """The words with every ``{place}`` filled in, and ``{flags}`` by as many words as there are flags."""
    known = {"guests": str(GUESTS), "python": sys.executable, **places}
    filled: list[str] = []
    for word in words:
        filled.extend(flags if word == "{flags}" else [word.format_map(known)])
    return filled


def _refuse_paths(name: str, module: bytes, paths: Iterable[Path]) -> None:
    for path in paths:
        if any(f"{path}/".encode(encoding) in module for encoding in ("utf-8", "utf-16-le")):
            raise BuildError(f"guest '{name}' has a path of this machine inside: {path}. Give relative paths.")


def _tasks(guest: Guest) -> str:
    """The tasks, each convention named once: `` `add`, `mul`: scalar``."""
    by_abi: dict[str, list[str]] = {}
    for task, abi in guest.tasks.items():
        by_abi.setdefault(abi, []).append(f"`{task}`")
    return "; ".join(f"{', '.join(tasks)}: {abi}" for abi, tasks in by_abi.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if something that was asked for is missing, stale or did not build."""
    parser = argparse.ArgumentParser(prog="build.py", description="Builds the example guests from source.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="guests; all whose toolchain is installed if none")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the modules go; beside their sources if left out"
    )
    parser.add_argument("--list", action="store_true", help="print the guests and their toolchains, build nothing")
    parser.add_argument("--check-tools", action="store_true", help="say which toolchains are missing, build nothing")
    parser.add_argument("--readme", action="store_true", help="write the tables of README.md, build nothing")
    parser.add_argument("--check", action="store_true", help="with --readme: only tell whether they are up to date")
    options = parser.parse_args(arguments)
    guests = load_guests()
    if unknown := [name for name in options.names if name not in guests]:
        parser.error(f"no guest is called {', '.join(unknown)}; there are {', '.join(guests)}")
    names = options.names or list(guests)
    if options.list:
        print(tables(), end="")
        return 0
    if options.readme:
        return _update_readme(only_check=options.check)
    if options.check_tools:
        return _check_tools(guests[name].toolchain for name in names)
    return _build_all(names, options.out, may_skip=not options.names)


def _check_tools(toolchains: Iterable[Toolchain]) -> int:
    status = 0
    for toolchain in dict.fromkeys(toolchains):
        try:
            command, _ = _find(toolchain)
            print(f"{toolchain.name}: {shlex.join(command)}")
        except BuildError as error:
            print(f"{toolchain.name}: {error}", file=sys.stderr)
            status = 1
    return status


def _build_all(names: Iterable[str], out_dir: Path | None, *, may_skip: bool) -> int:
    status = 0
    for name in names:
        try:
            module = build_guest(name, out_dir)
            print(f"{name}: {module.stat().st_size:,} bytes, {os.path.relpath(module)}", flush=True)
        except MissingToolError as error:
            print(f"{name} is {'skipped' if may_skip else 'not built'}: {error}", file=sys.stderr)
            status |= not may_skip
        except BuildError as error:
            print(error, file=sys.stderr)
            status = 1
    return status


def _update_readme(*, only_check: bool) -> int:
    old = _README.read_text(encoding="utf-8")
    before, _, rest = old.partition(_TABLES_BEGIN)
    _, _, after = rest.partition(_TABLES_END)
    new = f"{before}{_TABLES_BEGIN}\n{tables()}\n{_TABLES_END}{after}"
    if new == old:
        return 0
    if not only_check:
        _README.write_text(new, encoding="utf-8")
    return int(only_check)


if __name__ == "__main__":
    sys.exit(main())
