"""Running a page: what passes, what fails, and that a failure says where."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import PageError, read_page
from tests.docs.pages import ROOT, PageRun, page_paths, page_steps, run_page, with_free_ports
from tests.docs.test_documents import heading_anchors

if TYPE_CHECKING:
    from pathlib import Path


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n\n"


def _run(folder: Path, text: str, timeout_seconds: float = 110) -> PageRun:
    return run_page(read_page("docs/page.md", text), folder, timeout_seconds=timeout_seconds)


PASSING = {
    "blocks share a namespace": _fence("python", "x = 1") + _fence("python", "assert x == 1"),
    "code is __main__": _fence("python", "assert __name__ == '__main__'"),
    "a doctest sees and leaves names": _fence("python", "x = 1")
    + _fence("python", ">>> y = x + 1\n>>> y\n2")
    + _fence("python", "assert y == 2"),
    "a doctest elides": _fence("python", ">>> 'abc'\n'a...'"),
    "printed output": _fence("python", "print('a', 7, 'b')") + "<!-- output -->\n" + _fence("text", "a ... b"),
    "shell output": _fence("sh", "echo a") + "<!-- output -->\n" + _fence("text", "a"),
    "console output, errors included": _fence("console", "$ echo a; echo b >&2\na\nb"),
    "console output not shown": _fence("console", "$ echo a"),
    "a status that is shown": _fence("console", "$ (exit 3)\n$ echo $?\n3"),
    "variables and folder last": _fence("sh", "mkdir d\ncd d\nname='a b'")
    + _fence("console", '$ echo "$name ${PWD##*/}"\na b d'),
    "a file is written for the shell": "<!-- file: src/a.txt -->\n"
    + _fence("text", "hello")
    + _fence("sh", "grep hello src/a.txt"),
    "a file is written for python": "<!-- file: mod.py -->\n"
    + _fence("python", "A = 1")
    + _fence("python", "import mod"),
    "the installed command is found": _fence("sh", "command -v python"),
    "a clean exit": _fence("python", "raise SystemExit"),
    "a skipped failure": "<!-- skip: shows a failure -->\n" + _fence("python", "1 / 0"),
}


@pytest.mark.parametrize("text", PASSING.values(), ids=PASSING.keys())
def test_a_page_that_keeps_its_word_passes(text: str, tmp_path: Path) -> None:
    """Each of the ways to write a page works."""
    ended = _run(tmp_path, text)
    assert (ended.status, ended.leaked) == (0, False), ended.output


FAILING = {
    "an error": (
        _fence("python", "x = 1\n1 / 0"),
        r"docs/page\.md\", line 3.*docs/page\.md:2: python block: ZeroDivisionError",
    ),
    "bad syntax": (_fence("python", "x ="), r"docs/page\.md:2: python block: SyntaxError"),
    "a failing exit": (_fence("python", "raise SystemExit(2)"), r"docs/page\.md:2: python block: exited with 2"),
    "a wrong doctest": (_fence("python", ">>> 1 + 1\n3"), r"docs/page\.md:2: python block:.*Got:\s+2"),
    "wrong printed output": (
        _fence("python", "print(1)") + "<!-- output -->\n" + _fence("text", "2"),
        r"docs/page\.md:7: compare block: Expected:\s+2\s+Got:\s+1",
    ),
    "output of nothing": ("<!-- output -->\n" + _fence("text", "2"), "nothing has run before"),
    "wrong console output": (
        _fence("console", "$ echo a\nb"),
        r"docs/page\.md:2: console block: Expected:\s+b\s+Got:\s+a",
    ),
    "a failing command": (_fence("console", "$ true\n$ false\n$ true"), r"line 3: exit status 1 of: false"),
    "a failing last command": (_fence("console", "$ false"), r"line 2: exit status 1"),
    "a failing line of a script": (_fence("sh", "false\ntrue"), "docs/page.md:2: sh block: exit status 1"),
    "a failing pipe": (_fence("sh", "false | cat"), "sh block: exit status 1"),
    "an unset variable": (_fence("sh", 'echo "$nothing"'), "sh block: exit status"),
}


@pytest.mark.parametrize(("text", "report"), FAILING.values(), ids=FAILING.keys())
def test_a_page_that_breaks_its_word_fails_and_says_where(text: str, report: str, tmp_path: Path) -> None:
    """The report names the page, the line and the reason."""
    ended = _run(tmp_path, text)
    assert ended.status == 1
    assert re.search(report, ended.output, re.DOTALL), ended.output


def test_a_page_that_leaves_something_open_is_told(tmp_path: Path) -> None:
    """A resource that the page's code forgot to close is seen, though the code itself passed."""
    ended = _run(tmp_path, _fence("python", "file = open('a', 'w')"))
    assert (ended.status, ended.leaked) == (0, True)


