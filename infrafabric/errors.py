"""Every error infrafabric raises, and every way a task can end.

.. code-block:: text

    InfraFabricError
    ├── ContractError (ValueError)             the contract is at fault            exit 3
    │   ├── ContractSyntaxError                not readable as YAML, TOML or JSON
    │   └── ContractValidationError            .problems: every rule it breaks
    ├── SwarmIdMismatch, SwarmAlreadyLoaded (ValueError)                           exit 3
    ├── ModuleError (RuntimeError)             the module is at fault              exit 4
    │   ├── InvalidModule                      .offset: where reading it failed
    │   ├── ModuleTooLarge                     bytes, or a count inside it
    │   ├── ImportDenied                       .imports: everything it may not have
    │   ├── CompileLimitExceeded               time or memory of compilation
    │   └── SwarmInitError                     .init_code, or the trap of its start
    ├── SwarmNotLoadedError (ValueError, LookupError)                              exit 2
    ├── SloStateError (ValueError)             .kept_as: where the unusable file was moved exit 70
    ├── TelemetrySetupError (ValueError)       ``OTEL_*`` asks for what cannot be had      exit 2
    ├── BoardError (ValueError)                a board cannot be had: file, server, form   exit 2
    ├── ChassisClosedError (RuntimeError)      closed, or inherited through fork   exit 70
    └── TaskError (RuntimeError)               .result: the failed TaskResult
        ├── TaskTrapped            guest       .trap_code, .backtrace
        ├── TaskTimeout            guest       or caller, see .result.blame
        ├── MemoryLimitExceeded    guest
        ├── FuelExhausted          guest
        ├── GuestError             guest       .guest_code
        ├── InvalidResult          guest
        ├── TaskParamsError        caller      also ValueError
        ├── TaskNotFoundError      caller      also LookupError
        ├── TaskCancelled          caller
        ├── RateLimitExceeded      operator    .retry_after_seconds
        ├── SwarmBusy              operator
        ├── SwarmQuarantined       operator    .retry_after_seconds
        ├── HostExhausted          operator
        └── ChassisInternalError   host

Arguments live in ``args`` and the sentence in ``__str__``, so every error survives pickling. Text that
came from a guest is passed through `escape` before it gets here.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Self

import attrs

#: Guest text in an error message is cut at this many characters.
MAX_GUEST_TEXT = 1024


class Blame(enum.StrEnum):
    """Who has to act when a task did not succeed."""

    NOBODY = "nobody"
    GUEST = "guest"
    CALLER = "caller"
    OPERATOR = "operator"
    HOST = "host"


class Outcome(enum.Enum):
    """How a task ended: one member for every ending there is.

    ``Outcome.TRAP.value`` is the stable text that results, metrics and error codes carry.
    """

    #: The stable text, as ``value``: a plain attribute, because hashing and reading members is slow.
    code: str
    blame: Blame
    exit_code: int

    def __new__(cls, value: str, blame: Blame, exit_code: int) -> Self:
        """Make a member with its blame and exit code."""
        member = object.__new__(cls)
        member._value_ = member.code = value
        member.blame = blame
        member.exit_code = exit_code
        return member

    SUCCESS = "success", Blame.NOBODY, 0
    TRAP = "trap", Blame.GUEST, 10
    TIMEOUT = "timeout", Blame.GUEST, 11
    MEMORY_EXCEEDED = "memory_exceeded", Blame.GUEST, 12
    FUEL_EXHAUSTED = "fuel_exhausted", Blame.GUEST, 13
    GUEST_ERROR = "guest_error", Blame.GUEST, 14
    INVALID_RESULT = "invalid_result", Blame.GUEST, 15
    INVALID_PARAMS = "invalid_params", Blame.CALLER, 2
    UNKNOWN_TASK = "unknown_task", Blame.CALLER, 2
    NOT_LOADED = "not_loaded", Blame.CALLER, 2
    CANCELLED = "cancelled", Blame.CALLER, 20
    RATE_LIMITED = "rate_limited", Blame.OPERATOR, 21
    BUSY = "busy", Blame.OPERATOR, 22
    QUARANTINED = "quarantined", Blame.OPERATOR, 23
    HOST_EXHAUSTED = "host_exhausted", Blame.OPERATOR, 24
    INTERNAL = "internal", Blame.HOST, 70

    @property
    def refused(self) -> bool:
        """True when the operator's limits turned the task away before any guest code ran."""
        return self.blame is Blame.OPERATOR


