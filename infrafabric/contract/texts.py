"""The grammars of a contract's texts: names, capabilities, versions, periods; and what the last two mean."""

from __future__ import annotations

import re
from typing import Final

from infrafabric.contract.kinds import Text

_WORD = r"[a-z0-9][a-z0-9._-]{0,62}"

#: What every contract takes as a swarm id. Files are stricter: see `FILE_SWARM_ID`.
SWARM_ID: Final = Text(
    form="printable text without / and \\", max_characters=255, pattern=r"[^/\\]*", example="analyzer-swarm"
)
FILE_SWARM_ID: Final = Text(
    form="lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 63 characters",
    max_characters=63,
    pattern=_WORD,
    example="analyzer-swarm",
)
CAPABILITY: Final = Text(
    form="a 'category:name' of lower-case letters, digits, '.', '_' and '-'",
    max_characters=127,
    pattern=f"{_WORD}:{_WORD}",
    example="code-analysis:python",
)
TASK_NAME: Final = Text(
    form="the printable name of an exported function", max_characters=255, pattern=".+", example="analyze_code"
)
PROSE: Final = Text(form="printable text", max_characters=4096, lines=True)

#: A relative path of plain parts: no part is empty, "." or "..", so that none can lead out of a folder.
MODULE_PATH: Final = Text(
    form="a relative path with / between its parts, none of them '.' or '..'",
    max_characters=255,
    pattern=r"(?!.*(?:^|/)\.\.?(?:/|$))[^/\\:]+(?:/[^/\\:]+)*",
    example="guests/analyzer.wasm",
)
SHA256: Final = Text(
    form="64 lower-case hexadecimal digits", max_characters=64, pattern="[0-9a-f]{64}", example="9f86d081" * 8
)

_NUMBER = "(0|[1-9][0-9]{0,8})"
_PRERELEASE = "(?:0|[1-9][0-9]{0,8}|[0-9]{0,9}[A-Za-z-][0-9A-Za-z-]*)"
_BUILD = "[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER}(?:-({_PRERELEASE}(?:\.{_PRERELEASE})*))?(?:\+{_BUILD}(?:\.{_BUILD})*)?)?"
)
#: `Semantic Versioning 2.0.0 <https://semver.org>`_, and MAJOR.MINOR for short.
VERSION: Final = Text(form="a semantic version", max_characters=64, pattern=_VERSION.pattern, example="1.2.0")

#: Seconds of each unit of a period.
PERIOD_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
PERIOD: Final = Text(
    form="a whole number with the unit m, h, d or w", max_characters=8, pattern=r"[1-9][0-9]{0,6}[mhdw]", example="30d"
)
PERIOD_SECONDS_MIN: Final = 3_600
PERIOD_SECONDS_MAX: Final = 90 * 86_400

#: Major, minor, patch, and a tuple that sorts pre-releases before their release.
VersionKey = tuple[int, int, int, tuple[tuple[int, int, str], ...]]
_RELEASE: Final = ((2, 0, ""),)


def version_key(version: str) -> VersionKey:
    """The precedence of a version: sorts as semver does, builds ignored, and "1.0" is 1.0.0.

    >>> version_key("1.0") == version_key("1.0.0+build.7")
    True
    >>> version_key("1.0.0-rc.2") < version_key("1.0.0-rc.10") < version_key("1.0.0")
    True
    """
    parts = _VERSION.fullmatch(version)
    if parts is None:
        text = f"not a version: {version!r}"
        raise ValueError(text)
    major, minor, patch, prerelease = parts.group(1, 2, 3, 4)
    if prerelease is None:
        return int(major), int(minor), int(patch or 0), _RELEASE
    ranks = tuple((0, int(part), "") if part.isdigit() else (1, 0, str(part)) for part in prerelease.split("."))
    return int(major), int(minor), int(patch or 0), ranks


def period_seconds(period: str) -> int:
    """How long a period is.

    >>> period_seconds("30d")
    2592000
    """
    return int(period[:-1]) * PERIOD_UNITS[period[-1]]
