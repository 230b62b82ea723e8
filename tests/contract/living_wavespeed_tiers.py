"""WaveSpeed's living models, mode by mode: the body that the contract's rows give each endpoint without a fixture."""

from collections.abc import Iterator, Mapping
from typing import Any

from cases import ExpectedOrder
from living_wavespeed import FIRST, HOST, LAST, MARA, ROW, scene

from prefect_storyboard.providers.protocol import Reference

Body = Mapping[str, Any]
WAVES, ROWS = "Mara waves", "Mara rows as in Otto"
BOTH = {**FIRST, **LAST}
START, END, PICTURE, CLIP = f"{HOST}/first.png", f"{HOST}/last.png", f"{HOST}/mara.png", f"{HOST}/row.mp4"
WIDE, SOUND = {"aspect_ratio": "16:9"}, {"generate_audio": True}


def row(endpoint: str, body: Body, family: str, *cast: Reference, **facts: Any) -> ExpectedOrder:
    """A scene of one sentence, by its length in the body."""
    prompt = facts.pop("says", WAVES)
    request = scene(family, prompt, int(body["duration"]), *cast, **facts)
    return ExpectedOrder(endpoint=endpoint, body={"prompt": WAVES, **body}, request=request)


def seedance(family: str, paths: tuple[str, str], seconds: int, **sound: Any) -> Iterator[ExpectedOrder]:
    """Seedance's modes: references are fields of text-to-video, the length is a number."""
    body = {"duration": seconds, "resolution": "1080p", **sound}
    said = {"resolution": "1080p"}
    yield row(paths[0], {**body, **WIDE}, family, **said)
    yield row(paths[1], {**body, "image": START, "last_image": END}, family, **BOTH, **said)
    shown = {"prompt": "@Image1 rows as in @Video1", "reference_images": [PICTURE], "reference_videos": [CLIP]}
    yield row(paths[0], {**body, **WIDE, **shown}, family, MARA, ROW, says=ROWS, **said)


def kling(family: str, tier: str) -> Iterator[ExpectedOrder]:
    """Kling O3, silent: the tier is its resolution."""
    path, body = f"kwaivgi/kling-video-o3-{tier}", {"duration": 15, "sound": False}
    yield row(f"{path}/text-to-video", {**body, **WIDE}, family, audio=False)
    yield row(f"{path}/image-to-video", {**body, "image": START, "end_image": END}, family, **BOTH, audio=False)
    shown = {"prompt": "@Image1 waves", "images": [PICTURE], "shot_type": "customize"}
    yield row(f"{path}/reference-to-video", {**body, **WIDE, **shown}, family, MARA, audio=False)


def wan(family: str, path: str) -> Iterator[ExpectedOrder]:
    """Wan 3.0: its switch for the sound is generate_audio, and no last frame is certain."""
    body = {"duration": 2, "resolution": "480p", "generate_audio": False, "seed": 7}
    said = {"resolution": "480p", "audio": False, "seed": 7}
    yield row(f"{path}/text-to-video", {**body, **WIDE}, family, **said)
    yield row(f"{path}/image-to-video", {**body, "image": START}, family, **FIRST, **said)
    shown = {"prompt": "Image1 rows as in Video1", "reference_images": [PICTURE], "reference_videos": [CLIP]}
    yield row(f"{path}/reference-to-video", {**body, **WIDE, **shown}, family, MARA, ROW, says=ROWS, **said)


def others() -> Iterator[ExpectedOrder]:
    """H3 with open weights, and Vidu Q3, which has an endpoint of its own for two frames."""
    path, body, said = "wavespeed-ai/minimax-h3", {"duration": 3, "resolution": "480p"}, {"resolution": "480p"}
    yield row(f"{path}/text-to-video", {**body, **WIDE}, "minimax-h3", **said)
    yield row(f"{path}/image-to-video", {**body, "image": START, "last_image": END}, "minimax-h3", **BOTH, **said)
    body = {"duration": 16, "resolution": "1080p", "generate_audio": False, "seed": 7}
    said = {"resolution": "1080p", "audio": False, "seed": 7}
    yield row("vidu/q3/image-to-video", {**body, "image": START}, "vidu-q3", **FIRST, **said)
    two = {**body, "image": START, "last_image": END}
    yield row("vidu/q3/start-end-to-video", two, "vidu-q3", **BOTH, **said)


def older(endpoint: str, family: str, sent: str, **ours: Any) -> ExpectedOrder:
    """A body of the older contract, which leaves fields to the gateway's default that we always send."""
    fox = Reference(character="The fox", image_urls=(f"{HOST}/a.png",))
    return ExpectedOrder(
        fixture="reference-models.requests",
        part=endpoint,
        endpoint=endpoint,
        request=scene(family, "The fox runs", 5, fox),
        theirs=frozenset({"prompt"}),
        ours={"prompt": sent, **WIDE, **ours},
    )


S20, S25 = "bytedance/seedance-2.0", "bytedance/seedance-2.5"
ORDERS = [
    *seedance("seedance-2", (f"{S20}/text-to-video", f"{S20}/image-to-video"), 15),
    *seedance("seedance-2-fast", (f"{S20}-fast/text-to-video", f"{S20}-fast/image-to-video"), 15),
    *seedance("seedance-2-mini", (f"{S20}-mini/text-to-video", f"{S20}-mini/image-to-video"), 15),
    *seedance("seedance-2.5-turbo", (f"{S25}/text-to-video-turbo", f"{S25}/image-to-video-turbo"), 30, **SOUND),
    *kling("kling-o3", "pro"),
    *kling("kling-o3-standard", "std"),
    *kling("kling-o3-4k", "4k"),
    *wan("wan-3", "alibaba/wan-3.0"),
    *wan("wan-3-prime", "alibaba/wan-3.0-prime"),
    *others(),
    older("alibaba/wan-3.0/reference-to-video", "wan-3", "Image1 runs", **SOUND),
]
# Printed by the contract, and not sent by us.
NOT_SENT = {
    "kwaivgi/kling-v4.0/video-extend": "a scene continues another from its last frame, with any model",
    "kwaivgi/kling-elements-advanced": "elements are made beforehand; our characters are shown with each scene",
    "kwaivgi/kling-video-o3-pro/image-to-video": "the older one has elements, which we do not make; the later one is sent",
}
