"""Comparing two versions of a contract: every change, whom it hurts, and whether the version says so.

Which way a field gives more stands in its declaration (`FieldSpec.looser`), so a new limit is classified from the
day it is declared. Comparing texts, or JSON trees, was rejected: they cannot tell a raised limit from a lowered one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.contract import changes
from infrafabric.contract.changes import Bump, Change, ChangeRule
from infrafabric.contract.fields import specs
from infrafabric.contract.frozen import FrozenMapping, thaw
from infrafabric.contract.problems import join
from infrafabric.contract.schema_keywords import ANNOTATIONS, KEYWORDS
from infrafabric.contract.texts import period_seconds
from infrafabric.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.contract.module_reference import ModuleReference
    from infrafabric.contract.record import Record
    from infrafabric.contract.service_contract import ServiceContract
    from infrafabric.contract.tasks import TaskContract

#: The rule of a version that does not say what changed.
VERSION_BUMP_TOO_SMALL: Final = "VERSION_BUMP_TOO_SMALL"


@attrs.frozen(kw_only=True)
class ContractDiff:
    """All changes from one contract to another, and what they ask of its version.

    ``required`` is the bump that the changes need, ``actual`` the one between the two versions (None: the version
    went down). ``problem`` is VERSION_BUMP_TOO_SMALL where they do not fit.
    """

    old_version: str
    new_version: str
    changes: tuple[Change, ...]
    required: Bump
    actual: Bump | None
    problem: Problem | None

    @property
    def breaking(self) -> bool:
        """True when somebody who relied on the old contract may be let down."""
        return any(change.breaking for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "old_version": self.old_version,
            "new_version": self.new_version,
            "required_bump": str(self.required),
            "actual_bump": None if self.actual is None else str(self.actual),
            "breaking": self.breaking,
            "changes": [change.to_dict() for change in self.changes],
            "problem": None if self.problem is None else attrs.asdict(self.problem),
        }


def diff(old: ServiceContract, new: ServiceContract) -> ContractDiff:
    """Compare two contracts. What is no part of a contract's digest is no change, and neither is its version."""
    found = tuple(_changes(old, new))
    required = _softened(max((change.rule.bump for change in found), default=Bump.NONE), old)
    actual = _bump(old, new)
    return ContractDiff(
        old_version=old.version,
        new_version=new.version,
        changes=found,
        required=required,
        actual=actual,
        problem=_version_problem(old, new, required, actual),
    )


def _changes(old: ServiceContract, new: ServiceContract) -> Iterator[Change]:
    yield from _offer(old, new)
    yield from _ranked(old, new, "resource_limits", changes.LIMIT_RAISED, changes.LIMIT_LOWERED)
    yield from _ranked(old, new, "permissions", changes.PERMISSION_WIDENED, changes.PERMISSION_NARROWED)
    yield from _ranked(old, new, "slos", changes.SLO_RELAXED, changes.SLO_TIGHTENED)
    yield from _ranked(old, new, "enforcement", changes.LIMIT_RAISED, changes.LIMIT_LOWERED)
    if period_seconds(old.slos.period) != period_seconds(new.slos.period):
        yield _change(changes.SLO_PERIOD_CHANGED, "slos.period", old.slos.period, new.slos.period)
    yield from _tasks(old.tasks, new.tasks)
    yield from _task_objectives(old, new)
    yield from _module(old.module, new.module)
    for path, rule in _OTHERS.items():
        before, after = (_at(contract, path) for contract in (old, new))
        if not _same(before, after):
            yield _change(rule, path, before, after)


#: Fields whose changes have no direction.
_OTHERS: Final = {
    "execution.instance": changes.INSTANCE_CHANGED,
    "execution.deterministic": changes.DETERMINISM_CHANGED,
    "description": changes.DESCRIPTION_CHANGED,
    "metadata": changes.METADATA_CHANGED,
}


