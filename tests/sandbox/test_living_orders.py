"""Every living model of the table on the sandbox: each order of ours is taken, and billed as the plan says."""

from collections.abc import Iterator

import httpx
import pytest

from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Order, Provider, Reference, SceneRequest
from prefect_storyboard.providers.table import models
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.fal import schema as fal_schema
from prefect_storyboard.sandbox.fal.models import ENDPOINTS as FAL_ENDPOINTS
from prefect_storyboard.sandbox.kie import table as kie_table
from prefect_storyboard.sandbox.toapis import models as toapis
from prefect_storyboard.sandbox.wavespeed import models as wavespeed
from prefect_storyboard.storyboards import Model

FAL = {"queue_url": "https://q.test", "rest_url": "https://r.test", "platform_url": "https://p.test"}
PICTURE, CLIP, CLIP_SECONDS = "https://example.com/mara.png", "https://example.com/mara.mp4", 4
CREDIT = 0.005  # US dollars, of Kie
LIVING = [entry for families in models().values() for entry in families.values() if not entry.retires_on]


def adapter(provider: str) -> Provider:
    http = httpx.AsyncClient()
    match provider:
        case "fal":
            return Fal(http, api_key="k:k", **FAL)
        case "kie":
            return Kie(http, api_key="k", api_url="https://a.test", upload_url="https://u.test")
        case "toapis":
            return ToApis(http, api_key="k", api_url="https://a.test")
    return WaveSpeed(http, api_key="k", api_url="https://a.test")


def billed(provider: str, order: Order, video_seconds: float) -> float | None:
    """The sandbox's bill for an order, in US dollars; it raises for one that it does not take."""
    match provider:
        case "fal":
            given = fal_schema.parse(FAL_ENDPOINTS[order.endpoint], order.body)
        case "kie":
            given, unit = kie_table.check(order.body)[1], CREDIT
            usd = cost(given, given.seconds or 0, video_seconds)
            return None if usd is None else usd * unit
        case "toapis":
            given = toapis.parse(order.body, "video")
            assert given.model == order.body["model"]
            return None
        case _:
            given = wavespeed.parse(wavespeed.MODELS[order.endpoint], order.body)
    return cost(given, given.seconds, video_seconds)


def cases(sold: Model) -> Iterator["Asked"]:
    """Every mode and size of an entry, with and without sound."""
    for cast in ("", "pictures", "clip"):
        for frames in ("", "first", "first last"):
            for resolution in sold.resolutions:
                for audio in (True, False):
                    yield Asked(sold, cast, frames, resolution, audio)


class Asked:
    """One scene of one model."""

    def __init__(self, sold: Model, cast: str, frames: str, resolution: str, audio: bool) -> None:  # noqa: FBT001 - a case
        self.sold, self.cast, self.frames, self.resolution, self.audio = sold, cast, frames, resolution, audio
        self.mode = sold.mode(shown=bool(cast), frame=bool(frames), last_frame="last" in frames)

    def __str__(self) -> str:
        words = (self.sold.provider, self.sold.name, self.cast, self.frames, self.resolution)
        return " ".join(filter(None, (*words, "" if self.audio else "silent")))

    def is_sold(self) -> bool:
        """Whether a plan would ask for it."""
        sold, operation = self.sold, "image" if self.frames else "text"
        return (
            sold.endpoint(self.mode) is not None
            and self.resolution in sold.sizes(self.mode)[1]
            and (self.audio or sold.sound == "switch")
            and not (self.cast and (sold.references is None or operation not in sold.casts))
            and not (self.cast == "clip" and not (sold.references and sold.references.clips))
            and not ("last" in self.frames and self.mode not in sold.takes_last_frame)
        )

    def request(self) -> SceneRequest:
        sold, least = self.sold, self.sold.references.each[0] if self.sold.references else 0
        shown = {
            "": (),
            "pictures": (Reference(character="Mara", image_urls=(PICTURE,) * least),),
            "clip": (Reference(character="Mara", clip_url=CLIP),),
        }[self.cast]
        return SceneRequest(
            model=sold,
            prompt="Mara waves.",
            seconds=sold.lengths(self.mode)[-1],
            aspect=sold.aspects[0],
            resolution=self.resolution,
            references=shown,
            image_url=PICTURE if self.frames else None,
            last_frame_url=PICTURE if "last" in self.frames else None,
            audio=self.audio,
            seed=7 if self.mode in sold.takes_seed else None,
            negative="text" if self.mode in sold.takes_negative else "",
        )

    def usd(self, seconds: int) -> float | None:
        pictures = self.sold.references.each[0] if self.cast == "pictures" and self.sold.references else 0
        return self.sold.price(
            "image" if self.frames else "text",
            seconds,
            self.resolution,
            CLIP_SECONDS if self.cast == "clip" else 0.0,
            audio=self.audio,
            pictures=pictures,
            mode=self.mode,
        )


@pytest.mark.parametrize("entry", LIVING, ids=lambda entry: f"{entry.provider} {entry.name}")
def test_every_order_of_ours_is_taken_and_billed_as_the_plan_says(entry: Model) -> None:
    wanted = [case for case in cases(entry) if case.is_sold()]
    assert wanted
    gateway = adapter(entry.provider)
    for case in wanted:
        request = case.request()
        usd = billed(entry.provider, gateway.scene_order(request), CLIP_SECONDS if case.cast == "clip" else 0.0)
        planned = case.usd(request.seconds)
        if planned is None and entry.provider == "wavespeed":
            continue  # the plan asks WaveSpeed itself, whose price is the sandbox's
        assert planned == (None if usd is None else pytest.approx(usd, abs=0.002)), str(case)
