"""What a whole deployment fills in where contracts say nothing: a config file, and variables of the environment.

What a contract says always holds. Then come ``IFCHASSIS_*`` variables, then the config file, then the built-in
defaults; `provenance` tells of each value where it came from. A default that gives more than the built-in one is
refused unless the deployment says ``allow_looser``: whoever reviewed a silent contract counted on the built-in one.

Looking for config files in usual places was rejected: a contract would then mean something else in another folder,
or for another user, and nothing would show it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from infrafabric.contract import rules
from infrafabric.contract.fields import FieldSpec, specs
from infrafabric.contract.kinds import Flag, Text
from infrafabric.contract.problems import Problems, join, nearest, shown
from infrafabric.contract.record import Part
from infrafabric.contract.scalars import plain_scalar
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from infrafabric.contract.files import CheckedContract
    from infrafabric.contract.record import Record

PREFIX: Final = "IFCHASSIS_"
#: Names the config file.
CONFIG_VARIABLE: Final = "IFCHASSIS_CONFIG"
#: Allows defaults that give more than the built-in ones, as ``allow_looser`` does in the config file.
ALLOW_VARIABLE: Final = "IFCHASSIS_ALLOW_LOOSER"

Origin = Literal["contract", "environment", "config", "built-in"]

_TOP_KEYS: Final = ("allow_looser", "defaults")

#: The parts of a contract whose values a deployment may fill in.
PARTS: Final[dict[str, type[Record]]] = {
    name: spec.kind.record
    for name, spec in specs(ServiceContract).items()
    if isinstance(spec.kind, Part) and not spec.kind.nullable
}
_FIELDS: Final[dict[str, FieldSpec]] = {
    f"{part}.{name}": spec for part, record in PARTS.items() for name, spec in specs(record).items()
}


@attrs.frozen
class Default:
    """One value that a deployment fills in, and where it says so (a variable, or file:line:column)."""

    value: Any
    origin: Origin
    where: str


@attrs.frozen
class DeploymentDefaults:
    """The defaults of a deployment by the paths that they fill in (``resource_limits.max_memory_mb``)."""

    values: Mapping[str, Default] = attrs.field(factory=dict)

    @classmethod
    def load(
        cls, config: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> DeploymentDefaults:
        """The defaults of a config file (``config``, else $IFCHASSIS_CONFIG, else none) and of the environment.

        Raises `ContractSyntaxError` for a file that cannot be read, and `ContractValidationError` with every problem
        of both.
        """
        problems = Problems()
        path = config or environ.get(CONFIG_VARIABLE) or None
        from_file, allows = _of_file(Path(path)) if path is not None else ({}, False)
        from_environment = dict(_of_environment(environ, problems))
        allows = _flag(environ, problems) or allows
        for name, default in (*from_file.items(), *from_environment.items()):
            _check_looseness(name, default, problems, allowed=allows)
        problems.raise_any()
        return cls({**from_file, **from_environment})

    def fill(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Default]]:
        """A contract's plain data with the defaults in it, and those that were needed, by their paths."""
        filled: dict[str, Any] = dict(data)
        used = {}
        for path, default in self.values.items():
            part, _, name = path.partition(".")
            said = filled.get(part, {})
            if isinstance(said, dict) and name not in said:
                filled[part] = {**said, name: default.value}
                used[path] = default
        return filled, used


@attrs.frozen(kw_only=True)
class Provenance:
    """Where one value of a contract came from: ``where`` is its line and column, its variable, or ""."""

    path: str
    value: Any
    origin: Origin
    where: str


def provenance(checked: CheckedContract) -> tuple[Provenance, ...]:
    """Each value of a contract that was found in a file, with where it came from, in the contract's order."""
    contract, document = checked.require(), checked.document
    rows = []
    for path, value in _values(contract):
        default = checked.filled.get(path, Default(value, "built-in", ""))
        origin, where = default.origin, default.where
        if document is not None and document.is_written(path):
            line, column = document.source.place(document.offset_of(path) or 0)
            origin, where = "contract", f"{line}:{column}"
        rows.append(Provenance(path=path, value=value, origin=origin, where=where))
    return tuple(rows)


def variable_of(path: str) -> str:
    """The variable that gives the default of a path.

    >>> variable_of("resource_limits.max_memory_mb")
    'IFCHASSIS_RESOURCE_LIMITS_MAX_MEMORY_MB'
    """
    return PREFIX + path.replace(".", "_").upper()


