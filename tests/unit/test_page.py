"""The page says what happened and what it cost, runs nothing but its own script and asks nobody for anything."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image

from prefect_storyboard.media.figures import bill
from prefect_storyboard.media.page import Card, page, write_page
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel, Verdict

NASTY = """<script>alert("1")</script>'"><img src=https://evil.example/x onerror=alert(1)>{{ 7 * 7 }}&amp;"""


def jpeg(width: int = 640, height: int = 360) -> bytes:
    out = BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def clip(scene: str = "s01", **facts) -> Clip:
    usual = {
        "take": 2,
        "url": f"s3://studio/reels/lighthouse/scenes/{scene}/take-002.mp4",
        "sha256": "ab12cd34ef56" + "0" * 52,
        "bytes": 1_000_000,
        "seconds": 4.0,
        "width": 1280,
        "height": 720,
        "job_key": "k" * 64,
        "cost_usd": 0.4,
        "provider": "fal",
        "model": "sora-2",
        "request_id": "764cabcf-b745-4b3e-ae38-1200304cf45b",
        "prompt": "Mara climbs the stairs.",
        "characters": (Casting(character="Mara", id="char_1"),),
        "stored_at": datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    }
    return Clip(scene=scene, **(usual | facts))


def card(of: Clip, poster: bytes = b"") -> Card:
    return Card(clip=of, href=f"scenes/{of.scene}/take-002.mp4", poster=poster)


def reel(*clips: Clip, **facts) -> Reel:
    usual = {"title": "The Lighthouse", "url": "s3://studio/reel.mp4", "page": None, "seconds": 4.0 * len(clips)}
    return Reel(clips=clips, **(usual | facts))


