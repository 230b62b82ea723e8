"""A reel that is exported is cut where its MP4 is cut, to the frame, and readers that are not ours say so."""

import csv
import io
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import XML, Element

import av
import opentimelineio as otio
import pycmx
import pytest
from cuts import PROMPT, chosen, frames, reel

from prefect_storyboard.export import ExportError, text_of, timeline
from prefect_storyboard.media.cards import with_cards
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.storyboards.cards import Cards

NTSC = Fraction(24_000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), NTSC, Fraction(30_000, 1001)]
LENGTHS = (1.0, 49 / 24, 0.5, 5 / 24)


def parsed(text: str) -> Element:
    return XML(text)


def events_of_otio(text: str, _fps: Fraction):
    track = otio.adapters.read_from_string(text, "otio_json").video_tracks()[0]
    for each in track.find_clips():
        place, source = each.range_in_parent(), each.source_range
        yield each.media_reference.target_url, *map(span, (source, place))


def span(times) -> tuple[int, int]:
    return times.start_time.to_frames(), times.end_time_exclusive().to_frames()


def events_of_edl(text: str, fps: Fraction):
    for event in pycmx.parse_cmx3600(io.StringIO(text)).events:
        for edit in event.edits:
            at = [
                otio.opentime.from_timecode(str(each), float(fps)).to_frames()
                for each in (edit.source_in, edit.source_out, edit.record_in, edit.record_out)
            ]
            yield edit.source_file, (at[0], at[1]), (at[2], at[3])


def events_of_fcpxml(text: str, fps: Fraction):
    root = parsed(text)
    files = {asset.get("id"): asset.get("src") for asset in root.iter("asset")}
    for each in root.find(".//spine"):
        start, offset, length = (Fraction(each.get(n).removesuffix("s")) * fps for n in ("start", "offset", "duration"))
        if each.tag == "gap":
            continue
        yield files[each.get("ref")], (start, start + length), (offset, offset + length)


READERS = {"otio": events_of_otio, "edl": events_of_edl, "fcpxml": events_of_fcpxml}


@pytest.fixture(scope="module", params=RATES, ids=str)
def joined(request, tmp_path_factory):
    """A reel of this rate: rate, scenes, the frames of each clip and those of the reel."""
    folder = tmp_path_factory.mktemp("joined")
    scenes = chosen(folder, *({"fps": request.param, "seconds": seconds} for seconds in LENGTHS))
    sources = {each.shown.path.name: frames(each.shown.path) for each in scenes}
    return request.param, scenes, sources, frames(reel(folder, scenes))


@pytest.mark.parametrize("to", READERS)
def test_every_frame_of_the_reel_is_the_one_that_the_cut_names(joined, to):
    fps, scenes, sources, shown = joined
    events = list(READERS[to](text_of(timeline("The Sea", scenes), to), fps))
    names = [Path(unquote(name)).name for name, _, _ in events]
    assert (names, events[-1][2][1]) == ([*sources], len(shown))
    assert [place for _, _, place in events] == [*pairs(events)], "there is no gap"
    spans = [(int(start), int(stop)) for _, (start, stop), _ in events]
    played = [sources[name][start:stop] for name, (start, stop) in zip(names, spans, strict=True)]
    assert [frame for part in played for frame in part] == shown


def pairs(events):
    at = 0
    for _, (start, stop), _ in events:
        yield at, at + stop - start
        at += stop - start


@pytest.mark.filterwarnings(
    "ignore:Testing an element's truth value:DeprecationWarning"
)  # in that reader, from Python 3.12 on
@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_the_reader_of_opentimelineio_finds_the_same_cuts_in_fcpxml(tmp_path, fps):
    line = timeline("The Sea", chosen(tmp_path, *({"fps": fps, "seconds": n} for n in LENGTHS), others=1))
    (found,) = otio.adapters.read_from_string(text_of(line, "fcpxml"), "fcpx_xml")
    clips = found.video_tracks()[0].find_clips()
    assert [(each.name, span(each.range_in_parent())) for each in clips] == [
        (cut.scene, (cut.start, cut.stop)) for cut in line.cuts
    ]
    assert [each.media_reference.target_url for each in clips] == [cut.shown.url for cut in line.cuts]


