"""How much memory the control group of this process still has: Linux containers, services and batch jobs.

Chosen: read the few kernel files directly, for version 2 and version 1, from the process's own group up to the root:
each group on the way may hold the limit that bites. Page cache that the kernel would give back first
(``inactive_file``) counts as available, as the kubelet counts it.
Rejected: ``psutil``, which tells the machine's memory also inside a container, which may be far more.
Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

# Version 1 says "no limit" as the largest page-aligned 63-bit number; no machine comes near this.
_UNLIMITED_FROM = 1 << 60

# Of a 64-bit number.
_MAX_DIGITS = 20


@attrs.frozen
class GroupMemory:
    """The memory of the tightest control group around this process."""

    limit_bytes: int
    available_bytes: int


@attrs.frozen
class _Version:
    mount: str
    limits: tuple[str, ...]  # the lowest of them holds
    usage: str
    cache: str


# ``memory.high`` does not kill, but beyond it the kernel slows every allocation down to a crawl.
_VERSION_2 = _Version("sys/fs/cgroup", ("memory.max", "memory.high"), "memory.current", "inactive_file")
_VERSION_1 = _Version(
    "sys/fs/cgroup/memory", ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"
)


def read_group_memory(root: Path = Path("/")) -> GroupMemory | None:
    """Give the limit and the available bytes of the group with the least available; None where no limit is set.

    ``root`` is where ``proc`` and ``sys`` are mounted. Files that are missing, unreadable or not understood count as
    no limit: other systems have none of them.
    """
    found = [memory for version, path in _own_groups(root) for memory in _groups_up_from(root, version, path)]
    return min(found, key=lambda memory: memory.available_bytes, default=None)


def _own_groups(root: Path) -> Iterator[tuple[_Version, str]]:
    """Read ``/proc/self/cgroup``: lines of ``hierarchy:controllers:path``, with no controllers for version 2."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        if not separator:
            continue
        if hierarchy == "0" and not controllers:
            yield _VERSION_2, path
        elif "memory" in controllers.split(","):
            yield _VERSION_1, path


def _groups_up_from(root: Path, version: _Version, path: str) -> Iterator[GroupMemory]:
    """Give each limited group from ``path`` up to the mount.

    In a container the path may be one of the host, which is not there: then its files are at the mount itself.
    """
    mount = root / version.mount
    group = PurePosixPath(path.lstrip("/"))
    if ".." in group.parts:  # outside of this namespace
        group = PurePosixPath()
    for inside in (group, *group.parents):
        memory = _read_group(mount / inside, version)
        if memory is not None:
            yield memory


def _read_group(folder: Path, version: _Version) -> GroupMemory | None:
    limits = [_number(_read(folder / name)) for name in version.limits]
    limit = min((limit for limit in limits if limit is not None and limit < _UNLIMITED_FROM), default=None)
    usage = _number(_read(folder / version.usage))
    if limit is None or usage is None:
        return None
    for line in _read(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == version.cache:
            usage -= _number(value) or 0
            break
    return GroupMemory(limit, max(limit - max(usage, 0), 0))


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else None  # "max" is no limit


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
