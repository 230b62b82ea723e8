"""ToAPIs' living models: each canonical body of the contract, and the request of ours that becomes it."""

from typing import Any

from cases import ExpectedOrder

from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model

HOST = "https://example.com"
FIRST, LAST = {"image_url": f"{HOST}/first.png"}, {"last_frame_url": f"{HOST}/last.png"}
MARA = Reference(character="Mara", image_urls=(f"{HOST}/mara.png",))
LINE = {"audio_with_roles": [{"url": f"{HOST}/line.mp3", "role": "reference_audio"}]}


def scene(family: str, prompt: str, seconds: int, *cast: Reference, **facts: Any) -> SceneRequest:
    wanted = {"aspect": "16:9", "resolution": "720p", "references": cast, **facts}
    return SceneRequest(model=model("toapis", family), prompt=prompt, seconds=seconds, **wanted)


def order(part: int, request: SceneRequest, prompt: str | None = None) -> ExpectedOrder:
    """`prompt` is ours where media cannot be cited: it says besides who is on which picture."""
    mine: dict[str, Any] = {"theirs": frozenset({"prompt"}), "ours": {"prompt": prompt}} if prompt else {}
    return ExpectedOrder(
        fixture="living.requests", part=str(part), endpoint="v1/videos/generations", request=request, **mine
    )


PICTURED = "\nReference image 1 shows Mara."
ORDERS = [
    order(
        0,
        scene("seedance-2.5", "Mara climbs the stairs and speaks the line of audio 1", 9, MARA, fields=LINE),
    ),
    order(1, scene("seedance-2.5", "She turns", 8, **FIRST, **LAST)),
    order(3, scene("kling-v3", "The woman waves", 5, MARA, resolution="1080p"), "The woman waves" + PICTURED),
    order(4, scene("kling-o3", "Mara waves", 5, MARA)),
    order(5, scene("happyhorse", "The woman waves", 5, MARA), "The woman waves" + PICTURED),
    order(6, scene("gemini-omni-flash", "The woman waves", 6, MARA, aspect="9:16"), "The woman waves" + PICTURED),
]
