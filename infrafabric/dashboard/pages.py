"""The pages as text: Jinja templates over the records of a board.

Everything that is written into a page passes two gates, whatever a template forgets: `_visible` turns control and
bidirectional characters into their escapes, and Jinja escapes markup. A name that a template misspells is an error.

Links are relative to the page, so the dashboard works under any prefix that a proxy gives it.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infrafabric.dashboard import drawing, views, words
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrafabric.board.records import Overview, SwarmPage

#: Where the files of the pages are served.
STATIC_PATH: Final = "/dashboard/static/"
#: So many characters of its digest stand in the address of a file.
VERSION_CHARACTERS: Final = 12

_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".LICENSE": "text/plain"}
#: Not printable for Python, and harmless in a page: what breaks lines, and what keeps a number with its unit.
_HARMLESS: Final = "\n\t\N{NARROW NO-BREAK SPACE}"
#: A path of slashes alone would fill a page with ways back.
_MAX_STEPS: Final = 32
#: Names that a browser takes for a place in a path instead of a name.
_DOTS: Final = frozenset({".", ".."})


@attrs.frozen
class Asset:
    """A file that pages load."""

    content: bytes
    media_type: str
    digest: str


@functools.cache
def assets() -> dict[str, Asset]:
    """The files of ``static/`` by path. Only these can be asked for, so no path leads out of the folder."""
    root = files("infrafabric.dashboard") / "static"
    found: dict[str, Asset] = {}
    for folder, prefix in ((root, ""), (root / "vendor", "vendor/")):
        for file in folder.iterdir():
            suffix = f".{file.name.rpartition('.')[2]}"
            if suffix in _MEDIA_TYPES and file.is_file():
                content = file.read_bytes()
                found[prefix + file.name] = Asset(content, _MEDIA_TYPES[suffix], hashlib.sha256(content).hexdigest())
    return found


@functools.cache
def version() -> str:
    """What changes when any of the files does."""
    return hashlib.sha256("".join(sorted(asset.digest for asset in assets().values())).encode()).hexdigest()


def root_of(scope: Mapping[str, Any]) -> str:
    """The way from a request's page back to the application's root, as a relative address.

    That root may lie below another application's. A page is never so deep as a path may be: what is, leads nowhere.
    """
    path = scope.get("raw_path") or scope["path"].encode()
    steps = path.partition(b"?")[0].count(b"/") - 1 - scope.get("root_path", "").count("/")
    return "../" * min(steps, _MAX_STEPS) or "./"


def overview_page(overview: Overview, wanted: views.Filter, *, root: str, source: str, is_live: bool) -> str:
    """The page with a row for each objective."""
    return _page(
        "overview.html",
        Place(root=root, source=source, is_live=is_live),
        overview=overview,
        wanted=wanted,
        rows=[row for row in overview.rows if wanted.takes(row)],
    )


def swarm_page(page: SwarmPage, *, root: str, source: str, is_live: bool) -> str:
    """The page of one swarm."""
    return _page("swarm.html", Place(root=root, source=source, is_live=is_live), page=page)


def message_page(title: str, text: str, *, root: str) -> str:
    """A page that says what is wrong, and leads back."""
    return _page("message.html", Place(root=root, source="", is_live=False), title=title, text=text)


def login_page(*, root: str, wanted: str, failed: bool) -> str:
    """The form that asks for the token; afterwards it leads to ``wanted``."""
    return _page("login.html", Place(root=root, source="", is_live=False), wanted=wanted, failed=failed)


@attrs.frozen(kw_only=True)
class Place:
    """Where a page stands: the way to the root, and what the board is of."""

    root: str
    source: str
    is_live: bool
    in_report: bool = False

    def asset(self, name: str) -> str:
        """The address of a file of ``static/``; it changes with the file, so it can be kept for ever."""
        return f"{self.root.removesuffix('/')}{STATIC_PATH}{name}?v={assets()[name].digest[:VERSION_CHARACTERS]}"

    def swarm(self, swarm_id: str) -> str:
        """The address of a swarm's page."""
        if self.in_report:
            return f"#{anchor('swarm', swarm_id)}:top"
        if swarm_id in _DOTS or not swarm_id:
            return f"{self.root}dashboard/swarms/?{urlencode({'id': swarm_id})}"
        return f"{self.root}dashboard/swarms/{quote(swarm_id, safe='')}"

    def overview(self, **query: str) -> str:
        """The address of the overview, filtered."""
        asked = urlencode({name: value for name, value in query.items() if value})
        base = "" if self.in_report else f"{self.root}dashboard/"
        return f"{base}?{asked}" if asked else base or "?"


def anchor(*parts: str) -> str:
    """A name that can be linked to, whatever its parts hold.

    >>> anchor("swarm", "a b")
    'swarm:a%20b'
    """
    return ":".join(quote(part, safe="") for part in parts if part)


def _page(template: str, place: Place, **context: Any) -> str:
    return environment().get_template(template).render(place=place, **context)


@functools.cache
def environment() -> Environment:
    """The templates with their filters."""
    made = Environment(
        loader=PackageLoader("infrafabric.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for module, names in (
        (words, "percent number count rate seconds size quantity iso moment clock state"),
        (
            views,
            "promise state_counts alert_rows burn_rows budget_rows outcome_rows objective_anchor searchable figure",
        ),
        (views, "objective_figures tone_of_budget tone_of_use"),
        (drawing, "sparkline histogram"),
    ):
        made.filters |= {name: getattr(module, name) for name in names.split()}
    made.globals["anchor"] = anchor
    return made


def _visible(value: Any) -> Any:
    """Text with all that is not printable made visible, but for line breaks and tabs."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(
        character if character.isprintable() or character in _HARMLESS else escape(character) for character in value
    )
