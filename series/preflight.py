"""Check a storyboard's media against the limits of the models that receive them. Buys and sends nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.storyboards import ClipLimits, Model, References, Sending, Shot, Storyboard
from prefect_storyboard.storyboards.origins import clip_length
from prefect_storyboard.tasks._references import CastMember, drawn, show

Place = tuple[str | int, ...]


@dataclass
class Judged:
    """Problems with their places, the changes to be made to reference media, and the lengths of the clips sent."""

    problems: list[tuple[Place, str]] = field(default_factory=list)
    preparations: list[str] = field(default_factory=list)
    clip_seconds: dict[tuple[str, str], float] = field(default_factory=dict)


def judge_all(
    board: Storyboard,
    shots: tuple[Shot, ...],
    cast: Mapping[str, CastMember],
    files: Mapping[str, LocalFile],
    folder: Path,
) -> Judged:
    """Check every reference clip, picture and first frame that this run needs."""
    judged = Judged()
    made = {shot.scene.id: shot for shot in shots}
    for at, who in enumerate(board.cast):
        for family, sending in _uses(who.name, shots):
            member = cast[who.name]
            if who.from_scene:
                _expect(judged, member, made[who.from_scene], family, sending)
                continue
            if who.clip and member.clip is None:
                break  # it could not be read, which is reported already
            try:
                _judge(judged, member, family, sending)
            except MediaError as error:
                judged.problems.append((("cast", at, "clip" if who.clip else "images"), str(error)))
                break
    for at, shot in enumerate(shots):
        for which, picture in (("image", shot.scene.image), ("ends", shot.ends)):
            if picture and picture in files:
                try:
                    deferred.fit_image(files[picture], shot.frame, shot.scene.id, folder=folder)
                except MediaError as error:
                    judged.problems.append((("scenes", at, which), str(error)))
    judged.problems += _excesses(shots, judged.clip_seconds)
    return judged


def _excesses(shots: tuple[Shot, ...], lengths: Mapping[tuple[str, str], float]) -> Iterator[tuple[Place, str]]:
    """The scenes whose reference clips are too long beside them."""
    for at, shot in enumerate(shots):
        sent = sum(lengths.get((shot.model.name, each.character), 0.0) for each in shot.sends if each.clip)
        if excess := shot.excess(sent):
            yield ("scenes", at, "seconds"), excess


def _uses(name: str, shots: tuple[Shot, ...]) -> Iterator[tuple[Model, Sending | None]]:
    """The different forms in which the models of a storyboard receive one character."""
    seen: set[tuple[str, Sending | None]] = set()
    for shot in shots:
        if name in shot.cast:
            sending = next((each for each in shot.sends if each.character == name), None)
            if (shot.model.name, sending) not in seen:
                seen.add((shot.model.name, sending))
                yield shot.model, sending


def _judge(judged: Judged, member: CastMember, family: Model, sending: Sending | None) -> None:
    who, clip = member.character, member.clip
    if sending and not sending.clip:
        done = _pictures(member, sending, family)
    elif clip:
        fitting = deferred.describe_fit(clip.path, family.reference, who.name, start=who.start, end=who.end)
        done = ", ".join(fitting.steps)
        if sending:
            judged.clip_seconds[family.name, who.name] = fitting.seconds
    else:
        return
    line = f"{who.name} for {family.name}: {done}"
    if done and line not in judged.preparations:
        judged.preparations.append(line)


def _expect(judged: Judged, member: CastMember, source: Shot, family: Model, sending: Sending | None) -> None:
    """Describe how a character's scene will be used, and the length of its clip: the clip does not exist yet."""
    who, seconds = member.character, clip_length(member.character, source, family.reference)
    if sending and sending.clip:
        judged.clip_seconds[family.name, who.name] = seconds
    if sending and not sending.clip:
        count = drawn(who, sending, family.references or References(images=0))
        done = f"{count} {'picture' if count == 1 else 'pictures'} taken from {who.from_scene}" if count else ""
    else:
        done = f"{seconds:g} s of {who.from_scene}"
    line = f"{who.name} for {family.name}: {done}"
    if done and line not in judged.preparations:
        judged.preparations.append(line)


def _pictures(member: CastMember, sending: Sending, family: Model) -> str:
    """Make the pictures in the way the run does, and report how many are taken from the clip."""
    who, clip, limits = member.character, member.clip, family.references or References(images=0)
    made = show(member, sending, family)
    count = min(len(made), drawn(who, sending, limits))
    if clip is None or not count:
        return ""
    facts = deferred.probe(clip.path)
    fitting = deferred.describe_fit(
        clip.path, ClipLimits(min_short_side=limits.min_side), who.name, start=who.start, end=who.end
    )
    whole = not fitting.start and fitting.seconds >= facts.seconds
    where = "its clip" if whole else f"seconds {fitting.start:g} to {fitting.start + fitting.seconds:g} of its clip"
    toned = f", colours converted from {deferred.label(facts.range)} to BT.709" if facts.range else ""
    return f"{count} {'picture' if count == 1 else 'pictures'} taken from {where}{toned}"