@pytest.mark.parametrize("to", ["otio", "edl"])
def test_what_opentimelineio_has_read_it_writes_again(tmp_path, to):
    line = timeline("The Sea", chosen(tmp_path, {}, {"seconds": 0.5, "sound": None}, others=1))
    text = text_of(line, to)
    if to == "otio":
        assert (
            otio.adapters.write_to_string(otio.adapters.read_from_string(text, "otio_json"), "otio_json")
            == text.strip()
        )
    else:
        again = otio.adapters.read_from_string(text, "cmx_3600", rate=24)
        events = otio.adapters.write_to_string(again, "cmx_3600", rate=24, style="nucoda", reelname_len=None)
        assert cut_lines(events) == cut_lines(text)


def cut_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:3].isdigit()]


def test_a_scene_is_one_clip_with_its_takes_as_media_and_the_one_in_the_reel_is_active(tmp_path):
    line = timeline("The Sea", chosen(tmp_path, {}, {"seconds": 0.5}, others=2))
    found = otio.adapters.read_from_string(text_of(line, "otio"), "otio_json")
    first = found.video_tracks()[0][0]
    media = first.media_references()
    assert (sorted(media), first.active_media_reference_key) == (["take-001", "take-002", "take-003"], "take-003")
    facts = media["take-001"].metadata["prefect_storyboard"]
    assert (facts["prompt"], facts["cost_usd"], facts["verdict"]) == (PROMPT, 1.2096, "current")
    assert media["take-001"].available_range.duration == otio.opentime.RationalTime(24, 24)
    assert media["take-001"].target_url == "clips%20of%20%C3%A4/s01-1.mp4"
    assert len(found.audio_tracks()[0]) == 2


def test_a_marker_says_take_cost_verdict_and_prompt_and_is_red_where_the_clip_is_stale(tmp_path):
    scenes = chosen(tmp_path, {}, {})
    stale = scenes[1].shown.model_copy(update={"why": ("prompt has changed",)})
    line = timeline("The Sea", [scenes[0], scenes[1].model_copy(update={"shown": stale})])
    words = 'Mara says "=1 & <2>" to the sea.'
    said = [f"take 1, $1.2096, current: {words}", f"take 1, $1.2096, stale: prompt has changed: {words}"]
    track = otio.adapters.read_from_string(text_of(line, "otio"), "otio_json").video_tracks()[0]
    assert [(each.markers[0].name, each.markers[0].color) for each in track] == [(said[0], "GREEN"), (said[1], "RED")]
    marks = [(mark.get("value"), mark.get("completed")) for mark in parsed(text_of(line, "fcpxml")).iter("marker")]
    assert marks == [(said[0], "1"), (said[1], "0")]
    read = otio.adapters.read_from_string(text_of(line, "edl"), "cmx_3600", rate=24)
    assert [each.markers[0].name for each in read.tracks[0]] == [text.upper() for text in said]


def test_clips_of_several_rates_are_cut_where_the_reel_that_is_encoded_again_is_cut(tmp_path):
    scenes = chosen(tmp_path, {"fps": 24, "seconds": 1.0}, {"fps": 30, "seconds": 1.3}, {"fps": 24, "seconds": 29 / 24})
    line = timeline("The Sea", scenes)
    assert (line.fps, line.frames) == (24, len(frames(reel(tmp_path, scenes))))
    with av.open(tmp_path / "reel.mp4") as source:
        chapters = [round(each["start"] * each["time_base"] * 24) for each in source.chapters()]
    assert [cut.start for cut in line.cuts] == chapters
    rates = {f.get("id"): f.get("frameDuration") for f in parsed(text_of(line, "fcpxml")).iter("format")}
    assert [*rates.values()] == ["1/24s", "1/30s"]


def test_a_rate_without_timecode_is_no_edl_and_is_said_in_one_sentence(tmp_path):
    line = timeline("The Sea", chosen(tmp_path, {"fps": 16}, {"fps": 16}))
    with pytest.raises(ExportError, match="no timecode at 16 frames a second"):
        text_of(line, "edl")
    assert [place for _, _, place in events_of_fcpxml(text_of(line, "fcpxml"), Fraction(16))] == [(0, 16), (16, 32)]


def test_a_reel_without_a_clip_has_nothing_to_export():
    with pytest.raises(ValueError, match="has no clip to export"):
        timeline("The Sea", [])


def test_a_silent_clip_is_a_gap_of_the_track_of_sound(tmp_path):
    line = timeline("The Sea", chosen(tmp_path, {"sound": None}, {"seconds": 0.5}))
    track = otio.adapters.read_from_string(text_of(line, "otio"), "otio_json").audio_tracks()[0]
    assert [type(each).__name__ for each in track] == ["Gap", "Clip"]
    assert span(track[1].range_in_parent()) == (24, 36)


