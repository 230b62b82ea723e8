"""`storyboard run --approve`: ask on the terminal what Prefect's form asks; `--yes` approves without asking."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.markdown import Markdown

from prefect_storyboard.cli.progress_table import ProgressTable
from prefect_storyboard.series.asking import Ask, NotApproved, asked_by
from prefect_storyboard.series.markdown import plain
from prefect_storyboard.series.takes import who
from prefect_storyboard.storyboards.approval import Answer, ApprovalKind, Question
from prefect_storyboard.storyboards.money import price

How = Literal["ask", "yes"]

_SEVERAL = re.compile(r"[,\s]+")


def how_to_ask(approve: str | None, *, yes: bool) -> How | None:
    """How questions are answered; None if none is asked. Raises ValueError if stdin is not a terminal."""
    if approve is None or yes:
        return "yes" if approve else None
    if not sys.stdin.isatty():
        raise ValueError(
            "--approve asks on a terminal, and stdin is not one. Nothing was bought; --yes approves without asking"
        )
    return "ask"


@contextmanager
def answered(how: How | None, screen: Console, table: ProgressTable, *, unpriced: bool = False) -> Iterator[None]:
    """Inside the `with` block, ask the flow's questions on the terminal, or approve them without asking."""
    if how is None:
        yield
        return
    with asked_by(_agree(unpriced=unpriced) if how == "yes" else _ask(screen, table)):
        yield


def _agree(*, unpriced: bool) -> Ask:
    async def agree(question: Question) -> Answer:
        if question.reasons:
            raise NotApproved(f"{'; '.join(question.reasons)}; nothing was bought")
        allow = unpriced or question.max_cost_usd is None
        return Answer(decision="approve", by=who(), max_cost_usd=question.max_cost_usd, buy_unpriced=allow)

    return agree


def _ask(screen: Console, table: ProgressTable) -> Ask:
    async def ask(question: Question) -> Answer:
        # It blocks the event loop: no job is in flight during a question, and Ctrl-C interrupts a read in this thread.
        with table.hidden():
            show(question, screen)
            return _ASKS[question.kind](question, screen)

    return ask


def show(question: Question, screen: Console) -> None:
    """Print the question: the table of the plan, or the takes with their files."""
    screen.print(Markdown(plain(question.page)))
    for scene, takes in question.takes.items():
        for take in takes:
            screen.print(f"{scene} take {take.number}{' (shown)' if take.shown else ''}  {take.url}", style="dim")
    for reason in question.reasons:
        screen.print(f"not done: {reason}; nothing was bought", style="yellow")


def ask_plan(question: Question, screen: Console) -> Answer:
    """Ask which scenes to leave out, for the maximum cost, and whether to buy."""
    proposed = ", ".join(question.left_out) or "none"
    left_out = _scenes(screen, f"Leave out which scenes? [{proposed}] ", question) or question.left_out
    budget = _budget(screen, question)
    unpriced = bool(question.unpriced) and _agrees(screen, f"Buy {', '.join(question.unpriced)} at an unknown price?")
    return Answer(
        decision="approve" if _agrees(screen, "Buy this?") else "stop",
        by=who(),
        max_cost_usd=budget,
        buy_unpriced=unpriced,
        leave_out=left_out,
    )


def ask_takes(question: Question, screen: Console) -> Answer:
    """Ask which takes the reel shows, and which scenes to render again."""
    takes = {scene: _take(screen, scene, question) for scene in question.choices}
    again = _scenes(screen, "Render which scenes again? [none] ", question)
    note = screen.input("What should change? [nothing] ", markup=False).strip() if again else ""
    budget = _budget(screen, question) if again else question.max_cost_usd
    cost = price(sum(question.prices[scene] or 0.0 for scene in again if scene in question.prices))
    what = f"Buy {len(again)} takes for {cost}?" if again else "Make the reel of these takes?"
    return Answer(
        decision="approve" if _agrees(screen, what) else "stop",
        by=who(),
        max_cost_usd=budget,
        takes=takes,
        again=again,
        note=note,
    )


def ask_stills(question: Question, screen: Console) -> Answer:
    """Ask which stills the clips begin with and which to draw again; if none, ask what `ask_plan` asks."""
    takes = {scene: _take(screen, scene, question) for scene in question.choices}
    again = _scenes(screen, "Draw which stills again? [none] ", question)
    if not again:
        return ask_plan(question, screen).model_copy(update={"takes": takes})
    note = screen.input("What should change? [nothing] ", markup=False).strip()
    cost = price(sum(question.prices[scene] or 0.0 for scene in again if scene in question.prices))
    agrees = _agrees(screen, f"Draw {len(again)} stills for {cost}?")
    return Answer(
        decision="approve" if agrees else "stop",
        by=who(),
        max_cost_usd=question.max_cost_usd,
        takes=takes,
        again=again,
        note=note,
        leave_out=question.left_out,
    )


_ASKS: Mapping[ApprovalKind, Callable[[Question, Console], Answer]] = {
    "plan": ask_plan,
    "stills": ask_stills,
    "takes": ask_takes,
}


def _take(screen: Console, scene: str, question: Question) -> int:
    shown = next((take.number for take in question.takes[scene] if take.shown), question.takes[scene][-1].number)
    while True:
        what = "still does the clip begin with" if question.kind == "stills" else "take does the reel show"
        reply = screen.input(f"{scene}: which {what}? [{shown}] ", markup=False).strip()
        if not reply or reply.isdecimal():
            return int(reply or shown)


def _budget(screen: Console, question: Question) -> float | None:
    default = "no limit" if question.max_cost_usd is None else price(question.max_cost_usd)
    while True:
        reply = screen.input(f"Maximum cost in USD? [{default}] ", markup=False).strip().removeprefix("$")
        if not reply:
            return question.max_cost_usd
        try:
            return float(reply)
        except ValueError:
            screen.print(f"{reply} is not an amount in USD", style="yellow")


def _scenes(screen: Console, text: str, question: Question) -> tuple[str, ...]:
    return tuple(filter(None, _SEVERAL.split(screen.input(text, markup=False).strip()))) if question.scenes else ()


def _agrees(screen: Console, text: str) -> bool:
    return screen.input(f"{text} [y/N] ", markup=False).strip().lower() in {"y", "yes"}
