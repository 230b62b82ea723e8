"""fal's living models: each canonical body of the contract, and the request of ours that becomes it."""

from typing import Any

from cases import ExpectedOrder

from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model

CDN = "https://v3.fal.media/files/b/fixture"
FIRST, LAST = {"image_url": f"{CDN}/first.png"}, {"last_frame_url": f"{CDN}/last.png"}
MARA = Reference(character="Mara", image_urls=(f"{CDN}/mara.png",))
WALK = Reference(character="Otto", clip_url=f"{CDN}/walk.mp4")
PAIR = Reference(character="Mara", image_urls=(f"{CDN}/mara.png", f"{CDN}/mara-side.png"))
SOUND = {"generate_audio": True}


def scene(family: str, prompt: str, seconds: int, *cast: Reference, **facts: Any) -> SceneRequest:
    wanted = {"aspect": "16:9", "resolution": "720p", "references": cast, **facts}
    return SceneRequest(model=model("fal", family), prompt=prompt, seconds=seconds, **wanted)


def order(fixture: str, endpoint: str, request: SceneRequest, **differences: Any) -> ExpectedOrder:
    return ExpectedOrder(fixture=fixture, part=endpoint, endpoint=endpoint, request=request, **differences)


def says(prompt: str) -> dict[str, Any]:
    """Where media cannot be cited, our prompt says besides who is on which picture."""
    return {"theirs": frozenset({"prompt"}), "ours": {"prompt": prompt}}


S25, S20, O3 = "bytedance/seedance-2.5", "bytedance/seedance-2.0", "fal-ai/kling-video/o3/pro"
VEO, H3 = "fal-ai/veo3.1", "minimax/h3"
SEEDANCE = [
    order("seedance-2-5.requests", f"{S25}/text-to-video", scene("seedance-2.5", "A lighthouse at dusk", 8)),
    order(
        "seedance-2-5.requests",
        f"{S25}/image-to-video",
        scene("seedance-2.5", "She turns to the sea", 8, **FIRST, **LAST),
    ),
    order(
        "seedance-2-5.requests",
        f"{S25}/reference-to-video",
        scene(
            "seedance-2.5",
            "Mara climbs the stairs and says the line of @Audio1, moving as in Otto",
            12,
            MARA,
            WALK,
            resolution="1080p",
            fields={"audio_urls": [f"{CDN}/line.mp3"]},
        ),
    ),
    order("seedance-2.requests", f"{S20}/text-to-video", scene("seedance-2", "A lighthouse at dusk", 5)),
    order(
        "seedance-2.requests",
        f"{S20}/image-to-video",
        scene(
            *("seedance-2", "She turns to the sea", 5),
            **FIRST,
            **LAST,
            resolution="1080p",
            fields={"bitrate_mode": "standard"},
        ),
    ),
    order(
        "seedance-2.requests",
        f"{S20}/mini/reference-to-video",
        scene("seedance-2-mini", "Mara waves", 4, MARA, resolution="480p", aspect="9:16"),
    ),
]
TABLE = {"image_urls": [f"{CDN}/table.png"]}
JOE = Reference(character="Joe", image_urls=(f"{CDN}/joe.png", f"{CDN}/joe-side.png"))
KLING = [
    order("kling-o3.requests", f"{O3}/text-to-video", scene("kling-o3", "A fox crosses a frozen lake", 5)),
    order("kling-o3.requests", f"{O3}/image-to-video", scene("kling-o3", "The fox looks up", 5, **FIRST, **LAST)),
    order(
        "kling-o3.requests",
        f"{O3}/reference-to-video",
        scene("kling-o3", "Mara enters", 7, PAIR, **FIRST, fields={"shot_type": "customize"}),
        theirs=frozenset({"multi_prompt"}),  # a scene is one shot
        ours={"prompt": "@Element1 enters"},
    ),
    order(
        "kling-o3.requests",
        "fal-ai/kling-video/v3/pro/image-to-video",
        scene(
            *("kling-v3", "Mara looks up", 5, PAIR),
            **FIRST,
            negative="blur, distort, and low quality",
            fields={"cfg_scale": 0.5},
        ),
    ),
    order("kling-v4.requests", "kling/v4/text-to-video", scene("kling-4", "A fox crosses a frozen lake", 8)),
    order(
        "kling-v4.requests",
        "kling/v4/image-to-video",
        scene("kling-4", "The fox looks up", 8, **FIRST, **LAST, resolution="1080p"),
    ),
    order(
        "kling-v4.requests",
        "kling/v4/reference-to-video",
        scene("kling-4", "Mara and Joe dine at the table of @Image1", 10, PAIR, JOE, fields=TABLE),
    ),
]
TRAM = "The woman in the red coat boards the tram"
VEOS = [
    order("veo-3-1.requests", VEO, scene("veo-3.1", "A tram in the rain", 6, seed=7, negative="text")),
    order(
        "veo-3-1.requests",
        f"{VEO}/image-to-video",
        scene("veo-3.1", "The tram stops", 4, **FIRST, aspect="auto", resolution="1080p"),
    ),
    order(
        "veo-3-1.requests",
        f"{VEO}/first-last-frame-to-video",
        scene("veo-3.1", "Day becomes night", 8, **FIRST, **LAST),
    ),
    order(
        "veo-3-1.requests",
        f"{VEO}/fast/reference-to-video",
        scene("veo-3.1-fast", TRAM, 8, MARA),
        **says(f"{TRAM}\nReference image 1 shows Mara."),
    ),
]
OTHERS = [
    order(
        "other-living.requests",
        f"{H3}/reference-to-video",
        scene("minimax-h3", "Mara walks as in Otto", 6, MARA, WALK, resolution="2k"),
    ),
    order(
        "other-living.requests",
        "minimax/h3-max/reference-to-video",
        scene(
            *("minimax-h3-max", "Mara speaks the line of Audio 1", 6, MARA),
            resolution="768p",
            fields={"reference_audio_urls": [f"{CDN}/line.mp3"]},
        ),
    ),
    order(
        "other-living.requests",
        f"{H3}/image-to-video",
        scene("minimax-h3", "She turns", 6, **FIRST, **LAST, resolution="2k"),
    ),
    order(
        "other-living.requests",
        "alibaba/wan-3.0/reference-to-video",
        scene("wan-3", "Mara rows a boat", 10, MARA),
    ),
    order(
        "other-living.requests",
        "fal-ai/wan/v2.7/image-to-video",
        scene("wan-2.7", "She turns", 5, **FIRST, **LAST, resolution="1080p"),
    ),
    order(
        "other-living.requests",
        "google/gemini-omni-flash/v1.1/reference-to-video",
        scene("gemini-omni-flash", "The woman of the first image rows a boat", 8, MARA),
        **says("The woman of the first image rows a boat\nReference image 1 shows Mara."),
    ),
    order(
        "other-living.requests",
        "xai/grok-imagine-video/v1.5/reference-to-video",
        scene("grok-imagine", "Mara rows a boat", 8, MARA),
    ),
    order(
        "other-living.requests",
        "fal-ai/vidu/q3/reference-to-video/mix",
        scene("vidu-q3", "The woman rows a boat", 5, MARA),
        **says("The woman rows a boat\nReference image 1 shows Mara."),
    ),
    order(
        "other-living.requests",
        "alibaba/happy-horse/v1.1/reference-to-video",
        scene("happyhorse", "Mara rows a boat", 5, MARA, resolution="1080p"),
    ),
]
ORDERS = [*SEEDANCE, *KLING, *VEOS, *OTHERS]