CAPTIONS = ("", "Who <is> there? & --> why\n\n  Nobody.", "Ahoi!")


def test_captions_are_timed_to_their_scenes(tmp_path):
    line = timeline("The Sea", chosen(tmp_path, {}, {"seconds": 0.5}, {}, captions=CAPTIONS))
    assert text_of(line, "srt") == (
        "1\n00:00:01,000 --> 00:00:01,500\nWho <is> there? & → why\nNobody.\n\n"
        "2\n00:00:01,500 --> 00:00:02,500\nAhoi!\n"
    )
    assert text_of(line, "vtt") == (
        "WEBVTT\n\ns02\n00:00:01.000 --> 00:00:01.500\nWho &lt;is&gt; there? &amp; → why\nNobody.\n\n"
        "s03\n00:00:01.500 --> 00:00:02.500\nAhoi!\n"
    )


@pytest.mark.parametrize("to", ["srt", "vtt"])
def test_libav_reads_the_captions_with_their_times(tmp_path, to):
    line = timeline("The Sea", chosen(tmp_path, {}, {"seconds": 0.5}, {}, captions=CAPTIONS))
    (tmp_path / f"sea.{to}").write_text(text_of(line, to), encoding="utf-8")
    with av.open(tmp_path / f"sea.{to}") as source:
        times = [(p.pts * p.time_base, p.duration * p.time_base) for p in source.demux() if p.size]
    assert times == [(1, Fraction(1, 2)), (Fraction(3, 2), 1)]


@pytest.mark.parametrize("to", ["srt", "vtt"])
def test_a_reel_without_captions_has_no_subtitles_and_the_prompts_are_not_taken_for_them(tmp_path, to):
    with pytest.raises(ExportError, match=r"no scene of the reel has a caption.*nothing was written"):
        text_of(timeline("The Sea", chosen(tmp_path, {})), to)


def test_a_table_has_a_row_for_each_take_and_starts_no_formula(tmp_path):
    scenes = chosen(tmp_path, {}, {"seconds": 0.5}, captions=("=HYPERLINK(1)", ""), others=1)
    rows = list(csv.DictReader(io.StringIO(text_of(timeline("The Sea", scenes), "csv"))))
    assert [(row["scene"], row["take"], row["in reel"], row["start frame"]) for row in rows] == [
        ("s01", "1", "no", ""), ("s01", "2", "yes", "0"), ("s02", "1", "no", ""), ("s02", "2", "yes", "24"),
    ]  # fmt: skip
    assert (rows[1]["caption"], rows[1]["prompt"], rows[1]["cost_usd"]) == ("'=HYPERLINK(1)", PROMPT, "1.2096")


def test_a_text_that_no_xml_can_hold_is_left_out_of_it(tmp_path):
    scenes = chosen(tmp_path, {})
    kept = scenes[0].shown.clip.model_copy(update={"prompt": "A bell\x07 rings."})
    odd = scenes[0].model_copy(update={"shown": scenes[0].shown.model_copy(update={"clip": kept})})
    assert "A bell rings." in parsed(text_of(timeline("The \x0bSea", [odd]), "fcpxml")).find(".//note").text


@pytest.mark.parametrize("to", READERS)
@pytest.mark.parametrize("fps", [Fraction(24), NTSC], ids=str)
def test_behind_a_card_every_cut_is_where_the_reel_has_it(tmp_path, fps, to):
    scenes = chosen(tmp_path, *({"fps": fps, "seconds": seconds} for seconds in (1.0, 0.5)), captions=("Ahoi!", ""))
    cards = Cards(title="The Sea", credits="Ada", seconds=0.5)
    parts = [Part(each.shown.path, each.scene.id) for each in scenes]
    assemble(with_cards(parts, cards, tmp_path), tmp_path / "reel.mp4")
    line = timeline("The Sea", scenes, cards)
    events = [each[2] for each in list(READERS[to](text_of(line, to), fps)) if Path(unquote(each[0])).suffix == ".mp4"]
    assert ([(int(start), int(stop)) for start, stop in events], line.frames) == ([(12, 36), (36, 48)], 60)
    assert len(frames(tmp_path / "reel.mp4")) == 60
    assert text_of(line, "srt").splitlines()[1].startswith("00:00:00,5")
