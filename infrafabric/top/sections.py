"""What a swarm's page shows, section by section, as lines of text for a width: no section knows of the screen.

One long page was rejected: in a terminal of 24 lines, whoever looks for the alerts would scroll past everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from infrafabric.board.records import HIGH_USE_RATIO
from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.charts import sparkline
from infrafabric.top.columns import Cell, fit
from infrafabric.top.latency_section import latency
from infrafabric.top.objective_section import alerts, objectives
from infrafabric.top.painting import folded, paint, paint_bar, styled, wrapped
from infrafabric.top.snapshot import clock
from infrafabric.top.states import enforcement_look, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infrafabric.board.records import LimitUse, SwarmPage


def summary(page: SwarmPage, width: int) -> Iterator[Content]:
    """What the swarm is, how it does in a sentence each, and what came of its tasks."""
    yield from _policy(page, width)
    for objective in page.objectives:
        seen = look(objective.state)
        name = objective.name if objective.task is None else f"{objective.task}: {objective.name}"
        sentence = objective.sentences.get("state", "")
        yield paint([Cell(f"{seen.symbol} {escape(seen.word, 20)}  ", seen.style), Cell(escape(name, 80), "head")])
        yield from folded(sentence, width, indent=2)
    yield Content("")
    yield styled("tasks", "head")
    yield from folded(_activity_words(page), width, indent=2)
    yield paint([Cell("  last hour  "), Cell(sparkline([p.value for p in page.activity], max(10, width - 14)), "info")])
    yield from _counted("how they ended", page.outcomes, width)
    yield from _counted("who has to act", page.blames, width)
    yield from latency(page, width)
    yield Content("")
    yield from _identity(page, width)


def _policy(page: SwarmPage, width: int) -> Iterator[Content]:
    """What the budget policy does now; nothing while it lets everything through."""
    shut = enforcement_look(page.enforcement)
    if shut is not None:
        yield styled(f"{shut.symbol} {escape(shut.word, 20)} by its budget policy", shut.style)
        yield from folded(page.enforcement_reason, width, indent=2)


def _identity(page: SwarmPage, width: int) -> Iterator[Content]:
    yield styled("what it is", "head")
    yield from folded(page.description, width, indent=2)
    yield from _fact("version", page.version, width)
    yield from _fact("loaded", f"{clock(page.loaded_at)} UTC, up {figures.span(page.uptime_seconds)}", width)
    yield from _fact("may do", ", ".join(page.capabilities) or "no capability is declared", width)
    yield from _fact("contract", page.digest, width)
    yield from _fact("module", page.module_sha256, width)


def _fact(name: str, text: str, width: int) -> Iterator[Content]:
    lines = wrapped(text, width - 12)
    yield paint([Cell(f"  {fit(name, 10)}", "quiet"), Cell(lines[0])])
    yield from (styled(" " * 12 + line) for line in lines[1:])


def _activity_words(page: SwarmPage) -> str:
    target = page.latency_target_seconds
    promised = "" if target is None else f", promised {figures.latency(target)}"
    return (
        f"{figures.rate(page.tasks_per_second)}/s now, {page.running:,} running, {page.queued:,} queued; "
        f"p50 {figures.latency(page.p50_seconds)}, p95 {figures.latency(page.p95_seconds)}, "
        f"p99 {figures.latency(page.p99_seconds)}{promised}"
    )


def _counted(title: str, counts: dict[str, int], width: int) -> Iterator[Content]:
    """Counts, the most frequent first, each with its share as a bar."""
    whole = sum(counts.values())
    if not whole:
        return
    yield styled(f"  {title}", "quiet")
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        if count:
            style = "good" if name == "success" else "bad" if name == "guest" else "warn"
            line = f"    {fit(escape(name, 40), 16)} {count:>12,} {100 * count / whole:>6.1f}%  "
            yield styled(line) + paint_bar(count / whole, max(4, min(30, width - len(line))), style)


def limits(page: SwarmPage, width: int) -> Iterator[Content]:
    """What is used of every limit of the contract, and how often each was hit."""
    yield styled("What is used of each limit of the contract.", "quiet")
    for use in page.limits:
        yield Content("")
        hits = f"hit {use.hits:,} times" if use.hits != 1 else "hit once"
        name = fit(escape(use.name, 60), max(20, width - 20))
        yield paint([Cell(name, "head"), Cell(f"{hits:>20}" if use.hits else " " * 20, "bad" if use.hits else "")])
        yield _limit_bar(use, width)


def _limit_bar(use: LimitUse, width: int) -> Content:
    unit = escape(use.unit, 20)
    if use.limit is None:
        used = "" if use.used is None else f"; used {figures.quantity(use.used, unit)} ({escape(use.measured, 60)})"
        return styled(f"  no limit{used}", "quiet")
    if use.used is None:
        return styled(f"  of {figures.quantity(use.limit, unit)}, nothing measured yet", "quiet")
    ratio = use.ratio if use.ratio is not None else 0.0
    style = "bad" if ratio >= 1 else "warn" if ratio >= HIGH_USE_RATIO else "good"
    words = f"  {100 * ratio:.0f}%  {figures.used_of(use.used, use.limit, unit)} ({escape(use.measured, 60)})"
    return styled("  ") + paint_bar(ratio, max(8, min(30, width - 50)), style) + styled(words)


def failures(page: SwarmPage, width: int) -> Iterator[Content]:
    """The last tasks that did not succeed, newest first."""
    if not page.failures:
        yield styled("No task has failed since the swarm was loaded.", "quiet")
    else:
        yield styled("Newest first; times are UTC.", "quiet")
    for failure in page.failures:
        style = "bad" if failure.blame == "guest" else "warn"
        yield paint(
            [
                Cell(f"{clock(failure.at)}  "),
                Cell(escape(failure.outcome, 30), style),
                Cell(f"  {escape(failure.task, 60)}  after {figures.latency(failure.execution_seconds)}"),
                Cell(f"  blame: {escape(failure.blame, 20)}", "quiet"),
            ]
        )
        yield from folded(failure.message, width, indent=2)
        if failure.trace_id is not None:
            yield styled(f"  trace {escape(failure.trace_id, 40)}", "quiet")


def logs(page: SwarmPage, width: int) -> Iterator[Content]:
    """The last lines that the guest wrote, newest first."""
    if not page.logs:
        yield styled("The guest has written no log.", "quiet")
    else:
        yield styled("Newest first; times are UTC.", "quiet")
    for record in page.logs:
        style = {"error": "bad", "critical": "bad", "warning": "warn", "warn": "warn"}.get(
            record.level.casefold(), "quiet"
        )
        head = f"{clock(record.at)}  {fit(escape(record.level, 8), 8)} "
        first, *rest = wrapped(record.text, width - len(head))
        yield paint([Cell(head, style), Cell(first)])
        yield from (styled(" " * len(head) + line) for line in rest)


def contract(page: SwarmPage, width: int) -> Iterator[Content]:
    """What can be called, and the contract itself."""
    for task in page.tasks:
        conventions = ", ".join(escape(name, 30) for name in task.calling_conventions)
        yield paint(
            [
                Cell(escape(task.name, 100), "head"),
                Cell(f"  {escape(task.signature, 200)}  "),
                Cell(conventions, "quiet"),
            ]
        )
    if page.tasks:
        yield Content("")
    for line in page.contract_text.splitlines():
        yield from (styled(part) for part in wrapped(line, width, keep_indent=True))


#: The sections, in the order of their keys.
SECTIONS: Final[tuple[tuple[str, Callable[[SwarmPage, int], Iterable[Content]]], ...]] = (
    ("Summary", summary),
    ("Objectives", objectives),
    ("Limits", limits),
    ("Alerts", alerts),
    ("Failures", failures),
    ("Log", logs),
    ("Contract", contract),
)


def section(number: int, page: SwarmPage, width: int) -> Content:
    """One section as what a widget shows."""
    return Content("\n").join(SECTIONS[number][1](page, max(20, width)))
