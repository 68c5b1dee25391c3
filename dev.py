#!/usr/bin/env python3
"""Set up the project and run it.

``python3 dev.py demo`` shows a swarm at work, ``python3 dev.py test`` runs every gate.

Needs nothing but Python 3.11 or newer. The first run creates ``.venv`` beside this file and installs the project
into it; later runs do that again only when the dependencies in pyproject.toml changed. A Makefile was rejected: it
neither finds a Python that is new enough nor says what to install when there is none.

Older Pythons have to get as far as the message that they are too old, so this file keeps to their syntax.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "dev-stamp.json"
LOCK = ROOT / ".dev.lock"

OLDEST = (3, 11)
DEMO = "examples/01_analyze_source.py"
GATES = ".ci/gates.py"


def main() -> None:
    """Read the command line, set up what the command needs, and become that command."""
    parser = argparse.ArgumentParser(prog="dev.py", description="Set up infrafabric and run it.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    demo = commands.add_parser("demo", help="analyze a source file with a swarm compiled from Rust")
    demo.add_argument("arguments", nargs="*", metavar="FILE", help="the file to analyze, instead of a sample")
    test = commands.add_parser("test", help="run every gate that CI runs: format, lint, types, tests, wheel")
    test.add_argument("gates", nargs="*", metavar="GATE", help="only these gates (test --list names them)")
    test.add_argument("--list", action="store_true", help="list the gates and stop")
    commands.add_parser("fix", help="format, apply safe lint fixes and rebuild generated files")
    commands.add_parser("setup", help="only set up .venv for development")
    arguments = parser.parse_args(sys.argv[1:] or ["--help"])

    refuse_unfit_python()
    extra = "" if arguments.command == "demo" else "dev"
    with only_one_at_a_time():
        set_up(extra)
    if arguments.command == "demo":
        become(DEMO, *arguments.arguments)
    elif arguments.command == "test":
        become(GATES, *(["--list"] if arguments.list else []), *arguments.gates)
    elif arguments.command == "fix":
        become(GATES, "--fix")
    else:
        print("Ready. Activate it with: source {}".format(VENV / "bin" / "activate"))


def refuse_unfit_python() -> None:
    """Stop, saying what to install, where this Python cannot run or set up the project."""
    if os.name != "posix":
        stop("infrafabric runs on Linux and macOS; on Windows, use it inside WSL.")
    if sys.version_info < OLDEST:
        names = ["python3.{}".format(minor) for minor in range(19, OLDEST[1] - 1, -1)]
        newer = next((name for name in names if works(name)), None)
        stop(
            "infrafabric needs Python {}.{} or newer; this is {} ({}).\n{}".format(
                OLDEST[0],
                OLDEST[1],
                platform.python_version(),
                sys.executable,
                "Run instead: {} {}".format(newer, " ".join(sys.argv))
                if newer
                else "Install a newer one (https://www.python.org/downloads/) and run this file with it.",
            )
        )
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        stop(
            "This Python ({}) comes without its {} module, which makes .venv.\n"
            "On Debian and Ubuntu install it with: apt-get install python3-venv".format(
                sys.executable, " and ".join(missing)
            )
        )


def works(program: str) -> bool:
    """Tell whether ``program`` is a Python that starts: version managers leave names on PATH that do not."""
    if shutil.which(program) is None:
        return False
    return subprocess.call([program, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


@contextlib.contextmanager
def only_one_at_a_time() -> "Iterator[None]":
    """Hold the setup lock; wait, and say so, while another dev.py sets up."""
    import fcntl  # noqa: PLC0415 - Windows gets a message, not an ImportError

    try:
        lock = LOCK.open("w")
    except OSError as error:
        stop("Cannot set up in {}: {}. Run this in a clone that you may write to.".format(ROOT, error))
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another dev.py to finish setting up ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up(extra: str) -> None:
    """Make .venv hold the project with ``extra`` ("" or "dev"), doing nothing where it already does."""
    wanted = fingerprint()
    stamp = read_stamp()
    if stamp.get("fingerprint") == wanted and extra in stamp.get("extras", []) and PYTHON.exists():
        return
    if not usable():
        say("Creating .venv with Python {} ...".format(platform.python_version()))
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "creating .venv")
    STAMP.unlink(missing_ok=True)
    say("Installing infrafabric and what it needs into .venv (about a minute the first time) ...")
    project = "{}[{}]".format(ROOT, extra) if extra else str(ROOT)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    run([*pip, "--editable", project], "installing the project")
    written = STAMP.with_suffix(".tmp")
    written.write_text(json.dumps({"fingerprint": wanted, "extras": ["", extra]}), encoding="utf-8")
    written.replace(STAMP)


def fingerprint() -> str:
    """What an installed .venv depends on: where it is, which Python, and what pyproject.toml asks for."""
    import tomllib  # noqa: PLC0415 - older Pythons lack it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [str(ROOT), platform.python_version(), project.get("project"), project.get("build-system")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_stamp() -> "dict[str, Any]":
    """What the last completed setup wrote; empty where there was none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def usable() -> bool:
    """Tell whether .venv has a Python that runs, is new enough and has pip: a half-made or moved one does not."""
    probe = "import sys, pip; raise SystemExit(sys.version_info[:2] < {!r} or sys.prefix != {!r})".format(
        OLDEST, str(VENV)
    )
    try:
        return subprocess.call([str(PYTHON), "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def run(command: "list[str]", purpose: str) -> None:
    """Run one step of the setup; on failure stop with what it printed."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    environment.pop("PYTHONHOME", None)
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stdout)
        stop(
            "\n{} failed (exit status {}): see above. Run the same command again to retry.".format(
                purpose.capitalize(), done.returncode
            )
        )


def become(script: str, *arguments: str) -> None:
    """Replace this process by ``script`` run in .venv, so that its exit status and signals are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(str(PYTHON), [str(PYTHON), str(ROOT / script), *arguments])  # noqa: S606 - no shell is the point


def say(message: str) -> None:
    """Tell the person at the terminal; standard output belongs to the command."""
    print(message, file=sys.stderr, flush=True)


def stop(message: str) -> "NoReturn":
    """End with status 1 and a message."""
    say(message)
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\nInterrupted. Run the same command again to go on.")
        raise SystemExit(130) from None
