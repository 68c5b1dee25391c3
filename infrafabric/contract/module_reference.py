"""Which module a contract belongs to: a file beside it, and the digest that says that it is the right one."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING, NoReturn

import attrs

from infrafabric.contract import rules
from infrafabric.contract.fields import field
from infrafabric.contract.kinds import OptionalText
from infrafabric.contract.problems import Problems, shown
from infrafabric.contract.reading import read_bytes
from infrafabric.contract.record import Record
from infrafabric.contract.texts import MODULE_PATH, SHA256
from infrafabric.errors import ModuleTooLarge, escape

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.contract.rules import Rule


@attrs.frozen(kw_only=True, eq=False)
class ModuleReference(Record):
    """The file of a swarm's module (``module`` in a contract)."""

    path: str = field(
        MODULE_PATH,
        "The module's file, from the folder of the contract. It stays inside that folder.",
        enforced_by="contract",
        broken="contract_invalid at load",
        examples=("analyzer.wasm",),
    )
    sha256: str | None = field(
        OptionalText(SHA256),
        "The SHA-256 of the module's file. Another file is refused before anything reads it as a module. "
        "Null: any file is taken.",
        enforced_by="contract",
        broken="contract_invalid at load",
        default=None,
        examples=(SHA256.example,),
    )

    def read(self, folder: Path, max_bytes: int) -> bytes:
        """The module's bytes, from the contract's folder.

        Raises `ContractValidationError` when the file is missing, lies outside (a symbolic link) or has another
        digest, and `ModuleTooLarge` when it is larger than ``max_bytes``.
        """
        try:
            data = read_bytes(self._file(folder.resolve()), max_bytes)
        except OSError as error:
            self._unreadable(error.strerror or "the file system failed")
        if data is None:
            text = f"{escape(self.path)} is larger than the {max_bytes:,} bytes of resource_limits.max_module_mb"
            raise ModuleTooLarge(text)
        self.check(data, self.path)
        return data

    def check(self, data: bytes, name: str) -> None:
        """Raise `ContractValidationError` when the contract states a digest and these bytes have another."""
        digest = hashlib.sha256(data).hexdigest()
        if self.sha256 is not None and digest != self.sha256:
            fix = "restore the file that the contract means, or review the new one and write its digest"
            _refuse(rules.MODULE_CHANGED, "module.sha256", f"{escape(name)} has the SHA-256 {digest}", fix)

    def _file(self, root: Path) -> Path:
        """The regular file inside ``root`` that the path leads to, links followed."""
        try:
            found = (root / self.path).resolve(strict=True)
            regular = stat.S_ISREG(found.stat().st_mode)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            self._unreadable(getattr(error, "strerror", None) or "its links lead in a circle")
        if not found.is_relative_to(root):
            message = f"{escape(self.path)} is a link to {escape(str(found))}, outside of {escape(str(root))}"
            _refuse(rules.PATH_OUTSIDE, "module.path", message, "put the file into the contract's folder")
        if not regular:
            self._unreadable("it is not a regular file")
        return found

    def _unreadable(self, why: str) -> NoReturn:
        fix = "build the module, or correct the path; it begins at the contract's folder"
        _refuse(rules.MODULE_UNREADABLE, "module.path", f"{shown(self.path)} cannot be read: {why}", fix)


def _refuse(rule: Rule, path: str, message: str, fix: str | None = None) -> NoReturn:
    problems = Problems()
    problems.add(rule, path, message, fix)
    problems.raise_any()
    raise AssertionError("unreachable: there is a problem")
