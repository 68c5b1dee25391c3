"""What a contract says about single tasks. What it leaves open is detected from the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs

from infrafabric.contract import rules
from infrafabric.contract.fields import field
from infrafabric.contract.kinds import Choice
from infrafabric.contract.objectives import TaskObjectives
from infrafabric.contract.params import ParamsSchema, SchemaOfParams
from infrafabric.contract.problems import Problems, join
from infrafabric.contract.record import Part, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Abi = Literal["scalar", "buffer", "cstring", "lenptr", "command"]
Returns = Literal["auto", "json", "text", "bytes", "number"]

_START = "_start"


@attrs.frozen(kw_only=True, eq=False)
class TaskContract(Record):
    """How one exported function is called and its answer read."""

    abi: Abi | None = field(
        Choice(options=("scalar", "buffer", "cstring", "lenptr", "command"), nullable=True),
        "The calling convention. Null: detected from the export's signature and the parameters given.",
        enforced_by="engine",
        broken="invalid_params",
        default=None,
        examples=("buffer",),
    )
    returns: Returns = field(
        Choice(options=("auto", "json", "text", "bytes", "number")),
        "How the answer's bytes are read. auto: as JSON if they are strict JSON, else as text, else as bytes.",
        enforced_by="engine",
        broken="invalid_result",
        default="auto",
    )

    params: Mapping[str, Any] | None = field(
        SchemaOfParams(),
        "A JSON Schema (2020-12) of the task's parameters, checked before each task. Needs the extra "
        "infrafabric[schema]. Of a scalar task the order of properties is the order of the parameters. "
        "Null: nothing is checked.",
        enforced_by="contract",
        broken="invalid_params",
        default=None,
        examples=({"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]},),
    )
    slos: TaskObjectives | None = field(
        Part(TaskObjectives, nullable=True),
        "Objectives of this task alone, counted beside those of the swarm. Null: it has none of its own.",
        enforced_by="telemetry",
        default=None,
        examples=({"target_latency_ms": 50},),
    )

    def check_params(self, value: Any) -> None:
        """Raise `ContractValidationError`, with every problem, unless ``value`` fits the schema of the parameters.

        Raw bytes count as the text they hold. Without a schema everything fits.
        """
        if isinstance(self.params, ParamsSchema):  # what a mapping becomes when the task is made
            self.params.check(value)

    @property
    def parameter_names(self) -> tuple[str, ...] | None:
        """The names of the parameters in their order, from the schema's properties; None where it names none."""
        return self.params.names if isinstance(self.params, ParamsSchema) else None

    @property
    def order_counts(self) -> bool:
        """Whether the order of the parameters' names has a meaning: a scalar task takes them by position."""
        return self.parameter_names is not None and self.abi in {None, "scalar"}

    @classmethod
    def cross_check(cls, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        """A scalar answer is a number already."""
        returns = values.get("returns", "auto")
        if values.get("abi") == "scalar" and returns not in {"auto", "number"}:
            message = f"returns: {returns} has no effect on a scalar task, which answers numbers"
            fix = "remove returns, or choose another abi"
            problems.add(rules.RETURNS_UNUSED, join(path, "returns"), message, fix)


def check_names(tasks: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Judge each task against its own name: runtime exports are no tasks, and only ``_start`` is a command."""
    for name, task in tasks.items():
        at = join(path, name)
        if name == "initialize" or (name.startswith("_") and name != _START):
            message = "this export belongs to the runtime and is never a task"
            problems.add(rules.NOT_A_TASK, at, message, "remove the entry")
        elif task.get("abi") == "command" and name != _START:
            message = f"abi: command is for {_START} only; this export is a function"
            fix = "choose another abi, or remove the line to have it detected"
            problems.add(rules.COMMAND_NOT_START, join(at, "abi"), message, fix)
