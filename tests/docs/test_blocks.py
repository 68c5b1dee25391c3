"""Reading a page: which block is run, written, compared, shown, and what a page may not say."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.docs.blocks import Action, Command, PageError, read_console, read_page


def _read(text: str) -> list[tuple[int, str, Action, str]]:
    page = read_page("page.md", dedent(text))
    return [(block.line, block.language, block.action, block.argument) for block in page.blocks]


@pytest.mark.parametrize(
    ("language", "action"),
    [
        ("python", Action.RUN),
        ("console", Action.RUN),
        ("sh", Action.RUN),
        ("json", Action.PARSE),
        ("yaml", Action.PARSE),
        ("toml", Action.PARSE),
        ("text", Action.SHOW),
        ("rust", Action.SHOW),
        ("python title=x", Action.RUN),
    ],
)
def test_the_language_of_a_block_decides_what_is_done_with_it(language: str, action: Action) -> None:
    """Code runs, data parses, the rest is shown; words after the language change nothing."""
    assert [found[2] for found in _read(f"```{language}\nx\n```\n")] == [action]


@pytest.mark.parametrize("language", ["py", "bash", "shell", "Python", "python3", "jsonc", ""])
def test_a_language_that_would_escape_execution_is_refused(language: str) -> None:
    """A block cannot stay unrun by a spelling that nobody knows, or by naming no language."""
    with pytest.raises(PageError, match=r"^page\.md:2: block of language .*; say one of c, console"):
        _read(f"```{language}\nx\n```\n")


def test_an_indented_block_is_refused() -> None:
    """Code that is indented instead of fenced has no language and would never run."""
    with pytest.raises(PageError, match=r"^page\.md:3: an indented block"):
        _read("Words.\n\n    print()\n")


def test_a_block_inside_a_list_is_found_without_its_indentation() -> None:
    """A numbered step may hold a block; its lines are those of the page."""
    page = read_page("page.md", "1. Step:\n\n   ```python\n   print(1)\n   ```\n")
    assert [(block.line, block.text) for block in page.blocks] == [(4, "print(1)\n")]


def test_a_comment_changes_only_the_block_it_precedes() -> None:
    """``skip``, ``file`` and ``output`` apply to the next block, the one after is as before."""
    found = _read("""\
        <!-- skip: needs a network -->
        ```python
        ```

        ```python
        ```

        <!-- file: src/a.rs -->
        ```rust
        ```

        <!-- output -->
        ```json
        ```
        """)
    assert found == [
        (3, "python", Action.SKIP, "needs a network"),
        (6, "python", Action.RUN, ""),
        (10, "rust", Action.WRITE, "src/a.rs"),
        (14, "json", Action.COMPARE, ""),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- skip: -->\n```python\n```\n", "page.md:3: <!-- skip: ... --> says no reason"),
        ("<!-- skip -->\n```python\n```\n", "page.md:3: <!-- skip: ... --> says no reason"),
        ("<!-- file: -->\n```text\n```\n", "page.md:3: <!-- file: ... --> says no path"),
        ("<!-- skip: a -->\n<!-- output -->\n```text\n```\n", "page.md:4: a block is either output or skip, not both"),
        ("<!-- skip: a -->\n\nWords.\n", "page.md:3: <!-- skip --> is not followed by a block"),
        ("```text\n```\n\n<!-- output -->\n", "page.md:4: <!-- output --> is not followed by a block"),
    ],
)
def test_a_comment_that_says_nothing_is_refused(text: str, message: str) -> None:
    """A skip has a reason, a file has a path, and each comment has its block."""
    with pytest.raises(PageError) as caught:
        _read(text)
    assert str(caught.value) == message


def test_the_tools_and_links_of_a_page_are_read() -> None:
    """``requires`` may stand anywhere and more than once; links and images are listed with their lines."""
    page = read_page("page.md", "<!-- requires: rustc, clang -->\n\n[a](b.md#c) ![d](e.png)\n\n<!-- requires: go -->\n")
    assert page.requires == ("rustc", "clang", "go")
    assert page.links == ((3, "b.md#c"), (3, "e.png"))


def test_a_console_block_is_split_into_commands_and_their_output() -> None:
    """A prompt starts a command, a second prompt or a backslash goes on with it, the rest is output."""
    page = read_page("p.md", "```console\n$ a \\\n  b\nout\n\nmore\n$ for x in 1\n> do y; done\n$ c\n```\n")
    assert read_console("p.md", page.blocks[0]) == (
        Command(2, "a \\\n  b", "out\n\nmore\n"),
        Command(7, "for x in 1\ndo y; done", ""),
        Command(9, "c", ""),
    )


def test_a_console_block_without_a_prompt_is_refused() -> None:
    """Commands that nobody marked as such would never run."""
    page = read_page("p.md", "```console\nls\n```\n")
    with pytest.raises(PageError, match=r"^p\.md:2: a console block starts with a command"):
        read_console("p.md", page.blocks[0])
