"""The memory of this process's control group, read from the kernel's files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from infrafabric.limits.cgroup import GroupMemory, read_group_memory

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/memory"
V1_UNLIMITED = "9223372036854771712"


def write(root: Path, files: dict[str, object]) -> Path:
    """Write a file system of a kernel; give its root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())
    return root


def v2(group: str, limit: object, usage: object, *, cache: object = 0, high: object = "max") -> dict[str, object]:
    """Give the files of one version 2 group."""
    folder = f"{V2}/{group}".rstrip("/")
    return {
        f"{folder}/memory.max": limit,
        f"{folder}/memory.high": high,
        f"{folder}/memory.current": usage,
        f"{folder}/memory.stat": f"anon 1\nfile 99999999\ninactive_file {cache}\nactive_file 99999999",
    }


def v1(group: str, limit: object, usage: object, *, cache: object = 0) -> dict[str, object]:
    """Give the files of one version 1 group."""
    folder = f"{V1}/{group}".rstrip("/")
    return {
        f"{folder}/memory.limit_in_bytes": limit,
        f"{folder}/memory.usage_in_bytes": usage,
        f"{folder}/memory.stat": f"cache 99999999\ninactive_file 77\ntotal_inactive_file {cache}",
    }


OWN_V2 = {"proc/self/cgroup": "0::/a/b"}
OWN_V1 = {"proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/a/b\n1:name=systemd:/c\n0::/"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, None, id="no-groups-at-all"),
        pytest.param(OWN_V2, None, id="group-without-files"),
        pytest.param(OWN_V2 | v2("a/b", "max", 5), None, id="v2-no-limit"),
        pytest.param(OWN_V2 | v2("a/b", 100, 30), (100, 70), id="v2-limit"),
        pytest.param(OWN_V2 | v2("a/b", 100, 30, cache=20), (100, 90), id="v2-cache-is-available"),
        pytest.param(OWN_V2 | v2("a/b", 100, 30, cache=50), (100, 100), id="v2-cache-above-usage"),
        pytest.param(OWN_V2 | v2("a/b", 100, 130), (100, 0), id="v2-over-its-limit"),
        pytest.param(OWN_V2 | v2("a/b", 100, 30, high=50), (50, 20), id="v2-high-below-max"),
        pytest.param(OWN_V2 | v2("a/b", "max", 30, high=50), (50, 20), id="v2-high-alone"),
        pytest.param(OWN_V2 | v2("a/b", 100, 10) | v2("a", 90, 80), (90, 10), id="v2-parent-is-tighter"),
        pytest.param(OWN_V2 | v2("a/b", "max", 10) | v2("a", 90, 20), (90, 70), id="v2-only-parent-limited"),
        pytest.param(OWN_V2 | v2("", 80, 20), (80, 60), id="v2-path-of-the-host-files-at-the-mount"),
        pytest.param({"proc/self/cgroup": "0::/"} | v2("", 80, 20), (80, 60), id="v2-own-namespace"),
        pytest.param({"proc/self/cgroup": "0::/../x"} | v2("", 80, 20), (80, 60), id="v2-outside-its-namespace"),
        pytest.param(OWN_V1 | v1("a/b", V1_UNLIMITED, 5), None, id="v1-no-limit"),
        pytest.param(OWN_V1 | v1("a/b", 100, 30, cache=20), (100, 90), id="v1-limit-and-cache"),
        pytest.param(OWN_V1 | v1("a/b", V1_UNLIMITED, 5) | v1("", 60, 1), (60, 59), id="v1-files-at-the-mount"),
        pytest.param(OWN_V1 | v1("x", 1, 1) | v1("c", 1, 1), None, id="v1-other-controllers-paths"),
        pytest.param(OWN_V1 | v1("a/b", 100, 30) | v2("", 50, 10), (50, 40), id="both-versions"),
        pytest.param(OWN_V2 | v2("a/b", "", 30), None, id="empty-limit"),
        pytest.param(OWN_V2 | v2("a/b", "-1", 30), None, id="negative-limit"),
        pytest.param(OWN_V2 | v2("a/b", "100 bytes", 30), None, id="limit-of-another-form"),
        pytest.param(OWN_V2 | v2("a/b", "\u0661\u0660\u0660", 30), None, id="digits-of-another-script"),
        pytest.param(OWN_V2 | v2("a/b", "9" * 5000, 30), None, id="far-too-many-digits"),
        pytest.param(OWN_V2 | v2("a/b", 100, "x"), None, id="unreadable-usage"),
        pytest.param(OWN_V2 | v2("a/b", 100, 30, cache="x"), (100, 70), id="unreadable-cache"),
        pytest.param(
            OWN_V2 | v2("a/b", 100, 30) | {f"{V2}/a/b/memory.stat": b"\xff\x00"}, (100, 70), id="garbage-stat"
        ),
        pytest.param({"proc/self/cgroup": "nonsense\n\n0:\n:::::\n0::"} | v2("", 80, 20), (80, 60), id="odd-lines"),
    ],
)
def test_reads_the_tightest_group(tmp_path: Path, files: dict[str, object], expected: tuple[int, int] | None) -> None:
    """Each kind of machine, container and broken file gives the right limit and what is left of it, or none."""
    assert read_group_memory(write(tmp_path, files)) == (expected and GroupMemory(*expected))


def test_a_missing_stat_file_is_no_cache(tmp_path: Path) -> None:
    """Without the statistics all usage counts."""
    files = OWN_V2 | v2("a/b", 100, 30, cache=20)
    del files[f"{V2}/a/b/memory.stat"]
    assert read_group_memory(write(tmp_path, files)) == GroupMemory(100, 70)


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_reads_the_real_machine() -> None:
    """Whatever this test runs in, reading it gives nothing or something sensible."""
    memory = read_group_memory()
    assert memory is None or 0 <= memory.available_bytes <= memory.limit_bytes