def escape(text: str | bytes, limit: int = MAX_GUEST_TEXT) -> str:
    r"""Make untrusted text safe to print: printable, on one line, at most about ``limit`` characters.

    Bytes are read as UTF-8 with replacement. Control, bidirectional, line-break and other unprintable
    characters become ``\xNN``, ``\uNNNN`` escapes; a cut text says how long it was.

    >>> escape("a\x1b[31mred\nb\u202e")
    'a\\x1b[31mred\\nb\\u202e'
    >>> escape("x" * 2000, limit=4)
    'xxxx... (2000 characters)'
    """
    size = len(text)
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "replace")
        unit = "bytes"
    else:
        unit = "characters"
    cut = text[:limit]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return f"{cut}... ({size} {unit})" if len(text) > limit else cut


class InfraFabricError(Exception):
    """The root of everything infrafabric raises on purpose. ``code`` is stable; messages are for people."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 70

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else self.__class__.__name__


@attrs.frozen(kw_only=True)
class Problem:
    """One rule that a contract breaks.

    ``rule`` is stable (``IF102``), ``path`` leads into the data (``resource_limits.max_cpu_percent``),
    ``line`` and ``column`` count from 1 and are None where there is no file.
    """

    rule: str
    path: str
    message: str
    severity: str = "error"
    line: int | None = None
    column: int | None = None
    fix: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ContractError(InfraFabricError, ValueError):
    """A contract cannot be used."""

    code = "contract_invalid"
    exit_code = 3


class ContractSyntaxError(ContractError):
    """The text is not YAML, TOML or JSON that a contract may be written in."""

    code = "contract_syntax"


class ContractValidationError(ContractError):
    """A contract breaks rules; ``problems`` holds all of them, in the order of the text."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        head = self.problems[0] if self.problems else "the contract is invalid"
        more = len(self.problems) - 1
        return f"{head} (and {more} more: see .problems)" if more > 0 else str(head)


class SwarmIdMismatch(InfraFabricError, ValueError):
    """The id asked for is not the contract's."""

    code = "swarm_id_mismatch"
    exit_code = 3


class SwarmAlreadyLoaded(InfraFabricError, ValueError):
    """The id is taken; `replace_swarm` swaps a loaded swarm."""

    code = "already_loaded"
    exit_code = 3


class ModuleError(InfraFabricError, RuntimeError):
    """A module cannot be loaded under its contract."""

    code = "module_error"
    exit_code = 4


class InvalidModule(ModuleError):
    """The bytes are not a WebAssembly module this engine runs. ``offset``: the byte where reading failed."""

    code = "invalid_module"
    offset: int | None

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message, offset)
        self.offset = offset


class ModuleTooLarge(ModuleError):
    """The module, or a count inside it, is over its bound."""

    code = "module_too_large"


class ImportDenied(ModuleError):
    """The module wants what the contract does not grant. ``imports``: every such ``module.name``."""

    code = "import_denied"
    imports: tuple[str, ...]

    def __init__(self, message: str, imports: tuple[str, ...] = ()) -> None:
        super().__init__(message, tuple(imports))
        self.imports = tuple(imports)


class CompileLimitExceeded(ModuleError):
    """Compiling the module took more time or memory than allowed."""

    code = "compile_limit_exceeded"


class SwarmInitError(ModuleError):
    """The module's start function, ``_initialize`` or ``initialize`` failed. ``init_code``: what it returned."""

    code = "init_failed"
    init_code: int | None

    def __init__(self, message: str, init_code: int | None = None) -> None:
        super().__init__(message, init_code)
        self.init_code = init_code


