"""The process in which one page's blocks run, in order: ``python page_process.py STEPS.json``, in the page's folder.

A process to a page, started as a reader would start it: code runs as ``__main__`` on the main thread, shell commands
find the installed ``infrafabric``, and nothing that a page does reaches another page or pytest. Standard library
only, so that the page's own imports are all there is.
"""

from __future__ import annotations

import contextlib
import doctest
import gc
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import types
from pathlib import Path
from typing import Any

#: Keeps the folder and the variables of a page's shell from one command to the next.
_SHELL_PREAMBLE = """\
trap 'status=$?; declare -px >"$PAGE_STATE/env"; pwd >"$PAGE_STATE/cwd"; exit $status' EXIT
if [ -e "$PAGE_STATE/env" ]; then source "$PAGE_STATE/env"; cd "$(cat "$PAGE_STATE/cwd")"; fi
set -a
"""


class StepFailedError(Exception):
    """A block did not do what the page says it does."""


class PageProcess:
    """Runs the steps of one page and remembers what the last one printed."""

    def __init__(self, page: str, state: Path) -> None:
        self._page = page
        self._state = state
        self._printed: str | None = None
        self._main = types.ModuleType("__main__")
        sys.modules["__main__"] = self._main

    def run(self, step: dict[str, Any]) -> None:
        """Run one step; raise `StepFailedError`, or what the page's code raised."""
        getattr(self, f"_{step['kind']}")(step)

    def _write(self, step: dict[str, Any]) -> None:
        path = Path(step["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step["text"], encoding="utf-8")

    def _compare(self, step: dict[str, Any]) -> None:
        if self._printed is None:
            message = "nothing has run before this output"
            raise StepFailedError(message)
        _check_output(step["text"], self._printed)

    def _python(self, step: dict[str, Any]) -> None:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                if step["text"].lstrip().startswith(">>>"):
                    self._run_doctest(step)
                else:
                    padding = "\n" * (step["line"] - 1)  # tracebacks then name the page's own lines
                    exec(compile(padding + step["text"], step["file"], "exec"), vars(self._main))  # noqa: S102
        finally:
            self._printed = printed.getvalue()
            print(self._printed, end="")

    def _run_doctest(self, step: dict[str, Any]) -> None:
        test = doctest.DocTestParser().get_doctest(
            step["text"], vars(self._main), "block", step["file"], step["line"] - 1
        )
        report = io.StringIO()
        results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.write, clear_globs=False)
        vars(self._main).update(test.globs)
        if results.failed:
            raise StepFailedError(report.getvalue())

    def _sh(self, step: dict[str, Any]) -> None:
        status, self._printed = self._shell("set -euo pipefail\n" + step["text"], merge_stderr=False)
        if status:
            message = f"exit status {status}"
            raise StepFailedError(message)

    def _console(self, step: dict[str, Any]) -> None:
        status = 0
        for number, command in enumerate(step["commands"]):
            status, self._printed = self._shell(f"(exit {status})\n{command['text']}", merge_stderr=True)
            if command["output"]:
                _check_output(command["output"], self._printed)
            following = step["commands"][number + 1 :]
            if status and not (following and "$?" in following[0]["text"]):
                message = (
                    f"line {command['line']}: exit status {status} of: {command['text']}\n"
                    "(a failure that the page means is followed by '$ echo $?')"
                )
                raise StepFailedError(message)

    def _shell(self, script: str, *, merge_stderr: bool) -> tuple[int, str]:
        # A file, not a pipe: a page may leave a server running, which would hold the pipe open.
        with tempfile.TemporaryFile() as out:
            done = subprocess.run(
                ["bash", "-c", _SHELL_PREAMBLE + script],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if merge_stderr else None,
                env=os.environ | {"PAGE_STATE": str(self._state)},
                check=False,
            )
            out.seek(0)
            printed = out.read().decode("utf-8", "replace")
        print(printed, end="")
        return done.returncode, printed


def _check_output(expected: str, printed: str) -> None:
    expected, printed = (re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE) for text in (expected, printed))
    printed = printed if printed.endswith("\n") else printed + "\n"
    checker = doctest.OutputChecker()
    if not checker.check_output(expected, printed, doctest.ELLIPSIS):
        example = doctest.Example("", expected)
        raise StepFailedError(checker.output_difference(example, printed, doctest.ELLIPSIS))


def main(steps_path: Path) -> int:
    """Run every step; on the first failure say which line of the page it is, and why."""
    plan = json.loads(steps_path.read_text(encoding="utf-8"))
    sys.path[0] = str(Path.cwd())
    process = PageProcess(plan["page"], steps_path.parent)
    for step in plan["steps"]:
        where = f"{plan['page']}:{step['line']}"
        try:
            process.run(step)
        except StepFailedError as error:
            print(f"\n{where}: {step['kind']} block: {error}", file=sys.stderr)
            return 1
        except SystemExit as leave:
            if leave.code:
                print(f"\n{where}: python block: exited with {leave.code!r}", file=sys.stderr)
                return 1
        except BaseException as error:  # noqa: BLE001 - whatever a page raises is the page's failure
            own = error.__traceback__
            while own and own.tb_frame.f_code.co_filename == __file__:
                own = own.tb_next
            traceback.print_exception(error.with_traceback(own))
            print(f"\n{where}: python block: {type(error).__name__}", file=sys.stderr)
            return 1
    vars(process._main).clear()  # what a page forgot to close announces itself now
    gc.collect()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