def _at(contract: ServiceContract, path: str) -> Any:
    value: Any = contract
    for step in path.split("."):
        value = value[step]
    return thaw(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one in the canonical form: 1 is 1.0, and neither is true."""
    import rfc8785  # noqa: PLC0415 - only digests need it

    return bool(rfc8785.dumps(one) == rfc8785.dumps(other))


def _offer(old: ServiceContract, new: ServiceContract) -> Iterator[Change]:
    if old.swarm_id != new.swarm_id:
        yield _change(changes.SWARM_ID_CHANGED, "swarm_id", old.swarm_id, new.swarm_id)
    for capability in new.capabilities:
        if capability not in old.capabilities:
            yield _change(changes.CAPABILITY_ADDED, "capabilities", None, capability)
    for capability in old.capabilities:
        if capability not in new.capabilities:
            yield _change(changes.CAPABILITY_REMOVED, "capabilities", capability, None)


def _change(rule: ChangeRule, path: str, old: Any, new: Any) -> Change:
    return Change(rule=rule, path=path, old=old, new=new)


def _ranked(
    old: ServiceContract, new: ServiceContract, part: str, more: ChangeRule, less: ChangeRule
) -> Iterator[Change]:
    """Changes of the fields that have a way in which they give more."""
    before: Record = old[part]
    after: Record = new[part]
    for name, spec in specs(type(before)).items():
        if spec.looser and before[name] != after[name]:
            rule = more if spec.gives_more(after[name], before[name]) else less
            yield _change(rule, f"{part}.{name}", before[name], after[name])


def _tasks(old: FrozenMapping[TaskContract], new: FrozenMapping[TaskContract]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        path = join("tasks", name)
        if name not in old:
            yield _change(changes.TASK_ADDED, path, None, _said(new[name]))
        elif name not in new:
            yield _change(changes.TASK_REMOVED, path, _said(old[name]), None)
        else:
            yield from _task(old[name], new[name], path)


def _said(task: TaskContract) -> dict[str, Any]:
    return {key: value for key, value in task.to_dict().items() if value is not None}


def _task(old: TaskContract, new: TaskContract, path: str) -> Iterator[Change]:
    for name, rule in (("abi", changes.TASK_ABI_CHANGED), ("returns", changes.TASK_RETURNS_CHANGED)):
        if old[name] != new[name]:
            yield _change(rule, join(path, name), old[name], new[name])
    before, after = thaw(old.params), thaw(new.params)
    path = join(path, "params")
    if not _same(before, after):
        yield _change(_params_rule(before, after), path, before, after)
    elif new.order_counts and old.parameter_names != new.parameter_names:
        names = [list(task.parameter_names or ()) for task in (old, new)]
        yield _change(changes.PARAMETERS_REORDERED, join(path, "properties"), *names)


def _task_objectives(old: ServiceContract, new: ServiceContract) -> Iterator[Change]:
    """Changes of the objectives that tasks of both contracts have of their own; without any, they are the swarm's."""
    for name, after in new.tasks.items():
        before = old.tasks.get(name)
        if before is None or before.slos == after.slos:
            continue
        one, other = (
            contract.slos if task.slos is None else task.slos.over(contract.slos)
            for contract, task in ((old, before), (new, after))
        )
        for key, spec in specs(type(one)).items():
            if spec.looser and one[key] != other[key]:
                rule = changes.SLO_RELAXED if spec.gives_more(other[key], one[key]) else changes.SLO_TIGHTENED
                yield _change(rule, join(join(join("tasks", name), "slos"), key), one[key], other[key])


def _params_rule(before: Any, after: Any) -> ChangeRule:
    if before is None:
        return changes.PARAMS_NARROWED
    if after is None:
        return changes.PARAMS_WIDENED
    return changes.PARAMS_REWORDED if _same(_bare(before), _bare(after)) else changes.PARAMS_CHANGED


def _bare(schema: Any) -> Any:
    """A schema without what only people read."""
    if not isinstance(schema, dict):
        return schema
    bare: dict[str, Any] = {}
    for keyword, value in schema.items():
        holds = KEYWORDS[keyword].holds
        if keyword in ANNOTATIONS:
            continue
        if holds == "one":
            bare[keyword] = _bare(value)
        elif holds == "list":
            bare[keyword] = [_bare(part) for part in value]
        elif holds == "map":
            bare[keyword] = {name: _bare(part) for name, part in value.items()}
        else:
            bare[keyword] = value
    return bare


def _module(old: ModuleReference | None, new: ModuleReference | None) -> Iterator[Change]:
    before, after = (thaw(module) or {"path": None, "sha256": None} for module in (old, new))
    if before["path"] != after["path"]:
        yield _change(changes.MODULE_CHANGED, "module.path", before["path"], after["path"])
    if before["sha256"] != after["sha256"]:
        rule = changes.MODULE_CHANGED
        if before["sha256"] is None:
            rule = changes.MODULE_PINNED
        elif after["sha256"] is None:
            rule = changes.MODULE_UNPINNED
        yield _change(rule, "module.sha256", before["sha256"], after["sha256"])


def _softened(bump: Bump, old: ServiceContract) -> Bump:
    """Before 1.0.0 a minor version may break, as Semantic Versioning has it (section 4)."""
    return Bump.MINOR if bump is Bump.MAJOR and old.version_key[0] == 0 else bump


def _bump(old: ServiceContract, new: ServiceContract) -> Bump | None:
    """The part of the version that rose; None when the version went down."""
    before, after = old.version_key, new.version_key
    if after < before:
        return None
    for part, bump in enumerate((Bump.MAJOR, Bump.MINOR, Bump.PATCH)):
        if before[part] != after[part]:
            return bump
    return Bump.PATCH if before != after else Bump.NONE  # from a pre-release to a later one, or to its release


def _version_problem(old: ServiceContract, new: ServiceContract, required: Bump, actual: Bump | None) -> Problem | None:
    unstable = "-" in old.version.partition("+")[0]
    if actual is not None and (actual >= required or (unstable and actual is not Bump.NONE)):
        return None
    if actual is None and required is Bump.NONE:
        message = f"the version went down from {old.version} to {new.version}"
    else:
        how = "went down" if actual is None else f"rose by {actual}" if actual else "did not rise"
        message = f"the changes need a {required} bump; the version {how} ({old.version} -> {new.version})"
    fix = f'write version: "{_next(old, max(required, Bump.PATCH))}"'
    return Problem(rule=VERSION_BUMP_TOO_SMALL, path="version", message=message, fix=fix)


def _next(old: ServiceContract, bump: Bump) -> str:
    major, minor, patch, _ = old.version_key
    match bump:
        case Bump.MAJOR:
            return f"{major + 1}.0.0"
        case Bump.MINOR:
            return f"{major}.{minor + 1}.0"
        case _:
            return f"{major}.{minor}.{patch + 1}"
