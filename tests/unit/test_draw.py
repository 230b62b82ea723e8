"""A picture is drawn once: from words, sheets, castings and files, kept with its papers, and found again."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.jobs.settle import abandon, adopt, jobs
from prefect_storyboard.ledger import Ledger, LedgerLost
from prefect_storyboard.ledger.prune import prune
from prefect_storyboard.ledger.sidecars import every_sidecar, inside
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.images import still_body, still_endpoint
from prefect_storyboard.providers.orders import Order, StillRequest
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.series.collect import collect_job
from prefect_storyboard.storyboards import Casting, Character, Media, Sheet, Still
from prefect_storyboard.tasks import draw, store

from .drawings import picture
from .fakes import Gateway, session_with


class Drawing(Gateway):
    """A gateway that draws."""

    def still_order(self, request: StillRequest) -> Order:
        return Order(endpoint=still_endpoint(request.drawing), body=still_body(request))


@dataclass
class Easel:
    """A library and an account at a gateway that draws; `served` is what its host of pictures answers next."""

    library: Library
    gateway: Drawing = field(default_factory=Drawing)
    served: list[bytes | int] = field(default_factory=list)
    provider: str = "kie"
    account: str = "default"
    carries_files: bool = True

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        def answer(_: httpx.Request) -> httpx.Response:
            then = self.served.pop(0) if self.served else picture()
            return httpx.Response(then) if isinstance(then, int) else httpx.Response(200, content=then)

        opened = session_with(self.gateway, httpx.MockTransport(answer))
        yield opened
        await opened.http.aclose()

    async def draw(self, prompt: str = "Mara opens the door.", **facts: Any) -> Still:
        account: Any = self
        known = {"model": "nano-banana-2.1", "reel": "Lighthouse", "scene": "s01", **facts}
        return await draw.fn(prompt, credentials=account, library=self.library, **known)

    @property
    def bodies(self) -> list[Any]:
        return [order.body for _, order in self.gateway.billed]

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.library.storage())

    def files(self, folder: str) -> list[str]:
        root = Path(self.library.url)
        return sorted(str(path.relative_to(root)) for path in (root / folder).rglob("*") if path.is_file())


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def easel(tmp_path: Path) -> Easel:
    return Easel(Library(url=str(tmp_path / "library")))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "mara.png"
    file.write_bytes(picture((640, 360), colour="teal"))
    return file


async def test_a_still_lies_beside_the_takes_of_its_scene_with_its_sidecar(easel: Easel) -> None:
    still = await easel.draw(resolution="2K")
    folder = "reels/lighthouse/stills/s01"
    assert easel.files("reels") == [f"{folder}/take-001.json", f"{folder}/take-001.png"]
    assert easel.library.storage().read(*inside(still.url)) == picture()
    assert Still.model_validate_json(Path(still.url).with_suffix(".json").read_bytes()) == still
    assert (still.scene, still.take, still.width, still.height, still.cost_usd) == ("s01", 1, 64, 36, 0.03)
    assert (still.request_id, still.provider, still.account, still.model) == ("r1", "fal", "default", "nano-banana-2.1")
    assert (still.asked.aspect, still.asked.resolution, still.asked.output_format) == ("16:9", "2K", "png")
    assert easel.bodies == [
        {"prompt": "Mara opens the door.", "aspect_ratio": "16:9", "resolution": "2K", "output_format": "png"}
    ]
    (attempt,) = easel.ledger.history(still.job_key)
    assert attempt.outcome
    assert (attempt.outcome.kind, attempt.outcome.still, attempt.outcome.clip) == ("done", still, None)


async def test_equal_calls_are_one_picture_and_a_second_reel_gets_a_copy(easel: Easel) -> None:
    first = await easel.draw()
    assert await easel.draw() == first
    other = await easel.draw(reel="Harbour", scene="s07")
    assert (other.sha256, other.job_key, other.scene) == (first.sha256, first.job_key, "s07")
    assert inside(other.url) == ("reels", "harbour", "stills", "s07", "take-001.png")
    assert len(easel.gateway.billed) == 1


async def test_another_take_is_drawn_beside_the_first(easel: Easel) -> None:
    first, second = await easel.draw(), await easel.draw(take=2)
    noted = await easel.draw(reroll="darker", note="At night.")
    assert [inside(each.url)[-1] for each in (first, second, noted)] == [f"take-00{n}.png" for n in (1, 2, 3)]
    assert len({each.job_key for each in (first, second, noted)}) == 3
    assert first.identity == second.identity == noted.identity
    assert easel.bodies[2]["prompt"] == noted.sent == "Mara opens the door.\nAt night."


async def test_a_still_without_a_reel_is_named_after_its_prompt(easel: Easel) -> None:
    still = await easel.draw(reel=None, scene=None)
    assert inside(still.url) == ("pictures", f"mara-opens-the-door-{still.identity[:8]}", "take-001.png")
    assert await easel.draw(reel=None, scene=None) == still


async def test_a_sheet_lies_with_its_character_and_stills_are_drawn_from_it(easel: Easel) -> None:
    drawn = await easel.draw("Mara, front, side and back.", scene=None, sheet_of="Mara", look="storm")
    assert easel.files("characters") == [
        "characters/mara/sheet-storm/take-001.json",
        "characters/mara/sheet-storm/take-001.png",
    ]
    sheet = Sheet(name="Mara", look="storm", still=drawn)
    assert (sheet.fingerprint, drawn.sheet_of, drawn.look) == (drawn.sha256, "Mara", "storm")
    still = await easel.draw(references=[(sheet, "keep her face and coat")])
    assert still.sent == "image 1 is Mara: keep her face and coat.\nMara opens the door."
    (reference,) = still.references
    assert (reference.name, reference.fingerprint, reference.job_key) == ("Mara", drawn.sha256, drawn.job_key)
    assert reference.media == (drawn.media,)
    assert len(easel.bodies[1]["image_input"]) == 1


async def test_a_changed_sheet_draws_again_by_content_and_not_by_what_was_asked(easel: Easel) -> None:
    easel.served = [picture(colour="red"), picture(), picture(), picture(colour="blue")]
    ask = {"scene": None, "sheet_of": "Mara"}
    red = Sheet(name="Mara", still=await easel.draw("Mara, a sheet.", **ask))
    by_content = await easel.draw(references=[red])
    by_request = await easel.draw(references=[red], belongs_to="request")
    blue = Sheet(name="Mara", still=await easel.draw("Mara, a sheet.", take=2, **ask))
    assert (await easel.draw(references=[blue])).job_key != by_content.job_key
    assert await easel.draw(references=[blue], belongs_to="request") == by_request


async def test_references_are_pictures_castings_and_characters_in_the_given_order(easel: Easel, photo: Path) -> None:
    library = easel.library.storage()
    url = library.publish(photo, "characters", "otto", "0123456789abcdef", "image-1.png")
    other = picture((640, 360), colour="olive")
    two = library.write(other, "characters", "otto", "0123456789abcdef", "image-2.png")
    shas = [sha(photo.read_bytes()), sha(other)]
    otto = Casting(
        character="Otto",
        fingerprint="f" * 64,
        images=tuple(Media(url=each, sha256=hashed) for each, hashed in zip((url, two), shas, strict=True)),
    )
    mara = Character(name="Mara", images=(str(photo),))
    still = await easel.draw("They meet.", references=[photo, (otto, "his cap"), mara])
    assert still.sent.splitlines() == [
        "image 2 and image 3 are Otto: his cap.",
        "image 4 is Mara.",
        "They meet.",
    ]
    assert [each.pictures for each in still.references] == [1, 2, 1]
    assert [each.fingerprint for each in still.references][:2] == [shas[0], "f" * 64]
    assert len(easel.bodies[0]["image_input"]) == 4


async def test_the_name_and_place_of_a_reference_file_are_not_in_the_key(easel: Easel, photo: Path) -> None:
    elsewhere = photo.with_name("copy.png")
    elsewhere.write_bytes(photo.read_bytes())
    assert await easel.draw(references=[photo]) == await easel.draw(references=[elsewhere])
    assert len(easel.gateway.billed) == 1


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("WEBP", ".webp"), ("PNG", ".png")])
async def test_the_type_is_decided_from_the_bytes(easel: Easel, kind: str, suffix: str) -> None:
    easel.served = [picture(kind=kind)]
    still = await easel.draw()
    assert Path(still.url).suffix == suffix
    assert await easel.draw() == still


async def test_a_torn_picture_leaves_the_job_open_and_the_next_call_fetches_it(easel: Easel) -> None:
    easel.served = [picture((640, 360))[:50]]
    with pytest.raises(errors.Busy, match="not a whole picture yet") as torn:
        await easel.draw()
    assert torn.value.charged
    assert (await easel.draw()).take == 1
    assert len(easel.gateway.billed) == 1


async def test_a_lost_reply_is_found_in_the_providers_list(easel: Easel) -> None:
    easel.gateway.submits.append("lost")
    assert (await easel.draw()).request_id == "r1"
    assert len(easel.gateway.billed) == 1


async def test_a_reply_that_stays_lost_is_unknown_until_somebody_settles_it(easel: Easel) -> None:
    easel.gateway.submits.append("vanished")
    with pytest.raises(errors.OutcomeUnknown, match="still s01 take 1 was submitted") as unknown:
        await easel.draw()
    assert unknown.value.charged is None
    (line,) = jobs(easel.ledger)
    assert (line.about, line.reel) == ("still s01 take 1", "lighthouse")


async def test_an_abandoned_still_is_drawn_again_and_an_adopted_one_is_fetched(easel: Easel) -> None:
    for scene in ("s01", "s02"):
        easel.gateway.submits.append("vanished")
        with pytest.raises(errors.OutcomeUnknown):
            await easel.draw(f"Mara opens door {scene}.", scene=scene)
    first, second = jobs(easel.ledger)
    abandon(easel.ledger, first.key)
    adopt(easel.ledger, second.key, "r7")
    assert (await easel.draw("Mara opens door s01.", scene="s01")).request_id == "r1"
    assert (await easel.draw("Mara opens door s02.", scene="s02")).request_id == "r7"
    assert len(easel.gateway.billed) == 1


async def test_nothing_made_by_chance_is_sent_once_more_and_no_second_time(easel: Easel) -> None:
    nothing = errors.GenerationFailed("made nothing", resubmittable=True, by_chance=True, charged=False)
    easel.gateway.results.append(nothing)
    assert (await easel.draw()).request_id == "r2"
    easel.gateway.results.extend([nothing, nothing])
    with pytest.raises(errors.GenerationFailed, match="made nothing"):
        await easel.draw(take=2)
    assert len(easel.gateway.billed) == 4


async def test_a_refusal_is_final_and_remembered(easel: Easel) -> None:
    easel.gateway.results.append(errors.Refused("moderation refused image 1", what="image 1", charged=False))
    for _ in range(2):
        with pytest.raises(errors.Refused) as refused:
            await easel.draw()
        assert refused.value.what == "image 1"
    assert len(easel.gateway.billed) == 1


async def test_over_the_budget_nothing_is_sent(easel: Easel) -> None:
    await easel.draw(max_cost_usd=0.03)
    with pytest.raises(OverBudget, match=r"still s02 take 1 would bring lighthouse to \$0.04"):
        await easel.draw("The sea.", scene="s02", max_cost_usd=0.03)
    assert len(easel.gateway.billed) == 1


async def test_an_unknown_price_needs_an_allowance(easel: Easel) -> None:
    easel.provider = "fal"
    with pytest.raises(OverBudget, match="no published price of still s01"):
        await easel.draw(model="gpt-image-2.5", max_cost_usd=1.0)
    still = await easel.draw(model="gpt-image-2.5", max_cost_usd=1.0, allow_unknown_price=True)
    assert still.cost_usd is None


async def test_an_open_still_is_collected_without_its_caller(easel: Easel) -> None:
    easel.gateway.states.append("running")
    with pytest.raises(errors.Busy, match="still rendering"):
        await easel.draw(minutes=0)
    (attempt,) = easel.ledger.open()
    account: Any = easel
    found = await collect_job(attempt, easel.ledger, account, easel.library)
    assert isinstance(found, Still)
    assert (found, list(easel.ledger.open())) == (await easel.draw(), [])
    assert len(easel.gateway.billed) == 1


async def test_a_still_without_its_records_stops_until_they_are_rebuilt(easel: Easel) -> None:
    sheet = await easel.draw("A sheet.", scene=None, sheet_of="Mara")
    still = await easel.draw(references=[Sheet(name="Mara", still=sheet)])
    for file in sorted(Path(easel.library.url, "ledger").rglob("*.json")):
        file.unlink()
    with pytest.raises(LedgerLost):
        await easel.draw(references=[Sheet(name="Mara", still=sheet)])
    repaired = repair(easel.ledger)
    assert (len(repaired.takes), repaired.damaged) == (2, ())
    assert repair(easel.ledger).takes == ()
    assert await easel.draw(references=[Sheet(name="Mara", still=sheet)]) == still
    assert await easel.draw("A sheet.", scene=None, sheet_of="Mara") == sheet
    assert len(easel.gateway.billed) == 2


async def test_a_pruned_still_is_still_paid_for(easel: Easel) -> None:
    still = await easel.draw()
    assert len(list(prune(easel.ledger, datetime.now(UTC)))) == 1
    assert await easel.draw() == still
    assert len(easel.gateway.billed) == 1


async def test_every_take_is_listed_with_its_room(easel: Easel) -> None:
    await easel.draw()
    await easel.draw("A sheet.", scene=None, sheet_of="Mara")
    await easel.draw("A door.", reel=None, scene=None)
    rooms = {(each.room, each.reel, each.scene) for each in every_sidecar(easel.library.storage())}  # type: ignore[union-attr]
    assert {(room, reel) for room, reel, _ in rooms} == {
        ("stills", "lighthouse"),
        ("sheets", "mara"),
        ("stills", ""),
    }


async def test_store_says_that_a_still_is_no_clip(easel: Easel) -> None:
    still = await easel.draw()
    (attempt,) = easel.ledger.history(still.job_key)
    bought = PaidJob(key=still.job_key, attempt=1, job=attempt.job, state="Cached", draft=attempt.intent.draft)
    account: Any = easel
    with pytest.raises(ValueError, match=r"^job: it draws a still"):
        await store.fn(bought, Result(), credentials=account, library=easel.library)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"model": None}, r"^model: name an image model; Kie.* sells nano-banana-2\.1 \(\$0\.02\), seedream-5-pro"),
        ({"model": "nano-banana"}, r"^model: nano-banana is not a known image model of kie; did you mean"),
        ({"prompt": " "}, r"^prompt: is empty"),
        ({"sheet_of": "Mara"}, r"^scene: a sheet belongs to a character"),
        ({"look": "storm"}, r"^look: 'storm' names the look of a sheet"),
        ({"scene": None, "sheet_of": "Mara", "look": "a/b"}, r"^look: 'a/b' names"),
        ({"references": "mara.png"}, r"^references: takes a list"),
        ({"references": [7]}, r"^references: give a Still, a Sheet"),
        ({"references": ["nowhere.png"]}, r"^references: "),
        ({"belongs_to": "scene"}, r"^belongs_to: must be one of 'content', 'request'"),
        ({"note": "darker"}, r"^note: says what one more take"),
        ({"take": 0}, r"^take: must be a whole number"),
        ({"references": [Casting(character="Mara")]}, r"^references: Mara has no picture and no clip"),
    ],
)
async def test_a_wrong_argument_is_one_sentence_and_nothing_is_sent(
    easel: Easel, facts: dict[str, Any], says: str
) -> None:
    with pytest.raises(Exception, match=says):
        await easel.draw(**facts)
    assert easel.gateway.billed == []
    assert easel.gateway.uploads == []
