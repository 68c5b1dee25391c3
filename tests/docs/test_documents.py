"""The documentation does what it says: its code runs, its links lead somewhere, no page is lost."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import PAGE_TIMEOUT_SECONDS, ROOT, load_page, page_paths, run_page
from tests.toolchains import require_tool

if TYPE_CHECKING:
    from pathlib import Path

PAGES = page_paths()
_FOLDERS = ("tutorials", "how-to", "reference", "explanation", "adr")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.timeout(PAGE_TIMEOUT_SECONDS + 30)
@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_block_of_a_page_runs_and_prints_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    """A reader who copies each block in turn gets what the page promises, and leaks nothing."""
    page = load_page(path)
    require_tool(*page.requires)
    ended = run_page(page, tmp_path)
    assert ended.status == 0, f"{'out of time' if ended.status is None else 'failed'}:\n{ended.output}"
    assert not ended.leaked, f"{page.name} leaves something open:\n{ended.output}"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_link_of_a_page_leads_to_a_file_and_heading(path: Path) -> None:
    """A relative link names a file of the repository and, behind ``#``, a heading of it."""
    broken = []
    for line, link in load_page(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{_name(path)}:{line}: no such file: {link}")
        elif parts.fragment and target.suffix == ".md" and parts.fragment not in heading_anchors(target):
            broken.append(f"{_name(path)}:{line}: no such heading: {link}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_page_of_a_folder_is_in_its_index(folder: str) -> None:
    """``docs/<folder>/README.md`` links each page beside it, so that a reader finds every page by clicking."""
    index = ROOT / "docs" / folder / "README.md"
    linked = {(index.parent / unquote(urlsplit(link).path)).resolve() for _, link in load_page(index).links}
    lost = {page for page in index.parent.rglob("*.md") if page != index} - linked
    assert not lost, f"{_name(index)} does not link {', '.join(sorted(map(_name, lost)))}"


def test_the_front_page_of_the_documentation_links_every_folder() -> None:
    """``docs/README.md`` leads to each kind of page."""
    index = ROOT / "docs" / "README.md"
    linked = {urlsplit(link).path.rstrip("/").removesuffix("/README.md") for _, link in load_page(index).links}
    assert linked >= set(_FOLDERS)


def heading_anchors(path: Path) -> set[str]:
    """The fragments that code hosts give a page's headings: lower case, punctuation dropped, spaces as hyphens."""
    anchors: set[str] = set()
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    for opening, heading in itertools.pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = "".join(child.content for child in heading.children or () if child.type in {"text", "code_inline"})
        slug = "".join(c for c in text.lower() if c in " -_" or unicodedata.category(c)[0] in "LNM").replace(" ", "-")
        same = sum(1 for anchor in anchors if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", anchor))
        anchors.add(f"{slug}-{same}" if same else slug)
    return anchors
