"""fal's living models, mode by mode: the body that the contract's rows give each endpoint of which no fixture is printed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cases import ExpectedOrder
from living_fal import CDN, FIRST, LAST, MARA, PAIR, SOUND, WALK, scene

from prefect_storyboard.providers.protocol import Reference

Body = Mapping[str, Any]
WAVES = "Mara waves"
ENDS = {"image_url": f"{CDN}/first.png", "end_image_url": f"{CDN}/last.png"}
ELEMENTS = [{"frontal_image_url": f"{CDN}/mara.png", "reference_image_urls": [f"{CDN}/mara-side.png"]}]
WIDE = {"aspect_ratio": "16:9"}
BOTH = {**FIRST, **LAST}


def row(endpoint: str, body: Body, family: str, *cast: Reference, **facts: Any) -> ExpectedOrder:
    """A scene of one sentence, by its length in the body."""
    prompt, seconds = facts.pop("says", WAVES), int(str(body["duration"]).removesuffix("s"))
    return ExpectedOrder(
        endpoint=endpoint, body={"prompt": WAVES, **body}, request=scene(family, prompt, seconds, *cast, **facts)
    )


def seedance(family: str, path: str, seconds: str, *modes: str, **image: Any) -> Iterator[ExpectedOrder]:
    """Seedance's modes; `image` is what it says of the shape beside a first frame."""
    body = {"duration": seconds, "resolution": "480p", **SOUND}
    small = {"resolution": "480p"}
    if "text" in modes:
        yield row(f"{path}/text-to-video", {**body, **WIDE}, family, **small)
    if "image" in modes:
        yield row(f"{path}/image-to-video", {**body, **ENDS, **image}, family, **BOTH, **small)
    if "reference" in modes:
        shown = {"prompt": "@Image1 waves like @Video1", "image_urls": [f"{CDN}/mara.png"]}
        clip = {"video_urls": [f"{CDN}/walk.mp4"]}
        yield row(
            f"{path}/reference-to-video",
            {**body, **WIDE, **shown, **clip},
            family,
            *(MARA, WALK),
            says="Mara waves like Otto",
            **small,
        )


def kling(family: str, path: str, *modes: str) -> Iterator[ExpectedOrder]:
    """Kling O3 and 3.0, whose tier is its resolution."""
    body = {"duration": "10", **SOUND}
    if "text" in modes:
        yield row(f"{path}/text-to-video", {**body, **WIDE}, family)
    if "image" in modes:
        yield row(f"{path}/image-to-video", {**body, **ENDS}, family, **BOTH)
    if "start" in modes:
        start = {"start_image_url": f"{CDN}/first.png", "end_image_url": f"{CDN}/last.png", "negative_prompt": "text"}
        shown = {"prompt": "@Element1 waves", "elements": ELEMENTS}
        yield row(f"{path}/image-to-video", {**body, **start, **shown}, family, PAIR, **BOTH, negative="text")
    if "reference" in modes:
        shown = {"prompt": "@Element1 waves", "elements": ELEMENTS, "end_image_url": f"{CDN}/last.png"}
        first = {"start_image_url": f"{CDN}/first.png"}
        yield row(f"{path}/reference-to-video", {**body, **WIDE, **shown, **first}, family, PAIR, **BOTH)


def veo(family: str, path: str) -> Iterator[ExpectedOrder]:
    """Veo 3.1 without characters: lengths with an s, and an endpoint of its own for two frames."""
    body = {"duration": "6s", "resolution": "1080p", "generate_audio": False, "seed": 7, "negative_prompt": "text"}
    said = {"resolution": "1080p", "audio": False, "seed": 7, "negative": "text"}
    yield row(path, {**body, **WIDE}, family, **said)
    first, last = {"image_url": f"{CDN}/first.png"}, {"last_frame_url": f"{CDN}/last.png"}
    yield row(
        f"{path}/image-to-video", {**body, "aspect_ratio": "auto", **first}, family, **FIRST, **said, aspect="auto"
    )
    both = {"first_frame_url": f"{CDN}/first.png", **last}
    yield row(f"{path}/first-last-frame-to-video", {**body, **WIDE, **both}, family, **BOTH, **said)


def h3() -> Iterator[ExpectedOrder]:
    """MiniMax H3: lengths are numbers, resolutions have a capital letter; h3-max insists on a mode of expansion."""
    yield row(
        "minimax/h3/text-to-video", {"duration": 5, "resolution": "480P", **WIDE}, "minimax-h3", resolution="480p"
    )
    body = {"duration": 15, "resolution": "768P", "prompt_expansion_mode": "balanced", "seed": 7}
    said = {"resolution": "768p", "seed": 7}
    yield row("minimax/h3-max/text-to-video", {**body, **WIDE}, "minimax-h3-max", **said)
    yield row("minimax/h3-max/image-to-video", {**body, **ENDS}, "minimax-h3-max", **BOTH, **said)


