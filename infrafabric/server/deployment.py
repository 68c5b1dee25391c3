"""Contracts in files and the swarms they became: loaded together, and kept up to date when files change.

A folder means the contracts that lie in it, not those in folders below: mounted configuration keeps its former
versions there. Hidden files, and those that editors leave, are none.

What was loaded stays loaded until something better is read: a change that cannot be used is remembered and told.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract.defaults import DeploymentDefaults
from infrafabric.errors import ContractError, InfraFabricError, escape
from infrafabric.server.contract_file import Reader, failure_of, is_contract, signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from infrafabric.chassis import IFChassis
    from infrafabric.server.contract_file import LoadFailure, Reading, Signature

_log = logging.getLogger("infrafabric.server")


@attrs.frozen(kw_only=True)
class _Entry:
    """What is known of one file. ``swarm_id`` is that of the swarm it became; None when it has not become one."""

    signature: Signature
    module_path: Path | None
    swarm_id: str | None
    digest: str = ""
    module_sha256: str = ""
    failure: LoadFailure | None = None


class Deployment:
    """The contracts at ``places`` (files and folders), loaded into ``chassis``.

    ``modules`` are files to take for swarms, by id, instead of those that their contracts name; a digest that a
    contract states holds for them as well.
    """

    def __init__(self, chassis: IFChassis, places: Iterable[Path], modules: Mapping[str, Path] | None = None) -> None:
        self._chassis = chassis
        self._places = tuple(places)
        self._modules = dict(modules or {})
        self._reader = Reader(DeploymentDefaults.load(), self._modules)
        self._entries: dict[Path, _Entry] = {}
        #: Known files that were not there at this look, and at the one before.
        self._gone: set[Path] = set()
        self._gone_before: set[Path] = set()
        self._lock = threading.Lock()

    # --- what there is -----------------------------------------------------------------------------------

    def failures(self) -> tuple[LoadFailure, ...]:
        """Everything that is wrong now, by file."""
        return tuple(entry.failure for _, entry in sorted(self._entries.items()) if entry.failure is not None)

    def missing(self) -> list[str]:
        """The names of the files that have never become a swarm."""
        entries = sorted(self._entries.items())
        return [escape(path.name, 200) for path, entry in entries if entry.swarm_id is None]

    def refused_changes(self) -> list[str]:
        """The ids of swarms that run as they were, because the change of their files is refused."""
        return sorted(entry.swarm_id for entry in self._entries.values() if entry.failure and entry.swarm_id)

    def reload_error(self, swarm_id: str) -> str | None:
        """Why the last change of a swarm's files is not in force; None when it is."""
        for entry in list(self._entries.values()):
            if entry.swarm_id == swarm_id and entry.failure is not None:
                return entry.failure.report
        return None

    def unused_modules(self) -> list[str]:
        """The ids in ``modules`` that no contract has."""
        loaded = {entry.swarm_id for entry in self._entries.values()}
        return sorted(set(self._modules) - loaded - {None})

    def folders(self) -> set[Path]:
        """The folders in which something lies that this was made of, as far as they exist."""
        found = {place if place.is_dir() else place.parent for place in self._places}
        found |= {entry.module_path.parent for entry in list(self._entries.values()) if entry.module_path is not None}
        return {folder for folder in found if folder.is_dir()}

    # --- loading ----------------------------------------------------------------------------------------

    def load(self) -> tuple[LoadFailure, ...]:
        """Load every contract that can be; what is wrong with the others. Never raises for what a file holds."""
        self.rescan()
        return self.failures()

    def rescan(self) -> bool:
        """Take in what has changed since the last look. Whether a file is gone that may be about to come back.

        Editors replace a file by removing it first; it counts as deleted when it is still gone at the next look.
        """
        with self._lock:
            present = list(self._paths())
            self._gone = set(self._entries) - set(present)
            for path in self._gone & self._gone_before:
                self._unload(path)
            for path in present:
                self._look_at(path)
            self._gone_before = {path for path in self._gone if path in self._entries}
            return bool(self._gone_before)

    def _paths(self) -> Iterator[Path]:
        found: dict[Path, None] = {}
        for place in self._places:
            try:
                inside = sorted(place.iterdir()) if place.is_dir() else [place]
            except OSError:
                continue
            for path in inside:
                if path is place or (is_contract(path) and path.is_file()):
                    found[path] = None
        # A place that is a file counts while it is there, or was never read.
        yield from (path for path in found if path.exists() or path not in self._entries)

    def _look_at(self, path: Path) -> None:
        known = self._entries.get(path)
        if known is not None and known.signature == signature_of(path, known.module_path):
            return
        reading = self._reader.read(path)
        failure = reading.failure or self._take_in(path, reading, known)
        if failure is not None:
            self._keep(path, known, failure, reading)

    def _take_in(self, path: Path, reading: Reading, known: _Entry | None) -> LoadFailure | None:
        """Load what was read, where it is something new; why not, if not."""
        contract, module = reading.require()
        swarm_id, digest, sha256 = contract.swarm_id, contract.digest, hashlib.sha256(module).hexdigest()
        known = known or self._renamed(path, swarm_id)
        try:
            if known is not None and known.swarm_id == swarm_id:
                if (digest, sha256) != (known.digest, known.module_sha256):
                    self._chassis.replace_swarm(swarm_id, module, contract)
                    _log.info("swarm '%s' was reloaded from %s", escape(swarm_id), escape(str(path)))
            else:
                self._refuse_second(path, swarm_id)
                self._chassis.load_swarm(swarm_id, module, contract)
                _log.info("swarm '%s' was loaded from %s", escape(swarm_id), escape(str(path)))
                if known is not None and known.swarm_id is not None:
                    self._retire(known.swarm_id)
        except InfraFabricError as error:
            return failure_of(path, error)
        self._entries[path] = _Entry(
            signature=reading.signature,
            module_path=reading.module_path,
            swarm_id=swarm_id,
            digest=digest,
            module_sha256=sha256,
        )
        return None

    def _renamed(self, path: Path, swarm_id: str) -> _Entry | None:
        """What is known of the file that this one was before it got another name."""
        for other in self._gone:
            entry = self._entries.get(other)
            if entry is not None and entry.swarm_id == swarm_id:
                self._entries[path] = self._entries.pop(other)
                return entry
        return None

    def _refuse_second(self, path: Path, swarm_id: str) -> None:
        for other, entry in self._entries.items():
            if entry.swarm_id == swarm_id and other != path:
                raise ContractError(
                    f"swarm '{escape(swarm_id)}' comes from {escape(str(other))} already; give one of them another "
                    "swarm_id"
                )

    def _keep(self, path: Path, known: _Entry | None, failure: LoadFailure, reading: Reading) -> None:
        """Remember why a file is not in force. What it was before goes on."""
        known = self._entries.get(path, known)
        if known is None:
            known = _Entry(signature=(), module_path=None, swarm_id=None)
        elif known.failure is None or known.failure.report != failure.report:
            kept = f"swarm '{escape(known.swarm_id)}' goes on as it was" if known.swarm_id else "it stays unloaded"
            _log.error("a change is refused, and %s: %s", kept, failure.report)
        self._entries[path] = attrs.evolve(
            known, signature=reading.signature, module_path=reading.module_path, failure=failure
        )

    def _unload(self, path: Path) -> None:
        entry = self._entries.pop(path)
        if entry.swarm_id is not None:
            _log.info("swarm '%s' is unloaded: %s is gone", escape(entry.swarm_id), escape(str(path)))
            self._retire(entry.swarm_id)
        for other, kept in self._entries.items():  # one of them may have been refused because of this one
            if kept.failure is not None:
                self._entries[other] = attrs.evolve(kept, signature=())

    def _retire(self, swarm_id: str) -> None:
        """Unload a swarm: running tasks end in their own time, which nobody waits for here."""
        unloading = threading.Thread(
            target=self._chassis.unload_swarm, args=(swarm_id,), name="infrafabric-unload", daemon=True
        )
        unloading.start()
        while unloading.is_alive() and swarm_id in self._chassis.list_loaded_swarms():
            unloading.join(0.001)
