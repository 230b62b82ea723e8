"""Export a reel: write its cut as a file for an editing program, beside the takes that it refers to. Buys nothing."""

import asyncio
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.export import (
    ONLY_SHOWN,
    REFER_TO_FILES,
    Chosen,
    ExportError,
    Format,
    Take,
    text_of,
    timeline,
)
from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.ledger.sidecars import inside, stored_take
from prefect_storyboard.media import deferred
from prefect_storyboard.media.timing import Transition
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.status import board_status
from prefect_storyboard.series.takes import TakeLine, board_takes
from prefect_storyboard.storyboards import Clip, Frozen, Plan, Storyboard


class Exported(Frozen):
    """An exported reel: its file, its length, and the scenes that do not match today's storyboard.

    `missing` scenes have no clip; `stale` scenes show a clip of an earlier storyboard; `gone` are the other takes
    whose files are no longer in the library.
    """

    file: str
    format: Format
    title: str
    frames: int
    fps: float
    scenes: tuple[str, ...]
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


async def export_board(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides | None = None,
    *,
    to: Format,
    file: Path | None = None,
) -> tuple[Exported, ...]:
    """Write the reel of what is in the library, with the takes that stand today; one file for each variant.

    Without `file`, it is named after the reel's folder, in the working directory. Where the library is in a bucket, the
    takes that the file refers to are copied into a folder beside it. Raises what a plan raises, ExportError for a reel
    that the format cannot hold, and MediaError for a take that is no video; then no file was written.
    """
    async with opened(storyboard, provider, library, overrides) as run:
        return await asyncio.to_thread(_export, run.prepared.plan, run.library.storage(), to, file)


def _export(plan: Plan, storage: Storage, to: Format, file: Path | None) -> tuple[Exported, ...]:
    reels = plan.reels()
    if file and len(reels) > 1:
        raise ExportError(
            f"this storyboard has {len(reels)} reels, and -o names one file; leave it out, and each is named after its "
            "reel; nothing was written"
        )
    ledger = Ledger(storage)
    stands = {each.scene: each.take for each in board_status(plan, ledger)}
    lines = board_takes(plan, ledger)
    with scratch() as folder:
        made = []
        for reel in reels:
            out = (file or Path(f"{reel.storyboard.slug}.{to}")).expanduser()
            made.append(_reel(reel, lines, stands, _Places(storage, plan.storyboard.slug, to, out, folder)))
    for exported, text in made:
        _write(Path(exported.file), text)
    return tuple(exported for exported, _ in made)


def _write(file: Path, text: str) -> None:
    """Write the file whole, or not at all."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(file)
    except OSError as error:
        raise ExportError(
            f"{file} cannot be written: {error.strerror}; nothing was bought; name another with -o"
        ) from None


class _Places(NamedTuple):
    """Where the takes of a reel are stored, and the exported file that refers to them."""

    storage: Storage
    reel: str
    to: Format
    out: Path
    folder: Path


def _reel(
    plan: Plan, lines: Sequence[TakeLine], stands: Mapping[str, int | None], places: _Places
) -> tuple[Exported, str]:
    """One exported reel and its text; `stands` has the number of the take that each scene shows."""
    chosen: list[Chosen] = []
    gone: list[str] = []
    for planned in plan.scenes:
        takes = {line.take: line for line in lines if line.name == planned.scene.id}
        shown = takes.pop(stands.get(planned.scene.id) or 0, None)
        if shown is None or shown.clip is None:
            continue
        others = [] if places.to in ONLY_SHOWN else [line for line in takes.values() if line.clip]
        found = {line.take: _take(line, places) for line in others}
        gone += [f"{planned.scene.id} take {number}" for number, take in found.items() if take is None]
        chosen.append(
            Chosen(scene=planned.scene, shown=_standing(shown, places), others=tuple(filter(None, found.values())))
        )
    line = timeline(plan.storyboard.title, chosen, plan.storyboard.cards, _begins(plan.storyboard, chosen, places.to))
    names = [each.scene.id for each in chosen]
    exported = Exported(
        file=str(places.out),
        format=places.to,
        title=line.title,
        frames=line.frames,
        fps=round(float(line.fps), 3),
        scenes=tuple(names),
        missing=tuple(each.scene.id for each in plan.scenes if each.scene.id not in names),
        stale=tuple(each.scene.id for each in chosen if each.shown.why),
        gone=tuple(gone),
    )
    return exported, text_of(line, places.to)


def _begins(board: Storyboard, chosen: Sequence[Chosen], to: Format) -> list[Transition | None]:
    """The transition into each scene. Raises ExportError if clips overlap and the format has no dissolves."""
    begins = [
        deferred.transition(
            each.scene.transition or board.transition, each.scene.transition_seconds or board.transition_seconds
        )
        for each in chosen
    ]
    late = [each.scene.id for each, how in zip(chosen[1:], begins[1:], strict=True) if how and how.kind == "dissolve"]
    if late and to in REFER_TO_FILES:
        raise ExportError(
            f"{to} is exported with hard cuts, and {', '.join(late)} begin with a dissolve, which shortens the reel; "
            "nothing was written; use transition: cut or fade, which buys nothing, and dissolve in the "
            "editor"
        )
    return begins


def _standing(line: TakeLine, places: _Places) -> Take:
    take = _take(line, places)
    if take is None:
        raise ExportError(
            f"the file of {line.scene} take {line.take} is gone from the library; pick another take or render the "
            "scene again; nothing was written"
        )
    return take


def _take(line: TakeLine, places: _Places) -> Take | None:
    """The take with its file on this machine; None if the library no longer has the file."""
    if line.clip is None:
        return None
    own = stored_take(places.storage, places.reel, line.scene, line.take)
    place = inside((own if own and own.job_key == line.clip.job_key else line.clip).url)
    try:
        path = places.storage.local(*place)
        name = _name_as(path, places.out) if path else ""
        if path is None:
            path, name = _copied(line.clip, place, places)
    except FileNotFoundError:
        return None
    return Take(clip=line.clip, path=path, name_as=name, why=line.why)


def _name_as(path: Path, out: Path) -> str:
    """The path of a take in the exported file: relative to that file if both are on one drive."""
    path, folder = path.absolute(), out.absolute().parent
    if path.drive != folder.drive:
        return path.as_posix()
    return Path(os.path.relpath(path, folder)).as_posix()


def _copied(clip: Clip, place: tuple[str, ...], places: _Places) -> tuple[Path, str]:
    """The copy of a take that lies in a bucket; a format that refers to files keeps it beside the exported one."""
    if places.to not in REFER_TO_FILES:
        copy = places.folder / f"{clip.sha256}{Path(clip.url).suffix}"
        return places.storage.fetch(copy, *place), places.storage.link(*place)
    beside = Path(f"{places.out.stem}-clips", clip.scene, place[-1])
    copy = places.out.absolute().parent / beside
    if not copy.is_file() or _sha256(copy) != clip.sha256:
        part = copy.with_name(f"{copy.name}.part")
        places.storage.fetch(part, *place)
        part.replace(copy)
    return copy, beside.as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
