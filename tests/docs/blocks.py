"""The fenced blocks of a Markdown page, and what is to be done with each.

What a page's author writes, in HTML comments that the reader does not see:

========================== =========================================================================================
``<!-- skip: reason -->``  the next block is not run
``<!-- file: path -->``    the next block, of any language, is written to that file first
``<!-- output -->``        the next block is what the last run block printed (``...`` stands for anything)
``<!-- requires: go -->``  the page is skipped where a tool of tests/toolchains.py is missing
========================== =========================================================================================

CommonMark is parsed by markdown-it. Sybil was rejected: it makes one test of each block, so that a page's blocks
can neither share a shell nor be spread over processes.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

#: Run as they stand, one namespace and one shell to a page.
RUN_LANGUAGES = frozenset({"python", "console", "sh"})
#: Must at least parse.
DATA_LANGUAGES = frozenset({"json", "toml", "yaml"})
#: Shown only. Anything else is refused, so that ```py or ```bash does not escape execution by its spelling.
SHOWN_LANGUAGES = frozenset(
    {"c", "cpp", "diff", "go", "html", "javascript", "mermaid", "rust", "text", "typescript", "wat", "wit", "zig"}
)

_COMMENT = re.compile(r"<!--\s*(?P<name>skip|file|output|requires)\b\s*:?\s*(?P<value>.*?)\s*-->", re.DOTALL)


class Action(StrEnum):
    """What is done with a block."""

    RUN = "run"
    WRITE = "write"
    COMPARE = "compare"
    PARSE = "parse"
    SHOW = "show"
    SKIP = "skip"


class PageError(ValueError):
    """A page says something that cannot be followed; the text begins with ``page:line``."""

    def __init__(self, page: str, line: int, message: str) -> None:
        super().__init__(f"{page}:{line}: {message}")


@attrs.frozen(kw_only=True)
class Block:
    """One fenced block. ``line`` counts from 1 and is that of the first line inside the fence.

    ``argument`` is the path of `Action.WRITE` and the reason of `Action.SKIP`.
    """

    line: int
    language: str
    text: str
    action: Action
    argument: str = ""


@attrs.frozen(kw_only=True)
class Page:
    """A Markdown page: its blocks in order, the tools it needs, and the links it makes with their lines."""

    name: str
    blocks: tuple[Block, ...]
    requires: tuple[str, ...]
    links: tuple[tuple[int, str], ...]


def read_page(name: str, text: str) -> Page:
    """Read the page called ``name``; raise `PageError` for a block that nobody could run or compare."""
    blocks: list[Block] = []
    requires: list[str] = []
    links: list[tuple[int, str]] = []
    pending: dict[str, str] = {}
    for token in MarkdownIt().parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "html_block":
            for comment in _COMMENT.finditer(token.content):
                if comment["name"] == "requires":
                    requires += [tool.strip() for tool in comment["value"].split(",")]
                else:
                    pending[comment["name"]] = comment["value"]
        elif token.type == "code_block":
            raise PageError(name, line, "an indented block is never run; fence it and name its language")
        elif token.type == "fence":
            blocks.append(_block(name, token, line + 1, pending))
            pending = {}
        elif token.type == "inline":
            if pending:
                raise PageError(name, line, f"<!-- {next(iter(pending))} --> is not followed by a block")
            links += ((line, target) for target in _links(token))
    if pending:
        raise PageError(name, len(text.splitlines()), f"<!-- {next(iter(pending))} --> is not followed by a block")
    return Page(name=name, blocks=tuple(blocks), requires=tuple(requires), links=tuple(links))


def _block(page: str, token: Token, line: int, comments: dict[str, str]) -> Block:
    language = token.info.split()[0] if token.info.split() else ""
    if len(comments) > 1:
        raise PageError(page, line, f"a block is either {' or '.join(sorted(comments))}, not both")
    action, argument = _action(language), ""
    for name, argument in comments.items():
        if name in {"skip", "file"} and not argument:
            raise PageError(page, line, f"<!-- {name}: ... --> says no {'reason' if name == 'skip' else 'path'}")
        action = {"skip": Action.SKIP, "file": Action.WRITE, "output": Action.COMPARE}[name]
    if action is None:
        known = ", ".join(sorted(RUN_LANGUAGES | DATA_LANGUAGES | SHOWN_LANGUAGES))
        raise PageError(page, line, f"block of language {language!r}; say one of {known}")
    return Block(line=line, language=language, text=token.content, action=action, argument=argument)


def _action(language: str) -> Action | None:
    if language in RUN_LANGUAGES:
        return Action.RUN
    if language in DATA_LANGUAGES:
        return Action.PARSE
    return Action.SHOW if language in SHOWN_LANGUAGES else None


def _links(token: Token) -> Iterator[str]:
    for child in token.children or ():
        target = child.attrGet("href" if child.type == "link_open" else "src")
        if isinstance(target, str):
            yield target


@attrs.frozen
class Command:
    """One ``$`` command of a console block, with the output the page shows; empty output is not compared."""

    line: int
    text: str
    output: str


def read_console(page: str, block: Block) -> tuple[Command, ...]:
    """Split a console block into its commands: ``$`` starts one, ``>`` continues it, the rest is its output."""
    commands: list[Command] = []
    for line, text in enumerate(block.text.splitlines(), block.line):
        if text == "$" or text.startswith("$ "):
            commands.append(Command(line, text[2:], ""))
        elif not commands:
            raise PageError(page, line, "a console block starts with a command: '$ ...'")
        elif not commands[-1].output and (text.startswith("> ") or commands[-1].text.endswith("\\")):
            last = commands.pop()
            commands.append(Command(last.line, f"{last.text}\n{text.removeprefix('> ')}", ""))
        else:
            last = commands.pop()
            commands.append(Command(last.line, last.text, f"{last.output}{text}\n"))
    return tuple(commands)
