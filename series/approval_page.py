"""What a person sees who is asked, as Markdown: the plan with its prices, or the takes as pictures.

No address in it has a signature: it is kept by Prefect for all who may read it. Pictures are part of the text.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.series.markdown import escaped, table_of
from prefect_storyboard.series.prepare import Prepared
from prefect_storyboard.series.report import count, in_two_sums, total
from prefect_storyboard.series.takes import TakeLine
from prefect_storyboard.storyboards import Clip, Plan, PlannedCharacter, PlannedScene, PlannedStill, Still
from prefect_storyboard.storyboards.approval import Question
from prefect_storyboard.storyboards.money import price

Cell = tuple[Path | None, str]  # a picture or a clip, and its label

_WORDS = {"unknown": "in doubt", "unreadable": "in doubt", "reattached": "is rendering", "cached": "is there"}
_WIDTH, _LONGEST = 900, 6_000  # pixels of the pictures
_SHORT, _MOST = 110, 60  # letters of a prompt; pictures


def plan_page(question: Question, plan: Plan, changed: Sequence[str] = (), pictures: str = "") -> str:
    """The plan, scene by scene, with what each costs; `changed` says what differs from what was asked before."""
    jobs, cost = plan.unsettled, in_two_sums(plan, total(question.usd, len(question.unpriced)))
    lines = [f"**{escaped(plan.storyboard.title)}: {count(len(jobs), 'job')} for {cost}**", ""]
    if changed:
        lines += ["The plan has changed since you were asked, and nothing was bought:", ""]
        lines += [*(f"- {escaped(each)}" for each in changed), ""]
    lines += [pictures, "", table_of(rows(plan)), ""]
    if plan.attempts > 1:
        lines += [f"A job that fails may be bought {plan.attempts} times, within the budget.", ""]
    if plan.usd_again:
        lines += [f"Clips that are bad are rendered again, for {price(plan.usd_again)} more at most.", ""]
    lines += [*(f"- {escaped(warning)}" for warning in plan.warnings), ""]
    account = f"{escaped(plan.provider)}, account {escaped(plan.account)}"
    return "\n".join([*lines, f"{escaped(', '.join(_alike(plan)))}. Plan {plan.hash[:12]} at {account}."])


def rows(plan: Plan) -> Iterator[dict[str, str]]:
    """A row for each job; what all scenes have in common is said once, below the table."""
    common, unsettled = _alike(plan), plan.unsettled
    for job in plan.characters:
        what = "create once" if job in unsettled else _WORDS.get(job.state or "", job.state or "")
        yield {"scene": job.character.name, "what": what, "prompt": job.character.description, "price": _price([job])}
    for picture in plan.pictures:
        if picture in unsettled:
            name = picture.name if isinstance(picture, PlannedStill) else f"sheet of {picture.name}"
            yield {"scene": name, "what": "draw", "prompt": _short(picture.drawing.prompt), "price": price(picture.usd)}
    for scene in plan.scenes or plan.takes:
        buys = [take for take in plan.renders if take.scene.id == scene.scene.id and take in unsettled]
        own = [each for each in _size(scene) if each not in common]
        words = f"{_short(scene.prompt)} ({', '.join(own)})" if own else _short(scene.prompt)
        yield {"scene": scene.scene.id, "what": _what(scene, len(buys)), "prompt": words, "price": _price(buys)}


def _what(scene: PlannedScene, takes: int) -> str:
    if scene.stale:
        return "is kept, stale"
    if takes:
        return "buy" if takes == 1 else f"buy {takes} takes"
    return _WORDS.get(scene.state or "", scene.state or "")


def _price(jobs: Sequence[PlannedCharacter | PlannedScene]) -> str:
    """What the jobs cost that are bought."""
    if not jobs:
        return ""
    return price(None if any(job.usd is None for job in jobs) else sum(job.usd or 0.0 for job in jobs))


def _size(scene: PlannedScene) -> tuple[str, ...]:
    return scene.model.name, f"{scene.seconds} s", f"{scene.aspect} {scene.resolution}"


def _alike(plan: Plan) -> tuple[str, ...]:
    """What all scenes have in common."""
    first, *others = map(_size, plan.renders)
    return tuple(each for each in first if all(each in other for other in others))


def _short(prompt: str) -> str:
    line = " ".join(prompt.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 3]}..."


def inputs(prepared: Prepared, plan: Plan) -> str:
    """The characters and first frames that go into what is bought, as one picture of Markdown. Blocks."""
    scenes = [scene for scene in plan.renders if scene in plan.unsettled]
    shown = dict.fromkeys(name for scene in scenes for name in scene.cast)
    cells: dict[str, Path | None] = {}
    for name in shown:
        who = prepared.cast.get(name)
        media = [*who.images, *([who.clip] if who.clip else [])] if who else []
        cells |= {name: media[0].path} if media else {}
    for scene in scenes:
        if scene.scene.image:
            cells[f"{scene.scene.id}\nfirst frame"] = prepared.files[scene.scene.image].path
    return picture([(path, label) for label, path in cells.items()], "What goes in")


def takes_page(question: Question, lines: Sequence[TakeLine], library: Library, *, pictures: bool) -> str:
    """The takes as a table, and as pictures, for which it reads the clips. Blocks."""
    about = f"**{escaped(question.title)}: {count(len(lines), 'take')} of {count(len(question.takes), 'scene')}**"
    shown = _sheet(lines, library) if pictures else ""
    rows = ["| scene | take | reel | seconds | cost | note |", "|---|---|---|---|---|---|"]
    rows += [f"| {' | '.join(_take(line, line.clip, library))} |" for line in lines if line.clip]
    return "\n".join([about, "", shown, "", *rows])


def _sheet(lines: Sequence[TakeLine], library: Library) -> str:
    with scratch() as folder:
        cells = [(fetched(line, folder, library), _label(line)) for line in lines[:_MOST]]
        return picture(cells, "The takes")


def _take(line: TakeLine, clip: Clip, library: Library) -> tuple[str, ...]:
    number = f"take {line.take}"
    link = library.opens_at(clip.url) if library.public_url else None
    stale = "of an older storyboard" if line.why else ""
    facts = f"{clip.seconds:g}", price(clip.cost_usd), escaped(", ".join(filter(None, (line.note, stale))))
    return escaped(line.scene), f"[{number}]({link})" if link else number, "shown" if line.shown else "", *facts


def _label(line: TakeLine) -> str:
    return f"{line.scene}, take {line.take}\n{'shown now' if line.shown else line.note or ' '}"


def picture(cells: Sequence[Cell], name: str) -> str:
    """A small contact sheet as a picture of Markdown; empty if there is nothing to draw. Blocks."""
    warnings: list[str] = []
    with scratch() as folder, best_effort(f"the pictures of {name}", warnings):
        for sheet in deferred.contact_sheets(cells[:_MOST], folder, columns=2, cell_width=400)[:1]:
            body = base64.b64encode(deferred.shrunk(sheet.read_bytes(), (_WIDTH, _LONGEST), 80)).decode()
            return f"![{name}](data:image/jpeg;base64,{body})"
    return ""


def fetched(line: TakeLine, folder: Path, library: Library) -> Path | None:
    """The clip or the picture of a take, as a local file. Blocks."""
    made = line.clip or line.still
    return stored_file(made, folder / f"{line.name}-{line.take}", library) if made else None


def stored_file(made: Clip | Still, place: Path, library: Library) -> Path | None:
    """A file of the library, at that place with its own suffix; None if it is gone. Blocks."""
    try:
        return library.storage().fetch(place.with_suffix(PurePosixPath(made.url).suffix), *inside(made.url))
    except FileNotFoundError:
        return None


def facts_of(question: Question) -> Mapping[str, str | float | int | bool | None]:
    """What an event says about a question."""
    known = None if question.unpriced else question.usd
    return {"kind": question.kind, "hash": question.hash, "scenes": len(question.scenes), "cost_usd": known}
