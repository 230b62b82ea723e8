"""What the tests of stills share: a drawing, a still, a picture."""

import io
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from prefect_storyboard.providers.images import image_model
from prefect_storyboard.storyboards import Drawing, Still, StillAsked, StillReference, drawing

MARA = StillReference(fingerprint="a" * 64, name="Mara", role="keep her face and coat")
PLACE = StillReference(fingerprint="b" * 64, name="the lighthouse")


def drawn(prompt: str = "Mara opens the gallery door.", provider: str = "kie", **facts: Any) -> Drawing:
    return drawing(prompt, image_model(provider, facts.pop("model", "nano-banana-2.1")), **facts)


def picture(size: tuple[int, int] = (64, 36), kind: str = "PNG", colour: str = "navy") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def still(**facts: Any) -> Still:
    known: dict[str, Any] = {
        "scene": "s01",
        "take": 1,
        "url": "/library/reels/lighthouse/stills/s01/take-001.png",
        "sha256": "c" * 64,
        "bytes": 100,
        "width": 64,
        "height": 36,
        "job_key": "d" * 64,
        "cost_usd": 0.02,
        "provider": "kie",
        "account": "default",
        "model": "nano-banana-2.1",
        "request_id": "r1",
        "prompt": "Mara climbs",
        "sent": "Mara climbs",
        "identity": "e" * 64,
        "asked": StillAsked(aspect="16:9", resolution="1K", output_format="png"),
        "stored_at": datetime(2026, 11, 29, tzinfo=UTC),
    }
    return Still(**(known | facts))
