"""The catalogue of a library: every reel and its cast on one page, which is written as reels are assembled."""

import re
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.media.catalogue import Listed, Portrayed, catalogue
from prefect_storyboard.storyboards import Casting, FailedScene, Reel
from prefect_storyboard.tasks import _catalogue
from prefect_storyboard.tasks._catalogue import NotOurs, enter, rebuild

from .test_page import clip

MARA = Casting(character="Mara", fingerprint="f" * 64)


def laid_out(*reels: Listed) -> str:
    return "".join(catalogue(reels, "library"))


def listed(title: str, day: int = 1, **facts) -> Listed:
    facts = {"reel": title.lower(), "seconds": 8, "scenes": 2, "cost_usd": 0.8, **facts}
    return Listed(title=title, at=datetime(2026, 11, day, tzinfo=UTC), **facts)


def reel(title: str, **facts) -> Reel:
    shown = clip(characters=(MARA,))
    return Reel(title=title, url="reel.mp4", clips=(shown,), seconds=4.0, cost_usd=0.4, **facts)


@pytest.fixture(scope="module")
def still() -> bytes:
    """A poster."""
    out = BytesIO()
    Image.new("RGB", (640, 360), "teal").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(params=["", "memory://catalogue"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return open_storage(f"{request.param}{tmp_path}/library")


def assembled(storage: Storage, title: str, poster: bytes, folder: Path, *, drawn: bool = False, **facts) -> None:
    """What a run does for a reel that it has assembled."""
    (folder / "poster.jpg").write_bytes(poster)
    made = reel(title, **facts)
    storage.write(b"page", "reels", _catalogue.slug(title), "index.html")
    enter(storage, made, [None, folder / "poster.jpg"], folder, drawn=drawn)


def index(storage: Storage) -> str:
    return (storage.read("index.html") or b"").decode()


def test_the_newest_reel_comes_first_with_length_cost_day_and_links() -> None:
    html = laid_out(listed("Old", 1), listed("New", 3, missing=1, unpriced=2), listed("Middle", 2))
    assert re.findall(r'<h2><a href="([^"]*)"', html) == [f"reels/{n}/index.html" for n in ("new", "middle", "old")]
    assert "<li>2 of 3 scenes</li>" in html
    assert "$0.80 + 2 jobs of unknown price" in html
    assert "<li>2026-11-03</li>" in html
    assert 'href="reels/new/reel.mp4"' in html
    assert "<li>3 reels</li>\n<li>24 s</li>\n<li>$2.40 + 2 jobs of unknown price</li>" in html


def test_the_cast_is_listed_once_with_all_its_reels_and_others_of_the_name_apart() -> None:
    mara, other = Portrayed(name="Mara", fingerprint="a"), Portrayed(name="Mara", fingerprint="b")
    html = laid_out(
        listed("One", cast=(mara,)), listed("Two", cast=(mara, Portrayed(name="abe"))), listed("Three", cast=(other,))
    )
    cast = html[html.index('<ul class="cast">') :]
    assert re.findall(r"<b[^>]*>(\w+)</b>", cast) == ["abe", "Mara", "Mara"]
    assert cast.count("reels/one/index.html") == 1
    assert cast.count("reels/two/index.html") == 2


def test_what_a_stranger_wrote_is_text() -> None:
    wild = "<script>alert(\"&')</script>"
    html = laid_out(listed(wild, reel="a b%2e#?", cast=(Portrayed(name=wild),)))
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#34;&amp;&#39;)&lt;/script&gt;") >= 3
    assert "reels/a%20b%252e%23%3F/index.html" in html


def test_it_loads_nothing_and_runs_nothing() -> None:
    html = laid_out(listed("One", picture=b"aGk="))
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in unescape(html)
    assert 'src="data:image/jpeg;base64,aGk="' in html
    assert not re.search(r"https?:|<script|<link rel=\"stylesheet", html)


def test_an_empty_library_has_a_catalogue_too() -> None:
    assert "There is no reel yet." in laid_out()


def test_a_reel_that_is_assembled_enters_the_catalogue(storage, still, tmp_path) -> None:
    assembled(storage, "The Sea", still, tmp_path)
    assembled(
        storage,
        "The <Shore>",
        still,
        tmp_path,
        failed=[FailedScene(scene="s02", state="failed", error="no", charged=False, remedy="run")],
    )
    html = index(storage)
    assert ">The Sea</a>" in html
    assert ">The &lt;Shore&gt;</a>" in html
    assert "1 of 2 scenes" in html
    assert "data:image/jpeg;base64," in html
    assert "<title>library</title>" in html
    assembled(storage, "The Sea", still, tmp_path)
    assert index(storage).count(">The Sea</a></h2>") == 1


def test_a_character_has_the_portrait_of_its_sheet_else_of_its_picture(storage, still, tmp_path) -> None:
    storage.write(b"{}", "characters", "mara", "f" * 16, "character.json")
    storage.write(still, "characters", "mara", "f" * 16, "image-1.jpg")
    assembled(storage, "The Sea", still, tmp_path)
    assert 'class="initial"' not in index(storage)
    storage.remove("characters", "mara", "f" * 16, "image-1.jpg")
    assembled(storage, "The Sea", still, tmp_path)
    assert 'class="initial"' not in index(storage), "a known portrait is not made again"
    storage.write(still, "characters", "mara", "sheet", "take-001.jpg")
    storage.remove("catalogue", "the-sea.json")
    assembled(storage, "The Sea", still, tmp_path)
    assert 'class="initial"' in index(storage), "another board's Mara is drawn, this one's is not"
    storage.remove("catalogue", "the-sea.json")
    assembled(storage, "The Sea", still, tmp_path, drawn=True)
    assert 'class="initial"' not in index(storage)


def test_a_character_whose_media_cannot_be_read_has_its_initial(storage, still, tmp_path) -> None:
    storage.write(b"no picture", "characters", "mara", "f" * 16, "image-1.jpg")
    assembled(storage, "The Sea", still, tmp_path)
    assert '<span class="initial" aria-hidden="true">M</span>' in index(storage)


def test_a_large_library_gets_only_the_entry(storage, still, tmp_path) -> None:
    for number in range(100):
        storage.write(listed("Old", reel=f"r{number}").model_dump_json().encode(), "catalogue", f"r{number}.json")
    assembled(storage, "The Sea", still, tmp_path)
    assert index(storage) == ""
    assert storage.exists("catalogue", "the-sea.json")


def test_the_command_lists_older_reels_and_leaves_out_those_that_are_gone(storage, still, tmp_path) -> None:
    assembled(storage, "The Sea", still, tmp_path)
    assembled(storage, "Gone", still, tmp_path)
    storage.remove("reels", "gone", "index.html")
    storage.write(b"page", "reels", "of-0-1-0", "index.html")
    storage.write(b"torn", "catalogue", "of-0-1-0.json")
    assert [each.title for each in rebuild(storage)] == ["of-0-1-0", "The Sea"]
    assert ">Gone<" not in index(storage)
    assert not storage.exists("catalogue", "gone.json")


def test_a_page_of_somebody_else_is_left_alone(storage, still, tmp_path) -> None:
    storage.write(b"<h1>our studio</h1>", "index.html")
    assembled(storage, "The Sea", still, tmp_path)
    with pytest.raises(NotOurs, match="it was left alone"):
        rebuild(storage)
    assert index(storage) == "<h1>our studio</h1>"


def test_a_reel_that_another_run_enters_meanwhile_is_not_lost(tmp_path, still) -> None:
    storage = open_storage(str(tmp_path / "library"))

    class Rival:
        """Another run, which enters its reel after this one has looked for all of them."""

        def __getattr__(self, name: str):
            return getattr(storage, name)

        def publish(self, local: Path, *parts: str) -> str:
            if not storage.exists("catalogue", "rival.json"):
                storage.write(listed("Rival").model_dump_json().encode(), "catalogue", "rival.json")
            return storage.publish(local, *parts)

    assembled(Rival(), "The Sea", still, tmp_path)  # type: ignore[arg-type]
    assert ">Rival</a>" in index(storage)
