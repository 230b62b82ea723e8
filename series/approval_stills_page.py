"""What a person sees who is asked about stills, as Markdown: a contact sheet, what was drawn, and what motion costs."""

from collections.abc import Iterator, Sequence

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.series.approval_page import Cell, fetched, picture, rows, stored_file
from prefect_storyboard.series.markdown import escaped, table_of
from prefect_storyboard.series.report import count, total
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.takes import TakeLine, board_takes
from prefect_storyboard.storyboards import FailedScene, Plan, Still
from prefect_storyboard.storyboards.approval import Question
from prefect_storyboard.storyboards.money import price


def stills_page(question: Question, plan: Plan, part: Plan, run: Rendering, *, pictures: bool) -> str:
    """The stills of the scenes that are asked about, and the price of their motion. Blocks.

    `part` of the plan can be bought now; `pictures` says whether to show them, for which the library is read.
    """
    lines = [line for line in board_takes(plan, Ledger(run.library.storage())) if line.scene in question.takes]
    lines = [line for line in lines if line.still]
    sheets = [run.sheets[each.key] for each in part.sheets if each.key in run.sheets]
    drawn = [each for each in (*sheets, *(line.still for line in lines)) if isinstance(each, Still)]
    spent = total(round(sum(each.cost_usd or 0.0 for each in drawn), 6), sum(each.cost_usd is None for each in drawn))
    motion = total(question.usd, len(question.unpriced))
    scenes = count(len(question.scenes), "scene")
    text = [f"**{escaped(question.title)}: motion of {scenes} for {motion}; the pictures were {spent}**", ""]
    text += [_contact_sheet(drawn, lines, run.library) if pictures else "", ""]
    text += [table_of([_row(line, run.library) for line in lines]), ""] if lines else []
    text += ["What the motion costs:", "", table_of(rows(part.model_copy(update=_NO_PICTURES))), ""]
    return "\n".join([*text, *(f"- {escaped(line)}" for line in _later(plan, part, run))])


_NO_PICTURES = {"sheets": (), "stills": (), "still_takes": ()}


def _contact_sheet(drawn: Sequence[Still], lines: Sequence[TakeLine], library: Library) -> str:
    with scratch() as folder:
        sheets = [each for each in drawn if each.sheet_of]
        cells: list[Cell] = [
            (stored_file(sheet, folder / f"sheet-{number}", library), f"{_whose(sheet)}\nsheet")
            for number, sheet in enumerate(sheets)
        ]
        cells += [(fetched(line, folder, library), _label(line)) for line in lines]
        return picture(cells, "The sheets and the stills")


def _whose(sheet: Still) -> str:
    return f"{sheet.sheet_of} ({sheet.look})" if sheet.look else sheet.sheet_of


def _label(line: TakeLine) -> str:
    return f"{line.scene}, still {line.take}\n{'chosen now' if line.shown else line.note or ' '}"


def _row(line: TakeLine, library: Library) -> dict[str, str]:
    still = line.still
    return {
        "scene": line.scene,
        "still": f"take {line.take}",
        "chosen": "now" if line.shown else "",
        "cost": price(still.cost_usd) if still else "",
        "note": ", ".join(filter(None, (line.note, "of an older storyboard" if line.why else ""))),
        "where": (library.opens_at(still.url) or "") if still and library.public_url else "",
    }


def _later(plan: Plan, part: Plan, run: Rendering) -> Iterator[str]:
    """What is not asked about now: stills that could not be drawn, and those that are drawn later."""
    there = {still.scene.id for still in part.stills}
    for still in plan.stills:
        end = run.stills.get(still.scene.id)
        if still.scene.id not in there and isinstance(end, FailedScene):
            yield f"{still.name} could not be drawn: {end.error}"
        elif still.scene.id not in there and still.follows:
            yield f"{still.name} is drawn, and asked about, once {still.follows} is rendered"
