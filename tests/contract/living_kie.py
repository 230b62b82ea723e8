"""Kie's living models: each canonical body of the contract, and the request of ours that becomes it."""

from typing import Any

from cases import ExpectedOrder, canonical

from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model

HOST = "https://example.com"
FIRST, LAST = {"image_url": f"{HOST}/first.png"}, {"last_frame_url": f"{HOST}/last.png"}
MARA = Reference(character="Mara", image_urls=(f"{HOST}/mara.png",))
NAMED = Reference(
    character="Mara", image_urls=(f"{HOST}/mara.png", f"{HOST}/mara-side.png"), description="woman in a red coat"
)


def scene(family: str, prompt: str, seconds: int, *cast: Reference, **facts: Any) -> SceneRequest:
    wanted = {"aspect": "16:9", "resolution": "720p", "references": cast, **facts}
    return SceneRequest(model=model("kie", family), prompt=prompt, seconds=seconds, **wanted)


def order(fixture: str, part: int, request: SceneRequest, **differences: Any) -> ExpectedOrder:
    endpoint = canonical("kie", fixture)[part]["model"]
    return ExpectedOrder(fixture=fixture, part=str(part), endpoint=endpoint, request=request, **differences)


def said(fixture: str, part: int, **changes: Any) -> dict[str, Any]:
    """The fixture's input with what is ours: where media cannot be cited, the prompt says who is on which picture."""
    body = canonical("kie", fixture)[part]["input"]
    return {"theirs": frozenset({"input"}), "ours": {"input": {**body, **changes}}}


TURNS = {**FIRST, **LAST}
PICTURED = "\nReference image 1 shows Mara."
STREET = "The woman of the picture walks down the street"
ROWS = "The woman rows a boat"
BOARDS = "The woman boards the tram"
OPTIONS = {
    "callBackUrl": f"{HOST}/hook",
    "return_last_frame": False,
    "reference_audio_urls": [f"{HOST}/line.mp3"],
}
ORDERS = [
    order(
        *("seedance-2-5.requests", 0),
        scene("seedance-2.5", "Mara climbs the stairs and speaks the line of @Audio1", 9, MARA, fields=OPTIONS),
    ),
    order("seedance-2-5.requests", 1, scene("seedance-2.5", "She turns to the sea", 8, **TURNS)),
    order("seedance-2-5.requests", 2, scene("seedance-2.5", "A lighthouse at dusk", 5, resolution="480p")),
    order(
        *("kling-3.requests", 0),
        scene("kling-v3", "Mara walks through the market", 5, NAMED, **FIRST, resolution="1080p"),
    ),
    order(
        *("kling-3.requests", 1),
        scene("kling-o3", STREET, 5, MARA),
        **said("kling-3.requests", 1, prompt=STREET + PICTURED),
    ),
    order("kling-3.requests", 2, scene("kling-o3", "She turns", 5, **TURNS, audio=False)),
    order(
        *("veo-3-1.requests", 0),
        scene("veo-3.1", BOARDS, 8, MARA),
        **said("veo-3-1.requests", 0, prompt=BOARDS + PICTURED),
    ),
    order(
        *("omni-character.requests", 1),
        scene("gemini-omni-flash", "Mara rows a boat", 8, fields={"character_ids": ["char_fixture"]}),
    ),
    order("other-living.requests", 0, scene("minimax-h3", "Mara rows a boat", 6, MARA, resolution="768p")),
    order("other-living.requests", 1, scene("minimax-h3", "She turns", 6, **TURNS, resolution="2k")),
    order("other-living.requests", 2, scene("wan-3", "Mara rows a boat", 10, MARA)),
    order(
        *("other-living.requests", 3),
        scene("wan-2.7", ROWS, 5, MARA, **FIRST),
        **said("other-living.requests", 3, prompt=ROWS + PICTURED, aspect_ratio="16:9"),
    ),
    order(
        *("other-living.requests", 4),
        scene("grok-imagine", "Mara rows a boat", 8, MARA, resolution="480p"),
        **said("other-living.requests", 4, prompt="Mara rows a boat" + PICTURED),
    ),
    order("other-living.requests", 5, scene("happyhorse", "Mara rows a boat", 5, MARA, resolution="1080p")),
    order("other-living.requests", 6, scene("pixverse-6", "Mara rows a boat", 5, MARA)),
]
ELSEWHERE = {
    "seedance-2-5-result.decoded": "decoded in cases/kie.py: LIVING",
    "omni-character.response": "its characters are not made ahead: pictures go along with every scene",
}
