"""May this module have what it imports? Decided by name, kind and signature, before the engine sees it.

Every import gets a verdict, so that a refusal names all of them at once, and ``inspect`` can show them without
loading anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from infrafabric.engine.hostenv import ENV
from infrafabric.engine.wasi import INERT
from infrafabric.errors import ImportDenied, escape
from infrafabric.wasm import FuncType

if TYPE_CHECKING:
    from infrafabric.engine.hostcall import HostFunction
    from infrafabric.wasm import Import, ModuleInfo

WASI_MODULE = "wasi_snapshot_preview1"
#: At most so many refused imports are spelled out in a message; all are in the error's ``imports``.
_SPELLED_OUT = 20


@attrs.frozen
class Grants:
    """What a contract lets a guest import."""

    log: bool = True
    wasi: bool = True


@attrs.frozen(kw_only=True)
class ImportVerdict:
    """Whether one import is granted, and if not, why and what would change it. Texts are escaped."""

    name: str
    signature: str
    granted: bool
    reason: str = ""
    fix: str = ""


def host_function_for(wanted: Import) -> HostFunction | None:
    """The host function behind an import, whatever the contract says; None when there is none of that signature."""
    if wanted.kind != "func" or not isinstance(wanted.type, FuncType):
        return None
    signature = (wanted.type.params, wanted.type.results)
    if wanted.module == WASI_MODULE:
        function = INERT.get(wanted.name)
        return function if function is not None and function.signature == signature else None
    if wanted.module == "env":
        return ENV.get(wanted.name, {}).get(signature)
    return None


def judge(wanted: Import, grants: Grants) -> ImportVerdict:
    """The verdict on one import."""
    name = escape(f"{wanted.module}.{wanted.name}", limit=200)
    signature = _signature(wanted)
    granted = host_function_for(wanted) is not None
    reason = fix = ""
    if granted and wanted.module == WASI_MODULE and not grants.wasi:
        granted, reason, fix = False, "the contract turns WASI off", "set permissions.wasi: inert"
    elif granted and (wanted.module, wanted.name) == ("env", "log") and not grants.log:
        granted, reason, fix = False, "the contract turns logging off", "set permissions.log: true"
    elif not granted:
        reason, fix = _why_not(wanted)
    return ImportVerdict(name=name, signature=signature, granted=granted, reason=reason, fix=fix)


def _signature(wanted: Import) -> str:
    # It may have a thousand parameters.
    return escape(str(wanted.type), limit=200) if wanted.kind == "func" else wanted.kind


def _why_not(wanted: Import) -> tuple[str, str]:
    if wanted.kind != "func":
        return f"no {wanted.kind} is provided", f"define the {wanted.kind} in the module and export it"
    known = ENV.get(wanted.name) if wanted.module == "env" else None
    if wanted.module == WASI_MODULE:
        function = INERT.get(wanted.name)
        if function is None:
            return _no_such_wasi(wanted.name)
        known = {function.signature: function}
    if known:
        offers = " or ".join(str(FuncType(*signature)) for signature in known)
        return (
            f"its signature is {_signature(wanted)}; offered: {offers}",
            "declare the import with an offered signature",
        )
    return "no such host function exists", "remove the call; guests may import env.log and inert WASI"


def _no_such_wasi(name: str) -> tuple[str, str]:
    for prefix, power in (("path_", "files"), ("sock_", "network"), ("fd_readdir", "files"), ("proc_raise", "signals")):
        if name.startswith(prefix):
            return f"it needs a grant of {power}, which no contract can give in this process", (
                f"build the guest without {power} access and pass what it needs in the task's parameters"
            )
    return "WASI preview 1 has no such function", "build the guest for WASI preview 1"


def verdicts(info: ModuleInfo, grants: Grants) -> tuple[ImportVerdict, ...]:
    """A verdict on every import, in the module's order."""
    first: dict[tuple[str, str], Import] = {}
    return tuple(
        _judge_repeated(wanted, first.setdefault((wanted.module, wanted.name), wanted), grants)
        for wanted in info.imports
    )


def _judge_repeated(wanted: Import, first: Import, grants: Grants) -> ImportVerdict:
    verdict = judge(wanted, grants)
    if not verdict.granted or wanted.type == first.type:
        return verdict
    # One name is linked to one function.
    return attrs.evolve(
        verdict,
        granted=False,
        reason=f"it is imported with two signatures: {_signature(first)} before, {_signature(wanted)} here",
        fix="import it with one of them",
    )


def check_imports(info: ModuleInfo, grants: Grants) -> None:
    """Refuse a module with an import that is not granted: `ImportDenied` names all of them."""
    denied = list(dict.fromkeys(verdict for verdict in verdicts(info, grants) if not verdict.granted))
    if not denied:
        return
    lines = [f"{verdict.name}: {verdict.reason} ({verdict.fix})" for verdict in denied[:_SPELLED_OUT]]
    more = f"; and {len(denied) - _SPELLED_OUT} more" if len(denied) > _SPELLED_OUT else ""
    raise ImportDenied(
        f"{len(denied)} of its {len(info.imports)} imports are not granted: {'; '.join(lines)}{more}",
        tuple(verdict.name for verdict in denied),
    )