_VARIABLES: Final = {variable_of(path): path for path in _FIELDS}


def _values(contract: ServiceContract) -> Iterator[tuple[str, Any]]:
    for name, value in contract.to_dict().items():
        if name in PARTS:
            yield from ((f"{name}.{field}", inner) for field, inner in value.items())
        else:
            yield name, value


def _of_environment(environ: Mapping[str, str], problems: Problems) -> Iterator[tuple[str, Default]]:
    for name in sorted(environ):
        if name in _VARIABLES:
            path = _VARIABLES[name]
            kind = _FIELDS[path].kind
            before = len(problems)
            read = kind.read(environ[name] if isinstance(kind, Text) else plain_scalar(environ[name]), name, problems)
            if len(problems) == before:
                yield path, Default(read, "environment", name)
        elif name.startswith(PREFIX):
            _check_name(name, problems)


def _check_name(name: str, problems: Problems) -> None:
    """Refuse a variable that is meant for a contract and is none; others of the prefix belong to somebody else."""
    field = name.removeprefix(PREFIX).lower()
    part = next((part for part in PARTS if field.startswith(f"{part}_")), None)
    if part is not None:
        near = nearest(field.removeprefix(f"{part}_"), specs(PARTS[part]))
        meant = variable_of(f"{part}.{near}") if near else None
    else:
        meant = next((variable for variable, path in _VARIABLES.items() if path.endswith(f".{field}")), None)
    if meant:
        message = f"unknown variable; did you mean {meant}?"
        problems.add(rules.UNKNOWN_KEY, escape(name, 100), message, f"rename it to {meant}")
    elif part is not None:
        problems.add(rules.UNKNOWN_KEY, escape(name, 100), "unknown variable; no field has this name", "unset it")


def _flag(environ: Mapping[str, str], problems: Problems) -> bool:
    text = environ.get(ALLOW_VARIABLE)
    return text is not None and Flag().read(plain_scalar(text), ALLOW_VARIABLE, problems)


def _of_file(path: Path) -> tuple[dict[str, Default], bool]:
    from infrafabric.contract.files import CheckedContract, open_document  # noqa: PLC0415 - files knows defaults

    document = open_document(path)
    found: dict[str, Default] = {}
    problems = Problems()
    top = dict(_known(document.data if document.data is not None else {}, "", _TOP_KEYS, problems))
    allows = Flag().read(top.get("allow_looser", False), "allow_looser", problems)
    for part, values in _known(top.get("defaults", {}), "defaults", PARTS, problems):
        for name, value in _known(values, f"defaults.{part}", specs(PARTS[part]), problems):
            at = f"defaults.{part}.{name}"
            read = _FIELDS[f"{part}.{name}"].kind.read(value, at, problems)
            line, column = document.source.place(document.offset_of(at) or 0)
            found[f"{part}.{name}"] = Default(read, "config", f"{document.source.name}:{line}:{column}")
    if len(problems):
        located = document.locate(problems.found)
        raise CheckedContract(source=document.source, document=document, problems=located).error()
    return found, allows


def _known(value: Any, path: str, known: Collection[str], problems: Problems) -> Iterator[tuple[str, Any]]:
    """The entries of a mapping whose keys are known; the others, and what is no mapping, are problems."""
    if not isinstance(value, dict):
        problems.add(rules.WRONG_TYPE, path, f"expected a mapping, got {shown(value)}")
        return
    for key, item in value.items():
        if key in known:
            yield key, item
            continue
        meant = nearest(key, known) if isinstance(key, str) else None
        message = "unknown key; " + (f"did you mean {meant}?" if meant else f"the keys here are {', '.join(known)}")
        problems.add(rules.UNKNOWN_KEY, join(path, key), message, f"rename it to {meant}" if meant else "remove it")


def _check_looseness(path: str, default: Default, problems: Problems, *, allowed: bool) -> None:
    spec = _FIELDS[path]
    built_in = spec.default() if spec.default is not None else None
    if not allowed and spec.gives_more(default.value, built_in):
        problems.add(
            rules.DEFAULT_TOO_LOOSE,
            path,
            f"{default.where} gives silent contracts {shown(default.value)}; built in is {shown(built_in)}",
            f"say it in the contracts that need it, or set allow_looser: true ({ALLOW_VARIABLE}=true)",
        )