def test_a_page_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Its time limit ends a page, and what it started in the background as well."""
    ended = _run(tmp_path, _fence("sh", "(sleep 1; touch alive) &\nsleep 600"), timeout_seconds=0.5)
    assert ended.status is None
    time.sleep(1)  # nothing tells that something will not happen
    assert not list(tmp_path.rglob("alive"))


def test_a_server_left_running_does_not_hold_the_page(tmp_path: Path) -> None:
    """A background command neither blocks the block that started it nor outlives the page."""
    started = time.monotonic()
    ended = _run(tmp_path, _fence("console", "$ sleep 300 &") + _fence("sh", "echo on"))
    assert ended.status == 0
    assert time.monotonic() - started < 100


def test_a_page_serves_on_ports_that_are_free(tmp_path: Path) -> None:
    """Somebody may listen where a page says that it serves: the page gets another port, the same one everywhere."""
    first, second, again, *others = with_free_ports("8181 8182 8181 18181 81810").split()
    assert first == again != second
    assert not {"8181", "8182"} & {first, second}
    assert others == ["18181", "81810"]
    for port in (first, second):
        socket.create_server(("127.0.0.1", int(port))).close()
    text = _fence("sh", "echo serves on 8181 > log") + _fence("console", "$ cat log\nserves on 8181")
    assert _run(tmp_path, text + _fence("sh", "test $(grep -o '[0-9]*' log) -ne $((8180 + 1))")).status == 0


def test_a_page_works_on_copies(tmp_path: Path) -> None:
    """A page that writes into a folder of the repository writes into its own copy."""
    assert _run(tmp_path, _fence("sh", "mkdir -p examples\ntouch examples/written-by-a-page")).status == 0
    assert not (ROOT / "examples" / "written-by-a-page").exists()


@pytest.mark.requires_tool("wat2wasm")
def test_a_page_gets_the_compiler_that_the_tests_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page says ``wat2wasm``; what that is here, the guests' builder knows."""
    own = tmp_path / "own-wat2wasm"
    own.write_text('#!/bin/sh\n[ "$*" = "--version" ] && echo "my own"\n')
    own.chmod(0o755)
    monkeypatch.setenv("WAT2WASM", str(own))
    text = "<!-- requires: wat2wasm -->\n\n" + _fence("console", "$ wat2wasm --version\nmy own")
    folder = tmp_path / "run"
    folder.mkdir()
    assert _run(folder, text).status == 0


@pytest.mark.parametrize(("language", "text"), [("json", "{'a': 1}"), ("toml", "a = "), ("yaml", "a: b: c")])
def test_data_that_does_not_parse_is_refused(language: str, text: str) -> None:
    """A reader who copies a contract from a page gets a contract."""
    with pytest.raises(PageError, match=rf"^docs/page\.md:2: not {language}: "):
        page_steps(read_page("docs/page.md", _fence(language, text)))


def test_every_page_of_the_project_is_run() -> None:
    """Pages at the root and at any depth of docs/ are among those whose blocks run."""
    names = {path.relative_to(ROOT).as_posix() for path in page_paths()}
    assert names >= {"README.md", "CONTRIBUTING.md", "docs/README.md", "docs/adr/README.md"}


def test_headings_become_the_fragments_that_code_hosts_give_them(tmp_path: Path) -> None:
    """Case, punctuation, code, other scripts and repeated headings are handled as GitHub does."""
    page = tmp_path / "page.md"
    page.write_text("# The `env.log` call!\n## A_b - c\n## Été\n## Same\n## Same\n")
    assert heading_anchors(page) == {"the-envlog-call", "a_b---c", "été", "same", "same-1"}