def wan() -> Iterator[ExpectedOrder]:
    """Wan 3.0 by a client's table, and 2.7, whose prompt describes its subjects."""
    start = {"start_image_url": f"{CDN}/first.png", "end_image_url": f"{CDN}/last.png"}
    pictures = {"reference_image_urls": [f"{CDN}/mara.png"]}
    body = {"duration": 30, "resolution": "1080p"}
    for family, path in (("wan-3", "alibaba/wan-3.0"), ("wan-3-prime", "alibaba/wan-3.0-prime")):
        yield row(f"{path}/text-to-video", {**body, **WIDE}, family, resolution="1080p")
        yield row(f"{path}/image-to-video", {**body, **start}, family, **BOTH, resolution="1080p")
        shown = {"prompt": "Image 1 waves", **pictures}
        yield row(f"{path}/reference-to-video", {**body, **WIDE, **shown}, family, MARA, resolution="1080p")
    path, said = "fal-ai/wan/v2.7", {"resolution": "1080p", "seed": 7, "negative": "text"}
    facts = {"resolution": "1080p", "seed": 7, "negative_prompt": "text"}
    yield row(f"{path}/text-to-video", {"duration": 15, **WIDE, **facts}, "wan-2.7", **said)
    told = {"prompt": f"{WAVES}\nReference image 1 shows Mara.", **pictures}
    yield row(f"{path}/reference-to-video", {"duration": 10, **WIDE, **facts, **told}, "wan-2.7", MARA, **said)


def others() -> Iterator[ExpectedOrder]:
    """Omni 1.1, both Groks and Vidu Q3: lengths are numbers."""
    path, said = "google/gemini-omni-flash/v1.1", {"resolution": "1080p", "aspect": "9:16"}
    body = {"duration": 10, "resolution": "1080p", "aspect_ratio": "9:16"}
    yield row(f"{path}/text-to-video", body, "gemini-omni-flash", **said)
    yield row(f"{path}/image-to-video", {**body, **ENDS}, "gemini-omni-flash", **BOTH, **said)
    body, first = {"duration": 15, "resolution": "480p"}, {"image_url": f"{CDN}/first.png"}
    for family, path in (
        ("grok-imagine", "xai/grok-imagine-video/v1.5"),
        ("grok-imagine-1", "xai/grok-imagine-video"),
    ):
        yield row(f"{path}/text-to-video", {**body, **WIDE}, family, resolution="480p")
        yield row(f"{path}/image-to-video", {**body, **first}, family, **FIRST, resolution="480p")
    pictures = {"prompt": "@Image1 waves", "reference_image_urls": [f"{CDN}/mara.png"]}
    yield row(f"{path}/reference-to-video", {**body, **WIDE, **pictures}, "grok-imagine-1", MARA, resolution="480p")
    body = {"duration": 16, "resolution": "540p", "audio": False, "seed": 7}
    said = {"resolution": "540p", "audio": False, "seed": 7}
    yield row("fal-ai/vidu/q3/text-to-video", {**body, **WIDE}, "vidu-q3", **said)
    yield row("fal-ai/vidu/q3/image-to-video", {**body, **ENDS}, "vidu-q3", **BOTH, **said)


def older(endpoint: str, family: str, says: str, sent: str, seconds: int, **ours: Any) -> ExpectedOrder:
    """A body of the older contract, which leaves fields to the gateway's default that we always send."""
    fox = Reference(character="Fox", image_urls=(f"{CDN}/a.png",))
    return ExpectedOrder(
        fixture="reference-models.requests",
        part=endpoint,
        endpoint=endpoint,
        request=scene(family, says, seconds, fox, resolution=ours.pop("resolution", "720p")),
        theirs=frozenset({"prompt"}),
        ours={"prompt": sent, **WIDE, **ours},
    )


def fox() -> Iterator[ExpectedOrder]:
    """Those of the models that still live."""
    snow, shows = "Fox runs in the snow", "Fox runs in the snow\nReference image 1 shows Fox."
    yield older("fal-ai/vidu/q3/reference-to-video/mix", "vidu-q3", snow, shows, 5, audio=True)
    yield older("fal-ai/wan/v2.7/reference-to-video", "wan-2.7", snow, shows, 5, resolution="1080p")
    yield older("minimax/h3/reference-to-video", "minimax-h3", snow, "Image 1 runs in the snow", 5, resolution="2k")
    grok = older("xai/grok-imagine-video/reference-to-video", "grok-imagine-1", snow, "@Image1 runs in the snow", 8)
    yield replace(grok, ours={**grok.ours, "resolution": "720p"})


S20, S25, O3, V3 = "bytedance/seedance-2.0", "bytedance/seedance-2.5", "fal-ai/kling-video/o3", "fal-ai/kling-video/v3"
ALL, AUTO = ("text", "image", "reference"), {"aspect_ratio": "auto"}
ORDERS = [
    *seedance("seedance-2-fast", f"{S20}/fast", "15", *ALL, **AUTO),
    *seedance("seedance-2-mini", f"{S20}/mini", "15", "text", "image", **AUTO),
    *seedance("seedance-2.5-flash", f"{S25}/flash", "30", *ALL),
    *kling("kling-o3-standard", f"{O3}/standard", *ALL),
    *kling("kling-o3-4k", f"{O3}/4k", *ALL),
    *kling("kling-v3", f"{V3}/pro", "text"),
    *kling("kling-v3-standard", f"{V3}/standard", "text", "start"),
    *kling("kling-v3-4k", f"{V3}/4k", "text", "start"),
    *veo("veo-3.1-fast", "fal-ai/veo3.1/fast"),
    *veo("veo-3.1-lite", "fal-ai/veo3.1/lite"),
    *h3(),
    *wan(),
    *others(),
    *fox(),
]
# Printed by the contract, and not sent by us.
NOT_SENT = {
    "kling/v4/video-to-video/edit": "a storyboard edits no finished video but by Sora's remix",
    "fal-ai/kling-video/o3/pro/video-to-video/edit": "a storyboard edits no finished video but by Sora's remix",
    "fal-ai/veo3.1/extend-video": "a scene continues another from its last frame, with any model",
    "fal-ai/pixverse/c1/reference-to-video": "not in the table: no price of it is published",
    "google/gemini-omni-flash/reference-to-video": "Omni 1.0 is not in the table: 1.1 is",
}
