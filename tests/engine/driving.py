"""A guest written in WebAssembly text, run through the engine without a chassis: where most tests here start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine import GuestEnded, Run, Sandbox, SwarmLog, SwarmRuntime, load_program
from infrafabric.errors import Outcome
from infrafabric.testing import wat
from infrafabric.wasm import inspect_module

if TYPE_CHECKING:
    from infrafabric.engine import LogRecord, Verdict

PAGE = 65_536
ROOT = Path(__file__).parents[2]


@attrs.frozen(kw_only=True)
class Ending:
    """How one task of a guest ended: its output, or the verdict."""

    output: Any
    verdict: Verdict | None
    run: Run | None = None
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """The outcome."""
        return self.verdict.outcome if self.verdict is not None else Outcome.SUCCESS

    @property
    def message(self) -> str:
        """What the verdict says; empty for success."""
        return self.verdict.message if self.verdict is not None else ""

    @property
    def logs(self) -> list[LogRecord]:
        """What the guest logged, as its result would show it."""
        said = self.run.said if self.run is not None else None
        return list(said.records) if said is not None else []

    @property
    def dropped(self) -> int:
        """How many records were dropped."""
        said = self.run.said if self.run is not None else None
        return said.dropped if said is not None else 0

    @property
    def texts(self) -> list[str]:
        """The texts of the logged records."""
        return [record.text for record in self.logs]

    def ok(self) -> Any:
        """The output; fails the test when there is none."""
        assert self.verdict is None, self.verdict
        return self.output


class Guest:
    """A module, loaded, and run as often as a test likes. Leaves nothing behind: close it or let it go."""

    def __init__(
        self,
        module: str | bytes,
        *,
        memory_bytes: int = 64 * PAGE,
        payload_bytes: int = 1 << 20,
        fuel: int | None = None,
        deterministic: bool = False,
        kept: bool = False,
        swarm_id: str = "swarm",
        log_bytes_per_second: int = 10 << 20,
        load_seconds: float = 20.0,
    ) -> None:
        data = wat(module) if isinstance(module, str) else module
        program = load_program(
            inspect_module(data),
            data,
            fuel=fuel is not None,
            deterministic=deterministic,
            cache=None,
            timeout_seconds=load_seconds,
        )
        sandbox = Sandbox(
            memory_bytes=memory_bytes, payload_bytes=payload_bytes, fuel=fuel, deterministic=deterministic
        )
        self.log = SwarmLog(swarm_id, log_bytes_per_second)
        self.runtime = SwarmRuntime(program, sandbox, self.log, keep_instance=kept)

    def start(self, seconds: float = 10.0) -> None:
        """Make the probe instance, as a load does."""
        self.runtime.probe(time.monotonic_ns() + int(seconds * 1e9))

    def new_run(self, seconds: float = 10.0) -> Run:
        """A run with so much time."""
        now_ns = time.monotonic_ns()
        run = Run(self.runtime.terms, now_ns + int(seconds * 1e9))
        run.started_ns = now_ns
        return run

    def run(
        self,
        task: str,
        params: Any = None,
        *,
        abi: str | None = None,
        returns: str = "auto",
        seconds: float = 10.0,
        run: Run | None = None,
    ) -> Ending:
        """Run one task to its end."""
        function = self.runtime.function(task)
        assert function is not None, f"no task {task!r} in {sorted(self.runtime.program.tasks)}"
        try:
            convention, encoded = self.runtime.prepare(function, params, abi)
        except GuestEnded as ended:
            return Ending(output=None, verdict=ended.verdict)
        run = run or self.new_run(seconds)
        started = time.perf_counter()
        output, verdict = None, None
        try:
            output = self.runtime.execute(run, function, convention, encoded, returns)
        except GuestEnded as ended:
            verdict = ended.verdict
        return Ending(output=output, verdict=verdict, run=run, seconds=time.perf_counter() - started)

    def close(self) -> None:
        """Free the kept instance."""
        self.runtime.close()


def memory_text(content: bytes) -> str:
    """Bytes as a string literal of the text format."""
    return "".join(f"\\{byte:02x}" for byte in content)


def python(
    code: str, *arguments: str, seconds: float = 60.0, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own, with this tree importable."""
    return subprocess.run(
        [sys.executable, *options, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
