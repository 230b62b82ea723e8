"""FCPXML 1.8 of a timeline, for Final Cut Pro and DaVinci Resolve: every time is an exact fraction of a second.

OpenTimelineIO's own adapter writes it only at 24 and 25 frames a second.
"""

import re
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from prefect_storyboard.export.cut import Cut, Footage, Timeline

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# The rates that Final Cut Pro conforms to each other, by its own names.
_CONFORMED = {
    Fraction(24_000, 1001): "23.98",
    Fraction(24): "24",
    Fraction(25): "25",
    Fraction(30_000, 1001): "29.97",
    Fraction(30): "30",
    Fraction(48): "48",
    Fraction(50): "50",
    Fraction(60_000, 1001): "59.94",
    Fraction(60): "60",
}


def to_fcpxml(line: Timeline) -> str:
    """The timeline as a project in an event of its own; the event also contains the other takes."""
    root = Element("fcpxml", version="1.8")
    resources = SubElement(root, "resources")
    formats = _Formats(resources)
    own = formats.id(line.fps, line.width, line.height)
    event = SubElement(SubElement(root, "library"), "event", name=_printable(line.title))
    project = SubElement(event, "project", name=_printable(line.title))
    length = _time(line.frames / line.fps)
    facts = {"format": own, "duration": length, "tcStart": "0s", "tcFormat": "NDF", "audioLayout": "stereo"}
    spine = SubElement(SubElement(project, "sequence", facts, audioRate="48k"), "spine")
    _gap(spine, 0, line.before, line.fps)
    for cut in line.cuts:
        assets = {take.name: _asset(resources, formats, cut, take) for take in cut.takes}
        _shown(spine, cut, line, assets[cut.shown.name])
        for take in cut.others:
            name = f"{cut.scene} {take.name}"
            length = _time(take.frames / take.fps)
            other = SubElement(event, "asset-clip", ref=assets[take.name], name=name, duration=length)
            SubElement(other, "note").text = _printable(take.remark)
    _gap(spine, line.cuts[-1].stop, line.after, line.fps)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{tostring(root, encoding="unicode")}\n'


class _Formats:
    """The formats among the resources: one for each rate and size."""

    def __init__(self, resources: Element) -> None:
        self.resources = resources
        self.ids: dict[tuple[Fraction, int, int], str] = {}

    def id(self, fps: Fraction, width: int, height: int) -> str:
        """The format's id; a new one is added."""
        known = self.ids.get((fps, width, height))
        if known is None:
            known = self.ids[fps, width, height] = f"f{len(self.ids) + 1}"
            length = f"{fps.denominator}/{fps.numerator}s"
            facts = {"id": known, "frameDuration": length, "width": str(width), "height": str(height)}
            SubElement(self.resources, "format", facts)
        return known


def _asset(resources: Element, formats: _Formats, cut: Cut, take: Footage) -> str:
    known = f"{cut.scene}-{take.name}"
    facts = {
        "id": f"r-{known}",
        "name": known,
        "src": take.url,
        "start": "0s",
        "duration": _time(take.frames / take.fps),
        "hasVideo": "1",
        "format": formats.id(take.fps, take.clip.width, take.clip.height),
    }
    sound = {"hasAudio": "1", "audioSources": "1", "audioChannels": "2"} if take.sounds else {}
    SubElement(resources, "asset", facts | sound)
    return facts["id"]


def _shown(spine: Element, cut: Cut, line: Timeline, asset: str) -> None:
    """Add the take that the reel shows, with a marker, which is a to-do if the take is stale."""
    take = cut.shown
    length = _time((cut.stop - cut.start) / line.fps)
    facts = {"ref": asset, "name": cut.scene, "offset": _time(cut.start / line.fps), "start": "0s", "duration": length}
    clip = SubElement(spine, "asset-clip", facts)
    SubElement(clip, "note").text = _printable(take.clip.prompt)
    if take.fps != line.fps and take.fps in _CONFORMED:
        # Without it Final Cut Pro changes the clip's speed if the rates are close to each other.
        SubElement(clip, "conform-rate", scaleEnabled="0", srcFrameRate=_CONFORMED[take.fps])
    done = "0" if take.why else "1"
    SubElement(clip, "marker", start="0s", duration=_time(1 / line.fps), value=_printable(take.remark), completed=done)


def _gap(spine: Element, offset: int, frames: int, fps: Fraction) -> None:
    """A gap for a card of the reel, which has no clip."""
    if frames:
        SubElement(spine, "gap", offset=_time(offset / fps), start="0s", duration=_time(frames / fps))


def _time(seconds: Fraction) -> str:
    return f"{seconds.numerator}/{seconds.denominator}s" if seconds.denominator > 1 else f"{seconds.numerator}s"


def _printable(text: str) -> str:
    """The text without characters that XML does not allow."""
    return _NOT_XML.sub("", text)
