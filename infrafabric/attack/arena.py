"""Where attacks are run for people: a child process, so that a crash is a line in a table and not the end.

`Arena` starts the child, hands it one attack after the other, and starts it anew when it died or hung. `run_attacks` is
the whole party in one call.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

import attrs

from infrafabric.attack.child import HANG_SECONDS
from infrafabric.attack.party import PARTY
from infrafabric.attack.stage import AttackResult
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.attack import Attack

_BOOTSTRAP = """import sys, json
sys.path[:] = json.loads(sys.argv[1])
from infrafabric.attack.child import main
main(sys.argv[2])"""
#: How much of a dead child's last words are shown.
_LAST_WORDS = 600

#: What the child may keep of a whole party.
_KEPT_MEMORY_MIB, _KEPT_FILES, _KEPT_THREADS = 160.0, 8, 6


class Arena:
    """A child process that attacks itself. A context manager; one attack at a time.

    ``party`` is ``module:name`` of the tuple of attacks that the child knows. ``hang_seconds``: how long one may take.
    """

    def __init__(self, party: str = "infrafabric.attack.party:PARTY", hang_seconds: float = 2 * HANG_SECONDS) -> None:
        self._party = party
        self._hang_seconds = hang_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._unread = b""
        #: Whether the child that was started last got as far as being attacked.
        self.is_ready = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._kill()
        self._words.close()

    def run(self, attack: Attack) -> AttackResult:
        """Run one attack in the child; its death is a result, too."""
        started = time.monotonic()
        try:
            if self._child is None:
                self._child = self._start()
                self.is_ready = False
                self._read(self._hang_seconds)
                self.is_ready = True
            assert self._child.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
            self._child.stdin.write(attack.name.encode() + b"\n")
            self._child.stdin.flush()
            answer = self._read(self._hang_seconds)
        except (BrokenPipeError, _GoneError):
            answer = None
        if answer is not None:
            return AttackResult(**answer | {"faults": tuple(answer["faults"])})
        how = self._autopsy()
        return AttackResult(
            name=attack.name,
            kind=attack.kind,
            tries=attack.tries,
            expected=attack.expected,
            got=how,
            held=False,
            faults=(f"{how}: {self._last_words()}",),
            seconds=round(time.monotonic() - started, 4),
        )

    def finish(self) -> AttackResult | None:
        """Let the child close everything, and judge what is left of it. None when no child is alive."""
        if self._child is None:
            return None
        started = time.monotonic()
        assert self._child.stdin is not None  # noqa: S101 - as above
        faults: list[str] = []
        got = "the process ended"
        try:
            self._child.stdin.close()
            footprints = self._read(self._hang_seconds)
            grew = {key: footprints["after"][key] - footprints["before"][key] for key in footprints["after"]}
            got = "{memory_mib:+.0f} MiB, {threads:+} threads, {files:+} files".format(**grew)
            bounds = {
                "memory_mib": _KEPT_MEMORY_MIB,
                "threads": _KEPT_THREADS,
                "workers": 0,
                "files": _KEPT_FILES,
            }
            faults += [
                f"{key} grew by {grew[key]:.0f} (bound {most:.0f})" for key, most in bounds.items() if grew[key] > most
            ]
            if self._child.wait(self._hang_seconds):
                faults.append(f"it ended with exit status {self._child.returncode}: {self._last_words()}")
        except (OSError, _GoneError, subprocess.TimeoutExpired):
            how = self._autopsy()
            faults.append(f"{how}: {self._last_words()}")
        self._kill()
        return AttackResult(
            name="aftermath",
            kind="process",
            tries="After all attacks: close the chassis and look at what is left.",
            expected="the process is as it was before",
            got=got,
            held=not faults,
            faults=tuple(faults),
            seconds=round(time.monotonic() - started, 4),
        )

    def _start(self) -> subprocess.Popen[bytes]:
        path = json.dumps([entry or os.getcwd() for entry in sys.path])  # noqa: PTH109 - '' means just this
        self._unread = b""
        self._words.seek(0)
        self._words.truncate()
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", _BOOTSTRAP, path, self._party],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            process_group=0,  # Ctrl-C at a terminal is for us: we end the child
        )

    def _read(self, timeout_seconds: float) -> Any:
        """The child's next answer. Raises `_GoneError` when it died or takes too long."""
        assert self._child is not None  # noqa: S101 - callers started it
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        end, file = time.monotonic() + timeout_seconds, self._child.stdout.fileno()
        while b"\n" not in self._unread:
            if not select.select([file], [], [], max(0.0, end - time.monotonic()))[0]:
                raise _GoneError
            piece = os.read(file, 1 << 16)
            if not piece:
                raise _GoneError
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def _autopsy(self) -> str:
        """How the child ended, or that it hangs; it is gone afterwards."""
        if self._child is None:
            return "the process could not be started"
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(1.0)
        status = self._child.returncode
        self._kill()
        if status is None:
            return f"the process hung for {self._hang_seconds:g} s"
        return f"the process died ({signal.Signals(-status).name})" if status < 0 else f"the process exited ({status})"

    def _last_words(self) -> str:
        self._words.seek(0)
        return escape(self._words.read().decode("utf-8", "replace").strip()[-_LAST_WORDS:]) or "it said nothing"

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        child.wait()


class _GoneError(Exception):
    """The child does not answer."""


def selected(patterns: Iterable[str] = ()) -> tuple[Attack, ...]:
    """The attacks whose name or kind matches one of the shell patterns; all of them without any."""
    wanted = tuple(patterns)
    return tuple(
        attack
        for attack in PARTY
        if not wanted
        or any(fnmatch.fnmatch(text, pattern) for text in (attack.name, attack.kind) for pattern in wanted)
    )


def run_attacks(
    patterns: Iterable[str] = (), progress: Callable[[AttackResult], None] | None = None
) -> tuple[AttackResult, ...]:
    """Run the party, or the attacks that match ``patterns`` by name or kind, in a child process.

    ``progress`` is called with each result as it comes. The last one is ``aftermath``: what the process kept of it all.
    """
    results: list[AttackResult] = []

    def note(result: AttackResult) -> None:
        results.append(result)
        if progress is not None:
            progress(result)

    with Arena() as arena:
        for attack in selected(patterns):
            note(arena.run(attack))
            if not arena.is_ready:  # no attack's doing: the others would find the same
                break
        aftermath = arena.finish()
        if aftermath is not None:
            note(aftermath)
    return tuple(results)


def to_dict(result: AttackResult) -> dict[str, Any]:
    """A result as plain data, for JSON."""
    return attrs.asdict(result)
