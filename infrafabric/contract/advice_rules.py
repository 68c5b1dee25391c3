"""The rules about whether a valid contract is wise, and fits its module: ``IF3xx``, for the linter."""

from __future__ import annotations

from typing import Final

from infrafabric.contract.rules import Rule

LATENCY_ABOVE_LIMIT: Final = Rule(
    "IF301",
    "latency target above the execution limit",
    explanation="A task is ended at max_execution_time_seconds, so no successful task can take as long as "
    "target_latency_ms. The latency objective would always be met and never tell anything.",
    severity="warning",
)
THROUGHPUT_ABOVE_RATE: Final = Rule(
    "IF302",
    "throughput target above the rate",
    explanation="max_api_calls_per_second admits fewer tasks than target_throughput_rps promises to serve.",
    severity="warning",
)
ALERT_UNREACHABLE: Final = Rule(
    "IF303",
    "objective that an alert cannot protect",
    explanation="A burn-rate alert fires when the share of failures exceeds its factor times the error budget. Where "
    "that product is 1 or more, even a total outage does not fire it. The factors are 14.4 and 6 for pages, 3 and 1 "
    "for tickets. It is an error when no page can ever fire, else a warning.",
    severity="warning",
)
FEW_EVENTS: Final = Rule(
    "IF304",
    "one failure burns like an outage",
    explanation="At the promised throughput an alert's long window holds so few events that a single failure exceeds "
    "its burn rate. The alert then waits for a second failure, or for more events, and says little about either.",
    severity="warning",
)
PERIOD_TOO_SHORT: Final = Rule(
    "IF305",
    "period too short for its alerts",
    explanation="Alert windows scale with the period. In a short one the fast windows hold too few buckets to tell "
    "'now' from 'a while ago', so those alerts are left out.",
    severity="warning",
)
CAPABILITY_UNKNOWN: Final = Rule(
    "IF306",
    "unknown capability",
    explanation="The registry does not list this capability. It is allowed, but nobody who looks for the registered "
    "ones finds it; often it is a misspelling.",
    severity="warning",
)
MODULE_UNPINNED: Final = Rule(
    "IF307",
    "module without a digest",
    explanation="Without module.sha256 whoever can write the module's file decides what runs under this contract.",
    severity="note",
)
LOG_IMPOSSIBLE: Final = Rule(
    "IF308",
    "log granted but every record dropped",
    explanation="permissions.log lets the guest write records, and max_log_bytes_per_second 0 drops all of them.",
    severity="warning",
)
IMPORT_DENIED: Final = Rule(
    "IF311",
    "import that the contract denies",
    explanation="The module imports something that this contract does not grant, or that nothing can grant. Loading "
    "it would be refused.",
)
MEMORY_TOO_SMALL: Final = Rule(
    "IF312",
    "module that begins with more memory than allowed",
    explanation="The module declares a larger memory than max_memory_mb. Loading it would be refused.",
)
MODULE_TOO_LARGE: Final = Rule(
    "IF313",
    "module larger than allowed",
    explanation="The module's file is larger than max_module_mb. Loading it would be refused.",
)
TASK_NOT_EXPORTED: Final = Rule(
    "IF314",
    "task that the module does not export",
    explanation="The contract promises something about a task, and the module has no callable export of that name.",
    at_key=True,
)
ABI_IMPOSSIBLE: Final = Rule(
    "IF315",
    "calling convention that the export cannot have",
    explanation="The export's signature, or what the module exports beside it, does not fit the task's abi. Every "
    "call would be refused.",
)
PARAMETER_COUNT: Final = Rule(
    "IF316",
    "parameter names that do not match the export",
    explanation="The properties of a scalar task's params name its parameters in order, and the export takes another "
    "number of them.",
)
MODULE_REFUSED: Final = Rule(
    "IF317",
    "module that cannot be loaded",
    explanation="The file is no WebAssembly module, or one that this engine does not run under any contract: a "
    "component, or one with several memories.",
)
