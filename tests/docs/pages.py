"""Find the project's pages, turn one into steps, and run them in a process and a folder of their own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guests.build import _find as find_command
from guests.manifest import load_guests
from tests.docs.blocks import Action, Block, Page, PageError, read_console, read_page

ROOT = Path(__file__).resolve().parents[2]

#: What a page may name relative to the root of the repository; the page gets its own copy.
SHARED_FOLDERS = ("contracts", "examples", "guests", "schemas")

#: Ports that pages serve on. Elsewhere somebody may listen there, so a page is run with a free one in place of each.
_PAGE_PORT = re.compile(r"\b818[0-9]\b")
#: Free ones come from here: four digits keep columns in place, and no program is given one of these for port 0.
_FREE_PORTS = range(5000, 10_000)

#: A page that builds a guest in a cold cache is slow; one that hangs is wrong.
PAGE_TIMEOUT_SECONDS = 300


def page_paths() -> tuple[Path, ...]:
    """Every page whose blocks run and whose links are followed: those at the root, and all of docs/."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def load_page(path: Path) -> Page:
    """Read one page; its name is its path from the root of the repository."""
    return read_page(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


@attrs.frozen
class PageRun:
    """How a page's process ended. ``output`` is its stdout and stderr in order; status None means out of time."""

    status: int | None
    output: str

    @property
    def leaked(self) -> bool:
        """True when something that the page opened was not closed."""
        return "ResourceWarning" in self.output or "Exception ignored in" in self.output


def run_page(page: Page, folder: Path, *, timeout_seconds: float = PAGE_TIMEOUT_SECONDS) -> PageRun:
    """Run every block of ``page`` with the empty ``folder`` as its current one."""
    steps = page_steps(page)
    if not steps:
        return PageRun(0, "")
    work, state = folder / "page", folder / "state"
    work.mkdir()
    state.mkdir()
    for name in SHARED_FOLDERS:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns(".*", "node_modules", "target", "__pycache__")
            shutil.copytree(ROOT / name, work / name, ignore=ignored)
    plan = state / "steps.json"
    plan.write_text(with_free_ports(json.dumps({"page": page.name, "steps": steps})), encoding="utf-8")
    with (state / "output").open("w+b") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-W", "default", str(Path(__file__).with_name("page_process.py")), str(plan)],
            cwd=work,
            env=_environment(_programs(page, state)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what the page leaves running ends with it
        )
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill_session(process)
        out.seek(0)
        return PageRun(status, out.read().decode("utf-8", "replace"))


def with_free_ports(text: str) -> str:
    """The text with a free port in place of each that pages serve on, the same wherever it stands."""
    # In an order of its own each time: pages that run at the same time take different ones.
    shuffled = random.sample(_FREE_PORTS, len(_FREE_PORTS))
    free = (str(port) for port in shuffled if not _PAGE_PORT.fullmatch(str(port)) and _is_free(port))
    ports = dict(zip(sorted(set(_PAGE_PORT.findall(text))), free, strict=False))
    return _PAGE_PORT.sub(lambda found: ports[found[0]], text)


def _is_free(port: int) -> bool:
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def page_steps(page: Page) -> list[dict[str, Any]]:
    """Turn a page into what its process understands; raise `PageError` for data that does not parse."""
    steps: list[dict[str, Any]] = []
    for block in page.blocks:
        step: dict[str, Any] = {"line": block.line, "text": block.text, "file": str(ROOT / page.name)}
        if block.language in {"json", "toml", "yaml"} and block.action is not Action.SKIP:
            _parse(page, block)
        if block.action is Action.RUN:
            step["kind"] = block.language
            if block.language == "console":
                step["commands"] = [attrs.asdict(command) for command in read_console(page.name, block)]
        elif block.action is Action.WRITE:
            step |= {"kind": "write", "path": block.argument}
        elif block.action is Action.COMPARE:
            step["kind"] = "compare"
        else:
            continue
        steps.append(step)
    return steps


def _parse(page: Page, block: Block) -> None:
    if "..." in block.text and block.action is Action.COMPARE:
        return  # elided output is compared, not parsed
    try:
        match block.language:
            case "json":
                json.loads(block.text)
            case "toml":
                tomllib.loads(block.text)
            case _:
                list(YAML(typ="safe", pure=True).load_all(io.StringIO(block.text)))
    except (ValueError, YAMLError) as error:
        raise PageError(page.name, block.line, f"not {block.language}: {error}") from error


def _programs(page: Page, state: Path) -> Path:
    """A folder with the compilers that the page requires, each under the name that readers know it by.

    Here one may come as ``python -m ziglang``, or stand behind another on PATH that has no wasm target.
    """
    programs = state / "bin"
    programs.mkdir()
    toolchains = {guest.toolchain.tool.name: guest.toolchain for guest in load_guests().values()}
    for name in set(page.requires) & set(toolchains):
        command, _target = find_command(toolchains[name])
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return programs


def _environment(programs: Path) -> dict[str, str]:
    own_programs = Path(sys.executable).parent
    return os.environ | {
        "PATH": os.pathsep.join((str(programs), str(own_programs), os.environ.get("PATH", os.defpath))),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
