"""Join clips into a reel, and make its page and contact sheet."""

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import yaml
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, JsonValue, ValidationError

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.storyboards import Clip, Costs, FailedScene, Plan, Reel, Still, check_folder
from prefect_storyboard.storyboards.base import Transition
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import _media
from prefect_storyboard.tasks._catalogue import enter
from prefect_storyboard.tasks._film import Finish, film, publish_film
from prefect_storyboard.tasks._names import RunName, short
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._pictures import chosen_of, drawn
from prefect_storyboard.tasks._posters import posters

_CUT = "URLs are kept here without their query, which may be a signature; the original storyboard has it."
_USUAL = Finish()
_log = logging.getLogger(__name__)
_FORMAT = 5  # of the layout; increasing it makes every reel's page again


@node(
    name="assemble",
    task_run_name=RunName(lambda title, **_: f"assemble {short(title)}"),
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def assemble(
    clips: Sequence[Clip],
    *,
    title: str,
    library: Library | str | None = None,
    plan: Plan | None = None,
    failed: Sequence[FailedScene] = (),
    warnings: Sequence[str] = (),
    costs: Costs | None = None,
    takes: Sequence[Clip] = (),
    stills: Sequence[Still] = (),
    loudness: bool = True,
    music: str | Path | None = None,
    transition: Transition = "cut",
    transition_seconds: float = 0.5,
) -> Reel:
    """Make `reel.mp4`, `index.html` and `contact-sheet.jpg` in `reels/<title>/`. Costs nothing.

    One chapter for each clip; clips of one format are copied without loss, else all are conformed. Only the reel's
    sound gets the gains, never the clips: one for each clip, to -16 LUFS, at most 12 dB either way, true peaks below
    -1 dB. Captions of the plan's scenes become a track of the reel, `reel.srt` and `reel.vtt`; its cards stand before
    the first clip and after the last. Does nothing if the library holds a reel of the same clips, made in the same way.
    The reel is entered in the library's catalogue, `index.html`. For a storyboard with `reel: false`, only storyboard
    and plan are stored.

    Args:
        clips: What store and render returned, in the order of the reel.
        title: Title of the reel and name of its folder.
        library: Where the clips are, and the reel will be.
        plan: The plan of a storyboard, stored beside the reel together with the storyboard.
        failed: Scenes without a clip, for the page.
        warnings: Remarks for the page of the reel.
        costs: What it cost; by default the sum of the clips' costs.
        takes: Other takes of the same scenes, for the page.
        stills: The stills of the scenes and the sheets of the cast, for the page.
        loudness: Whether the reel plays every clip equally loud.
        music: Path or URL of a sound file to play under the whole reel, softer where a clip is heard.
        transition: How each clip follows the one before: cut, fade or dissolve; a scene of the plan may say otherwise.
        transition_seconds: Length of a fade or dissolve; at most half of the shorter of its two clips.

    Returns the reel; `url` can be opened with fsspec, None if there is no clip. Posters, page and contact sheets that
    fail are among its warnings; `gains` are those of the clips' sounds. Raises ValueError for anything but clips,
    FolderTaken if another storyboard has that folder, MediaError for a clip or music that cannot be decoded.
    """
    library_block = await arguments.a_library(library)
    arguments.texts(title=title)
    if not isinstance(clips, list | tuple) or not all(isinstance(clip, Clip) for clip in clips):
        raise ValueError("clips: takes a list of clips, as store and render return them")
    prices = [clip.cost_usd for clip in clips]
    known = costs or Costs(cost_usd=round(sum(p or 0.0 for p in prices), 6), unpriced=prices.count(None))
    facts = {"title": title, "clips": tuple(clips), "failed": tuple(failed), "warnings": tuple(warnings)}
    reel = Reel(**known.model_dump(), **facts)
    if not reel.clips:
        return reel
    if plan and not plan.storyboard.reel:
        await asyncio.to_thread(_keep_plan, library_block.storage(), plan)
        return reel
    theme = await _media.read(music, "music", library_block) if music else None
    finish = Finish(loudness, theme, transition, transition_seconds)
    finished, cached = await asyncio.to_thread(
        _assembled, library_block.storage(), reel, _Beside(plan, tuple(takes), tuple(stills)), finish
    )
    if cached:
        name_state("Cached", "the reel is in the library")
    else:
        events.reel_ready(library_block, slug(title), finished)
    return finished


def _keep_plan(storage: Storage, plan: Plan) -> None:
    """Store storyboard and plan of clips of which no reel is made."""
    place = ("reels", plan.storyboard.slug)
    check_folder(plan.storyboard.title, storage.read(*place, "storyboard.yaml"))
    _write_plan(storage, place, plan)


class _Stored(BaseModel):
    """The content of reel.json. A field that a newer version wrote is ignored."""

    made_of: str
    seconds: float
    gains: dict[str, float] = {}


class _Beside(NamedTuple):
    """What is laid out beside a reel: the plan of its storyboard, other takes of its scenes, stills and sheets."""

    plan: Plan | None
    takes: tuple[Clip, ...]
    stills: tuple[Still, ...] = ()


def _assembled(storage: Storage, reel: Reel, beside: _Beside, finish: Finish = _USUAL) -> tuple[Reel, bool]:
    place = ("reels", slug(reel.title))
    links = {"url": storage.link(*place, "reel.mp4"), "page": storage.link(*place, "index.html")}
    reel = reel.model_copy(update=links)
    board = beside.plan.storyboard if beside.plan else None
    parts = [*([board] if board else []), *reel.clips, *reel.failed, *beside.takes, *beside.stills]
    facts: list[JsonValue] = [part.model_dump(mode="json", exclude_defaults=True) for part in parts]
    facts += [*chosen_of(beside.plan)] if beside.stills else []
    made_of = digest([_FORMAT, reel.title, finish.facts, *facts])
    stored = _stored(storage, place)
    if stored and stored.made_of == made_of and storage.exists(*place, "reel.mp4"):
        return reel.model_copy(update={"seconds": stored.seconds, "gains": stored.gains}), True
    check_folder(reel.title, storage.read(*place, "storyboard.yaml"))
    with TemporaryDirectory(dir=_media.folder()) as folder:
        made = _make(storage, reel, beside, finish, Path(folder))
    if made.warnings == reel.warnings:  # else the next run tries the failed parts again
        record = _Stored(made_of=made_of, seconds=made.seconds, gains=made.gains)
        storage.write(record.model_dump_json().encode(), *place, "reel.json")
    return made, False


def _stored(storage: Storage, place: tuple[str, ...]) -> _Stored | None:
    """What the reel was made from; a reel whose reel.json is torn is assembled again, which costs nothing."""
    with suppress(ValidationError):
        return _Stored.model_validate_json(storage.read(*place, "reel.json") or b"")
    return None


def _make(storage: Storage, reel: Reel, beside: _Beside, finish: Finish, folder: Path) -> Reel:
    """Publish the reel and its page, then the sheets; a failed page or sheet is only a warning."""
    place, warnings = ("reels", slug(reel.title)), list(reel.warnings)
    files = _media.clip_files(storage, reel.clips, folder)
    made = film(reel.clips, files, beside.plan, finish, folder=folder)
    publish_film(storage, place, folder)
    if beside.plan:
        _write_plan(storage, place, beside.plan)
    reel = reel.model_copy(update={"seconds": made.seconds, "gains": made.gains})
    labels = [clip.scene for clip in reel.clips]
    shown = posters([*zip(files, reel.clips, strict=True)], folder, warnings)
    with best_effort("the page", warnings):
        pictures = drawn(beside.stills, beside.plan, storage, folder)
        page = _page(reel, shown, beside, folder / "index.html", cuts=made.cuts, pictures=pictures)
        storage.publish(page, *place, "index.html")
    with best_effort("the contact sheet", warnings):
        for sheet in deferred.contact_sheets([*zip(shown, labels, strict=True)], folder):
            storage.publish(sheet, *place, sheet.name)
    notes: list[str] = []  # the catalogue is of the whole library: what is wrong with it is no fault of this reel
    with best_effort("the catalogue", notes):
        enter(storage, reel, shown, folder, drawn=bool(beside.plan and beside.plan.storyboard.stills))
    for note in notes:
        _log.warning(note)
    return reel.model_copy(update={"warnings": tuple(warnings)})


def _write_plan(storage: Storage, place: tuple[str, ...], plan: Plan) -> None:
    """Store storyboard and plan beside the reel. URLs lose their signatures, which are as good as keys."""
    board = plan.storyboard.model_dump(mode="json", exclude_defaults=True)
    kept = all_bare(board)
    said = "" if kept == board else f"# {_CUT}\n"
    text = said + yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    storage.write(text.encode(), *place, "storyboard.yaml")
    whole = all_bare(plan.model_dump(mode="json"))
    if said:
        whole["warnings"] = [*whole["warnings"], _CUT]
    storage.write(json.dumps(whole, indent=2, ensure_ascii=False).encode(), *place, "plan.json")


def _page(
    reel: Reel,
    shown: Sequence[Path | None],
    beside: _Beside,
    out: Path,
    *,
    cuts: Sequence[float],
    pictures: "Sequence[deferred.Drawn]" = (),
) -> Path:
    place, board = ("reels", slug(reel.title)), beside.plan.storyboard if beside.plan else None
    others = [(take, _href(take, place)) for take in beside.takes]
    stale = {each.scene.id: each.stale for each in beside.plan.scenes} if beside.plan else {}
    cards = [
        deferred.Card(
            clip=clip,
            href=_href(clip, place),
            poster=picture or b"",
            others=tuple((take, href) for take, href in others if take.scene == clip.scene),
            stale=stale.get(clip.scene),
            stills=tuple(each for each in pictures if each.name == clip.scene and not each.still.sheet_of),
        )
        for clip, picture in zip(reel.clips, shown, strict=True)
    ]
    style = board.style if board else ""
    differ = _differences(beside.plan, reel.failed) if beside.plan else []
    sheets = [each for each in pictures if each.still.sheet_of]
    first = shown[0] or b""
    deferred.write_page(out, reel, cards, poster=first, style=style, cuts=cuts, differences=differ, sheets=sheets)
    return out


def _differences(plan: Plan, failed: Sequence[FailedScene]) -> list["deferred.Difference"]:
    """The scenes that are kept stale, and those without a clip, each with what a new take costs."""
    costs = {each.scene.id: each.usd for each in plan.scenes}
    kept = [deferred.Difference(each.scene.id, "stale", each.stale, "", each.usd) for each in plan.scenes if each.stale]
    return kept + [deferred.Difference(e.scene, "missing", e.error, e.remedy, costs.get(e.scene)) for e in failed]


def _href(clip: Clip, place: tuple[str, ...]) -> str:
    """The clip's file relative to the page."""
    return os.path.relpath("/".join(inside(clip.url)), "/".join(place))