class Seen(HTMLParser):
    """A page as a browser takes it: tags with their attributes, and the words between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.code: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        tag = self.tags[-1][0] if self.tags else ""
        if tag in {"script", "style"} and tag not in self.code:
            self.code[tag] = data
        else:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def seen(*clips: Clip, style: str = "", **facts) -> Seen:
    return Seen(page(reel(*clips, **facts), [card(c) for c in clips], style=style))


def test_whatever_people_write_stays_text() -> None:
    hostile = clip(
        scene=NASTY, prompt=NASTY, model=NASTY, request_id=NASTY, characters=[Casting(character=NASTY, id="1")]
    )
    failed = FailedScene(scene=NASTY, error=NASTY, charged=None, remedy=NASTY)
    them = page(reel(hostile, title=NASTY, warnings=[NASTY], failed=[failed]), [card(hostile, jpeg())], style=NASTY)
    harmless = clip()
    us = page(
        reel(
            harmless,
            title="Title" * 12,
            warnings=["w"],
            failed=[FailedScene(scene="s", error="e", charged=None, remedy="r")],
        ),
        [card(harmless, jpeg())],
        style="style",
    )
    assert [tag for tag, _ in Seen(them).tags] == [tag for tag, _ in Seen(us).tags]
    assert [set(attributes) for _, attributes in Seen(them).tags] == [
        set(attributes) for _, attributes in Seen(us).tags
    ]
    assert Seen(them).text.count(NASTY) >= 10


def test_the_browser_runs_our_style_and_script_and_no_other() -> None:
    found = seen(clip())
    policy = next(meta["content"] for meta in found.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found.code[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not any(name.startswith("on") or name == "style" for _, attributes in found.tags for name in attributes)


def test_nothing_on_the_page_lies_elsewhere() -> None:
    text = page(reel(clip("s01"), clip("s02")), [card(clip("s01"), jpeg()), card(clip("s02"), jpeg())], poster=jpeg())
    links = [v for _, attributes in Seen(text).tags for k, v in attributes.items() if k in {"src", "href", "poster"}]
    assert all(re.match(r"data:|reel\.mp4|scenes/", link) for link in links)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|fetch\((?!served)", re.sub(r"data:[^\"]*", "", text))


def test_the_same_input_gives_the_same_text() -> None:
    still = jpeg()
    first, second = (page(reel(clip()), [card(clip(), still)], poster=still, style="warm") for _ in range(2))
    assert first == second


def test_a_reel_says_how_much_of_it_there_is() -> None:
    assert "4 scenes 16 s $1.60" in seen(*[clip(f"s{n}") for n in range(4)], cost_usd=1.6).text
    lost = FailedScene(scene="s02", error="Refused.", charged=False, remedy="Change the prompt.")
    assert "1 of 2 scenes 2 min 32 s" in seen(clip(), failed=[lost], seconds=151.8).text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"cost_usd": 4.8}, "4 s $4.80"),
        ({"cost_usd": 4.8, "unpriced": 2}, "4 s $4.80 + 2 jobs of unknown price"),
        ({"unpriced": 1}, "4 s 1 job of unknown price"),
        ({"cost_usd": 0.1 + 0.2}, "4 s $0.30"),
        ({"cost_usd": 0.0375}, "4 s $0.0375"),
        ({"cost_usd": 1234.5}, "4 s $1,234.50"),
        ({"bought": 1, "bought_usd": 0.4}, "bought 1 job for $0.40"),
        ({"bought": 2, "bought_usd": 0.4, "unpriced": 1}, "bought 2 jobs for at least $0.40"),
        ({"bought": 2, "unpriced": 2}, "bought 2 jobs of unknown price"),
    ],
)
def test_money_is_said_as_it_is_known(facts, words) -> None:
    assert words in seen(clip(), **facts).text


def test_a_page_says_nothing_of_purchases_that_it_does_not_know() -> None:
    assert "bought" not in seen(clip(), cost_usd=3.6).text


def test_an_unknown_price_is_never_zero() -> None:
    text = seen(clip(cost_usd=None), unpriced=1, bought=1).text
    assert "Cost price unknown" in text
    assert "$" not in text


def test_a_take_is_told_in_full() -> None:
    text = seen(clip(seconds=7.5)).text
    for words in (
        "s01 take 2",
        "Mara climbs the stairs. Mara",
        "Model sora-2 / fal",
        "Length 7.5 s",
        "Cost $0.40",
        "request 764cabcf-b745-4b3e-ae38-1200304cf45b",
        "sha256 ab12cd34ef56 ·",
        "last clip stored 2026-11-21",
    ):
        assert words in text


def test_what_a_take_was_asked_for_beside_its_prompt_is_told_where_it_was_asked_for() -> None:
    text = seen(clip(silent=True, seed=0, negative="rain & fog")).text
    assert "Sound none" in text
    assert "Seed 0" in text
    assert "Without rain & fog" in text
    assert not any(word in seen(clip()).text for word in ("Sound", "Seed", "Without"))


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ({}, "take 1 · $0.40 pick take 2 · $0.40 · in the reel"),
        ({"prompt": "Mara climbs."}, "take 1 · $0.40 pick take 2"),
        ({"note": "darker & wetter"}, "take 1 · $0.40 pick darker & wetter take 2"),
    ],
)
def test_the_takes_of_a_scene_stand_side_by_side_with_their_note_if_they_have_one(basis, words) -> None:
    other = clip(take=1, basis=basis)
    shown = Card(clip=clip(), href="scenes/s01/take-002.mp4", poster=b"", others=((other, "scenes/s01/take-001.mp4"),))
    found = Seen(page(reel(clip()), [shown]))
    assert words.replace(" ", "") in found.text.replace(" ", "")
    assert "scenes/s01/take-001.mp4" in [video["src"] for video in found.all("video")]


def test_a_verdict_and_what_makes_a_clip_stale_are_marks_with_their_reasons() -> None:
    bad = clip(verdict=Verdict(state="bad", reasons=("Its second half is black.",)))
    shown = Card(clip=bad, href="scenes/s01/take-002.mp4", poster=b"", stale="its prompt has changed")
    text = Seen(page(reel(bad), [shown])).text
    assert "stale bad its prompt has changed Its second half is black." in text
    assert "stale" not in seen(clip(verdict=Verdict(state="ok"))).text.partition("take 2")[2].partition("Cost")[0]


def test_what_each_dollar_bought_counts_every_take_and_the_rest_is_the_characters() -> None:
    takes = [clip(take=1, cost_usd=0.4), clip(take=2, cost_usd=0.6), clip(scene="s02", cost_usd=None)]
    assert [(row.subject, row.takes, row.cost, row.share) for row in bill(takes, 2.0)] == [
        ("s01", 2, "$1.00", 50),
        ("s02", 1, "1 of unknown price", 0),
        ("characters", 0, "$1.00", 50),
    ]


@pytest.mark.parametrize(("charged", "word"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_a_failed_scene_says_why_whether_it_cost_and_what_to_do(charged, word) -> None:
    failed = FailedScene(scene="s09", error="The prompt was refused.", charged=charged, remedy="Change it.")
    assert f"s09 The prompt was refused. Charged {word} To do Change it." in seen(clip(), failed=[failed]).text


def test_warnings_are_shown_and_their_box_only_with_them() -> None:
    assert "Sora 2 was retired." in seen(clip(), warnings=["Sora 2 was retired."]).text
    assert seen(clip()).all("aside") == []


def test_each_chapter_begins_where_the_scenes_before_it_end() -> None:
    chapters = [a for a in seen(clip("s01"), clip("s02", seconds=2.1), clip("s03")).all("a") if "data-start" in a]
    assert [(a["href"], a["data-start"], a["data-end"]) for a in chapters] == [
        ("reel.mp4#t=0.0", "0.0", "4.0"),
        ("reel.mp4#t=4.0", "4.0", "6.1"),
        ("reel.mp4#t=6.1", "6.1", "10.1"),
    ]


def test_chapters_begin_where_the_reel_has_them_behind_a_card_and_after_a_dissolve() -> None:
    clips = clip("s01"), clip("s02")
    shown = page(reel(*clips), [card(each) for each in clips], cuts=(1.5, 5.0, 9.0))
    assert re.findall(r'data-start="([\d.]+)"', shown) == ["1.5", "5.0"]


def test_every_player_waits_to_be_asked() -> None:
    players = seen(clip("s01"), clip("s02")).all("video")
    assert [player["src"] for player in players] == ["reel.mp4", "scenes/s01/take-002.mp4", "scenes/s02/take-002.mp4"]
    assert all({"controls", "playsinline", "aria-label"} <= set(player) for player in players)
    assert all(player["preload"] == "metadata" and "autoplay" not in player for player in players)


def test_without_a_reel_there_is_no_player() -> None:
    found = seen(url=None)
    assert found.all("video") == []
    assert "There is no reel yet." in found.text


def test_posters_are_inside_and_small_in_the_strip() -> None:
    poster = jpeg(640, 1138)
    found = Seen(page(reel(clip()), [card(clip(), poster)], poster=poster))
    whole = f"data:image/jpeg;base64,{base64.b64encode(poster).decode()}"
    assert [player["poster"] for player in found.all("video")] == [whole, whole]
    thumb = found.all("img")[0]["src"] or ""
    with Image.open(BytesIO(base64.b64decode(thumb.partition(",")[2]))) as image:
        assert image.size == (225, 400)


def test_a_portrait_reel_is_laid_out_as_one() -> None:
    tall = [clip(f"s{n}", width=720, height=1280) for n in range(2)]
    assert "stage tall" in page(reel(*tall), [card(c) for c in tall])
    assert "stage wide" in page(reel(clip()), [card(clip())])


def test_a_long_prompt_can_be_scrolled_by_keyboard() -> None:
    paragraphs = [p for p in seen(clip(prompt="Mara waits. " * 40)).all("p") if "long" in (p.get("class") or "")]
    assert [p["tabindex"] for p in paragraphs] == ["0"]


def test_the_page_that_is_written_piece_by_piece_is_the_same(tmp_path) -> None:
    still = tmp_path / "s01.jpg"
    still.write_bytes(jpeg())
    write_page(tmp_path / "index.html", reel(clip()), [Card(clip=clip(), href="a", poster=still)], poster=still)
    inside = still.read_bytes()
    whole = page(reel(clip()), [Card(clip=clip(), href="a", poster=inside)], poster=inside)
    assert (tmp_path / "index.html").read_text() == whole
