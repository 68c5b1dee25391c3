"""`TaskResult`: what came of one task, with what it used of each limit."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from infrafabric import errors
from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from infrafabric.engine import LogRecord

_NS = 1e9


@attrs.frozen(kw_only=True)
class Usage:
    """What a task used. Times in seconds, sizes in bytes.

    ``wall_seconds`` runs from the call to the end; ``queue_seconds`` of it were spent waiting (queue, rate, CPU debt)
    and ``throttled_seconds`` paused by ``max_cpu_percent``. ``peak_memory_bytes`` is linear memory; of a
    memory that the module does not export, what it may have grown to. ``fuel`` is None when it was not metered.
    """

    wall_seconds: float
    cpu_seconds: float
    queue_seconds: float
    throttled_seconds: float
    peak_memory_bytes: int
    fuel: int | None
    log_records: int
    log_bytes: int
    log_dropped: int
    host_calls: int


@attrs.frozen(kw_only=True)
class Failure:
    """Why a task did not succeed, and who has to act. Texts are escaped."""

    code: str
    message: str
    blame: Blame
    trap_code: str = ""
    backtrace: str = ""
    guest_code: int | None = None
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        return self.message


class Figures(NamedTuple):
    """The raw readings behind a `Usage`, in nanoseconds and bytes: taken on the hot path, dressed when asked for."""

    wall_ns: int = 0
    queue_ns: int = 0
    execution_ns: int = 0
    cpu_ns: int = 0
    throttled_ns: int = 0
    peak_memory_bytes: int = 0
    fuel: int | None = None
    host_calls: int = 0
    log_records: int = 0
    log_bytes: int = 0
    log_dropped: int = 0
    payload_bytes: int = 0


_KEYS = (
    "status",
    "swarm_id",
    "task_name",
    "execution_time_seconds",
    "output",
    "usage",
    "logs",
    "metadata",
    "error",
)


class Facts(NamedTuple):
    """What a result is made of, as the task left it."""

    outcome: Outcome
    swarm_id: str
    task_name: str
    output: Any
    error: Failure | None
    logs: tuple[LogRecord, ...]
    figures: Figures
    contract_version: str
    resource_limits: Mapping[str, Any]
    calling_convention: str | None


class TaskResult(Mapping[str, Any]):
    """What came of one task. Frozen; attributes and ``result["output"]`` read the same.

    ``status`` is "success" or the outcome's code, ``execution_time_seconds`` counts from when an instance was taken,
    ``logs`` holds the first 100 records, ``error`` is a `Failure` or None.
    """

    __slots__ = ("_facts",)

    _facts: Facts

    def __init__(self, facts: Facts) -> None:
        set_facts(self, facts)

    def __setattr__(self, name: str, _value: object) -> None:
        message = f"a TaskResult is frozen: {name!r} cannot be set"
        raise AttributeError(message)

    def __reduce__(self) -> tuple[type[TaskResult], tuple[Facts]]:
        return TaskResult, (self._facts,)

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self._facts.outcome

    @property
    def swarm_id(self) -> str:
        """The swarm that ran it."""
        return self._facts.swarm_id

    @property
    def task_name(self) -> str:
        """The export that was called."""
        return self._facts.task_name

    @property
    def output(self) -> Any:
        """What the guest answered; None when it did not succeed."""
        return self._facts.output

    @property
    def error(self) -> Failure | None:
        """Why it did not succeed; None when it did."""
        return self._facts.error

    @property
    def logs(self) -> tuple[LogRecord, ...]:
        """The first 100 records that the guest wrote."""
        return self._facts.logs

    @property
    def status(self) -> str:
        """The outcome's code: "success", "trap", "timeout" ..."""
        return self.outcome.code

    @property
    def ok(self) -> bool:
        """True for success."""
        return self.outcome is Outcome.SUCCESS

    @property
    def blame(self) -> Blame:
        """Who has to act; nobody for success."""
        return self.error.blame if self.error is not None else Blame.NOBODY

    @property
    def execution_time_seconds(self) -> float:
        """From when an instance was taken to the end; 0.0 when none was."""
        return self._facts.figures.execution_ns / _NS

    @property
    def usage(self) -> Usage:
        """What the task used."""
        figures = self._facts.figures
        return Usage(
            wall_seconds=figures.wall_ns / _NS,
            cpu_seconds=figures.cpu_ns / _NS,
            queue_seconds=figures.queue_ns / _NS,
            throttled_seconds=figures.throttled_ns / _NS,
            peak_memory_bytes=figures.peak_memory_bytes,
            fuel=figures.fuel,
            log_records=figures.log_records,
            log_bytes=figures.log_bytes,
            log_dropped=figures.log_dropped,
            host_calls=figures.host_calls,
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """``contract_version``, ``resource_limits``, ``calling_convention`` (None when none was chosen).

        Of a command also its ``exit_code``: None when it was ended before it exited.
        """
        facts = self._facts
        metadata: dict[str, Any] = {
            "contract_version": facts.contract_version,
            "resource_limits": dict(facts.resource_limits),
            "calling_convention": facts.calling_convention,
        }
        if facts.calling_convention == "command":
            metadata["exit_code"] = 0 if facts.error is None else facts.error.guest_code
        return metadata

    def raise_for_status(self) -> TaskResult:
        """Return this result when it succeeded, else raise its typed error."""
        if self.error is not None:
            raise self.to_error()
        return self

    def to_error(self) -> errors.TaskError:
        """The error that ``check=True`` raises for this result; it carries the result."""
        if self.error is None:
            message = "a successful task has no error"
            raise ValueError(message)
        error = _error_of(self.outcome, self.error)
        error.result = self
        return error

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data. Bytes become ``{"base64": ...}``."""
        return {key: _plain(self[key]) for key in _KEYS}

    def __getitem__(self, key: str) -> Any:
        if key not in _KEYS:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def __repr__(self) -> str:
        said = f"output={self.output!r:.80}" if self.ok else f"error={str(self.error)!r:.120}"
        return f"<TaskResult {self.swarm_id}.{self.task_name}: {self.status} {said}>"


#: Sets what a new result is made of, past its frozen attributes.
set_facts: Callable[[TaskResult, Facts], None] = TaskResult._facts.__set__  # type: ignore[attr-defined] # noqa: SLF001 - the slot


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        plain: Any = {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    elif isinstance(value, bytes):
        plain = {"base64": base64.b64encode(value).decode()}
    elif isinstance(value, Mapping):
        plain = {str(key): _plain(item) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        plain = [_plain(item) for item in value]
    elif isinstance(value, Blame):
        plain = value.value
    elif isinstance(value, float) and not math.isfinite(value):
        plain = str(value)  # a scalar task may answer NaN, which JSON has no word for
    else:
        plain = value
    return plain


_ERRORS: dict[Outcome, type[errors.TaskError]] = {
    kind.outcome: kind
    for kind in (
        errors.TaskTimeout,
        errors.MemoryLimitExceeded,
        errors.FuelExhausted,
        errors.InvalidResult,
        errors.TaskParamsError,
        errors.TaskNotFoundError,
        errors.TaskCancelled,
        errors.SwarmBusy,
        errors.HostExhausted,
        errors.ChassisInternalError,
    )
}


def _error_of(outcome: Outcome, failure: Failure) -> errors.TaskError:
    if outcome is Outcome.TRAP:
        return errors.TaskTrapped(failure.message, failure.trap_code, failure.backtrace)
    if outcome is Outcome.GUEST_ERROR:
        return errors.GuestError(failure.message, failure.guest_code)
    if outcome is Outcome.RATE_LIMITED:
        return errors.RateLimitExceeded(failure.message, failure.retry_after_seconds or 0.0)
    if outcome is Outcome.QUARANTINED:
        return errors.SwarmQuarantined(failure.message, failure.retry_after_seconds or 0.0)
    return _ERRORS[outcome](failure.message)
