"""OpenTimelineIO timelines, and the EDL that its adapter writes from one. Needs the extra `[export]`."""

from fractions import Fraction

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from prefect_storyboard.export.cut import Cut, Footage, Timeline
from prefect_storyboard.export.errors import ExportError

_DROPPING = {Fraction(30_000, 1001), Fraction(60_000, 1001)}
_EVENTS = 999


def to_otio(line: Timeline) -> str:
    """The timeline as OpenTimelineIO's JSON: a track of pictures and one of sound, each scene one clip.

    The other takes of a scene are further media references of its clip, and the one that the reel shows is active.
    """
    made = otio.schema.Timeline(name=line.title)
    made.tracks.append(_track(line, otio.schema.TrackKind.Video))
    if any(cut.shown.sounds for cut in line.cuts):
        made.tracks.append(_track(line, otio.schema.TrackKind.Audio))
    return str(otio.adapters.write_to_string(made, "otio_json")) + "\n"


def to_edl(line: Timeline) -> str:
    """The pictures of the timeline as a CMX 3600 edit decision list. Raises ExportError for a rate without timecode."""
    if not RationalTime.is_smpte_timecode_rate(float(line.fps)):
        raise ExportError(
            f"an EDL has no timecode at {float(line.fps):g} frames a second, which this reel has; export otio or "
            "fcpxml; nothing was written"
        )
    if len(line.cuts) > _EVENTS:
        raise ExportError(
            f"an EDL has at most {_EVENTS} cuts, and this reel has {len(line.cuts)}; export otio or fcpxml; "
            "nothing was written"
        )
    made = otio.schema.Timeline(name=line.title)
    made.tracks.append(_track(line, otio.schema.TrackKind.Video))
    for number, (clip, cut) in enumerate(zip(made.tracks[0].find_clips(), line.cuts, strict=True), 1):
        clip.media_reference.target_url = cut.shown.name_as  # an EDL names files, not URLs
        # Tapes have names of eight characters, all different; Avid and pycmx read the other line for the file.
        clip.metadata["cmx_3600"] = {"reel": f"{number:03d}", "comments": [f"SOURCE FILE: {cut.shown.name_as}"]}
    text = otio.adapters.write_to_string(made, "cmx_3600", rate=float(line.fps), style="nucoda", reelname_len=None)
    counts = "DROP FRAME" if line.fps in _DROPPING else "NON-DROP FRAME"
    return str(text).replace("\n\n", f"\nFCM: {counts}\n\n", 1)


def _track(line: Timeline, kind: str) -> otio.schema.Track:
    """One track of the timeline. A clip without sound is a gap in the sound track; a card is a gap in both."""
    track = otio.schema.Track(name=f"{kind[0]}1", kind=kind)
    if line.before:
        track.append(otio.schema.Gap(source_range=_span(line.before, line.fps)))
    for cut in line.cuts:
        span = _span(cut.stop - cut.start, line.fps)
        if kind == otio.schema.TrackKind.Video or cut.shown.sounds:
            track.append(_clip(cut, span, marked=kind == otio.schema.TrackKind.Video))
        else:
            track.append(otio.schema.Gap(source_range=span))
    if line.after:
        track.append(otio.schema.Gap(source_range=_span(line.after, line.fps)))
    return track


def _clip(cut: Cut, span: TimeRange, *, marked: bool) -> otio.schema.Clip:
    clip = otio.schema.Clip(name=cut.scene, source_range=span)
    clip.set_media_references({take.name: _reference(take) for take in cut.takes}, cut.shown.name)
    if marked:
        clip.markers.append(_marker(cut, span.duration.rate))
    return clip


def _reference(take: Footage) -> otio.schema.ExternalReference:
    clip = take.clip
    return otio.schema.ExternalReference(
        target_url=take.url,
        available_range=_span(take.frames, take.fps),
        metadata={
            "prefect_storyboard": {
                "scene": clip.scene,
                "take": clip.take,
                "prompt": clip.prompt,
                "provider": clip.provider,
                "model": clip.model,
                "cost_usd": clip.cost_usd,
                "verdict": take.verdict,
                "sha256": clip.sha256,
            }
        },
    )


def _marker(cut: Cut, rate: float) -> otio.schema.Marker:
    """A marker at the take's first frame: take, cost, verdict and prompt; red if the take is stale."""
    colour = otio.schema.MarkerColor.RED if cut.shown.why else otio.schema.MarkerColor.GREEN
    span = TimeRange(RationalTime(0, rate), RationalTime(1, rate))
    return otio.schema.Marker(
        name=cut.shown.remark,
        marked_range=span,
        color=colour,
        metadata={"prefect_storyboard": {"caption": cut.caption}},
    )


def _span(frames: int, fps: Fraction) -> TimeRange:
    return TimeRange(RationalTime(0, float(fps)), RationalTime(frames, float(fps)))