class SwarmNotLoadedError(InfraFabricError, ValueError, LookupError):
    """No swarm of that id is loaded."""

    code = Outcome.NOT_LOADED.value
    exit_code = Outcome.NOT_LOADED.exit_code
    outcome: ClassVar[Outcome] = Outcome.NOT_LOADED


class ChassisClosedError(InfraFabricError, RuntimeError):
    """The chassis was closed, or belongs to the process this one was forked from."""

    code = "chassis_closed"


class SloStateError(InfraFabricError, ValueError):
    """A file of SLO history cannot be used. ``kept_as`` is where it was moved, out of the next save's way."""

    code = "slo_state_invalid"
    kept_as: str

    def __init__(self, message: str, kept_as: str = "") -> None:
        super().__init__(message, kept_as)
        self.kept_as = kept_as


class TelemetrySetupError(InfraFabricError, ValueError):
    """``OTEL_*`` asks for what cannot be had; the message names the variable and what would do."""

    code = "telemetry_setup"
    exit_code = 2


class BoardError(InfraFabricError, ValueError):
    """A board cannot be had: its file or server does not answer, or what it answers is none."""

    code = "board_unreadable"
    exit_code = 2


class TaskError(InfraFabricError, RuntimeError):
    """A task did not succeed. ``result`` is the `TaskResult` that ``check=False`` would have returned."""

    outcome: ClassVar[Outcome] = Outcome.INTERNAL
    result: Any = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = cls.outcome.value
        cls.exit_code = cls.outcome.exit_code

    def __str__(self) -> str:
        return f"Task execution failed: {super().__str__()}"


class TaskTrapped(TaskError):
    """The guest trapped. ``trap_code`` is the engine's name for it, ``backtrace`` the guest's, escaped and cut."""

    outcome = Outcome.TRAP
    trap_code: str
    backtrace: str

    def __init__(self, message: str, trap_code: str = "unknown", backtrace: str = "") -> None:
        super().__init__(message, trap_code, backtrace)
        self.trap_code = trap_code
        self.backtrace = backtrace


class TaskTimeout(TaskError):
    """The task's deadline passed while the guest was running."""

    outcome = Outcome.TIMEOUT


class MemoryLimitExceeded(TaskError):
    """The guest certainly ran out of the memory its contract grants."""

    outcome = Outcome.MEMORY_EXCEEDED


class FuelExhausted(TaskError):
    """The guest used all its fuel."""

    outcome = Outcome.FUEL_EXHAUSTED


class GuestError(TaskError):
    """The guest itself reported failure. ``guest_code``: its exit or error code, where it gave one."""

    outcome = Outcome.GUEST_ERROR
    guest_code: int | None

    def __init__(self, message: str, guest_code: int | None = None) -> None:
        super().__init__(message, guest_code)
        self.guest_code = guest_code


class InvalidResult(TaskError):
    """What the guest answered cannot be read: a bad pointer, too long, or made from corrupted input."""

    outcome = Outcome.INVALID_RESULT


class TaskParamsError(TaskError, ValueError):
    """The parameters do not fit what the export takes."""

    outcome = Outcome.INVALID_PARAMS


class TaskNotFoundError(TaskError, LookupError):
    """The swarm exports no such task."""

    outcome = Outcome.UNKNOWN_TASK


class TaskCancelled(TaskError):
    """The task was cancelled by its caller, or with its swarm."""

    outcome = Outcome.CANCELLED


class RateLimitExceeded(TaskError):
    """The swarm's rate is used up. It would be admitted after ``retry_after_seconds``."""

    outcome = Outcome.RATE_LIMITED
    retry_after_seconds: float

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class SwarmBusy(TaskError):
    """The swarm's queue is full, or the task expired in it."""

    outcome = Outcome.BUSY


class SwarmQuarantined(TaskError):
    """The swarm was shut off by its budget policy. It is tried again after ``retry_after_seconds``."""

    outcome = Outcome.QUARANTINED
    retry_after_seconds: float

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class HostExhausted(TaskError):
    """The host has not the memory this task was promised."""

    outcome = Outcome.HOST_EXHAUSTED


class ChassisInternalError(TaskError):
    """Something in infrafabric itself failed. Please report it."""

    outcome = Outcome.INTERNAL
