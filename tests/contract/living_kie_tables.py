"""Kie's living models where the contract describes a body in its tables and prints none: each entry, each way to begin."""

from typing import Any

from cases import ExpectedOrder
from living_kie import FIRST, LAST, MARA, PICTURED, scene

from prefect_storyboard.providers.protocol import Reference

HOST = "https://example.com"
FIRST_URL, LAST_URL, MARA_URL = f"{HOST}/first.png", f"{HOST}/last.png", f"{HOST}/mara.png"
BOTH = {**FIRST, **LAST}
PROMPT = {"prompt": "Mara waves"}
SHOWN = {"prompt": f"Mara waves{PICTURED}"}
FRAMES = {"first_frame_url": FIRST_URL, "last_frame_url": LAST_URL}
MOVES = Reference(character="Otto", clip_url=f"{HOST}/otto.mp4")


def table(
    endpoint: str, body: dict[str, Any], family: str, seconds: int, *cast: Reference, **facts: Any
) -> ExpectedOrder:
    """`body` is the task's input."""
    prompt = facts.pop("asked", "Mara waves")
    return ExpectedOrder(
        endpoint=endpoint,
        body={"model": endpoint, "input": body},
        request=scene(family, prompt, seconds, *cast, **facts),
    )


SEEDANCE = {"generate_audio": True, "resolution": "720p", "aspect_ratio": "16:9", "duration": 5}
WAN = {"resolution": "720P", "aspect_ratio": "16:9", "duration": 10, "audio": True}
KLING = {
    "sound": True,
    "duration": "5",
    "aspect_ratio": "16:9",
    "mode": "pro",
    "multi_shots": False,
    "multi_prompt": [],
}
KLING_OMNI = {
    "customize_multi_shots": False,
    "audio": True,
    "resolution": "720p",
    "aspect_ratio": "16:9",
    "duration": 5,
    "elements": [],
}
VEO = {"aspect_ratio": "16:9", "resolution": "1080p", "duration": 4, "enable_translation": False}
OMNI = {"duration": "6", "aspect_ratio": "16:9", "resolution": "1080p"}
SHORT = {"aspect_ratio": "9:16", "resolution": "480p"}

ORDERS = [
    *(
        table(f"bytedance/{name}", {**PROMPT, **SEEDANCE}, name, 5)
        for name in ("seedance-2", "seedance-2-fast", "seedance-2-mini")
    ),
    table("bytedance/seedance-2", {**PROMPT, **SEEDANCE, **FRAMES}, "seedance-2", 5, **BOTH),
    table("bytedance/seedance-2-5", {**PROMPT, **SEEDANCE, "first_frame_url": FIRST_URL, "aspect_ratio": "adaptive"}, "seedance-2.5", 5, **FIRST),
    table(
        "bytedance/seedance-2-mini",
        {
            "prompt": "@Image1 meets @Video1",
            **SEEDANCE,
            **SHORT,
            "generate_audio": False,
            "reference_image_urls": [MARA_URL],
            "reference_video_urls": [MOVES.clip_url],
        },
        *("seedance-2-mini", 5, MARA, MOVES),
        asked="Mara meets Otto",
        aspect="9:16",
        resolution="480p",
        audio=False,
    ),
    table("kling-3.0/video", {**PROMPT, **KLING, "mode": "4K", "sound": False}, "kling-v3", 5, resolution="4k", audio=False),
    table("kling-3.0/video", {**PROMPT, **KLING, "image_urls": [FIRST_URL, LAST_URL]}, "kling-v3", 5, **BOTH, resolution="1080p"),
    table("kling-3.0-omni/text-to-video", {**PROMPT, **KLING_OMNI}, "kling-o3", 5),
    table("veo-3-1", {**PROMPT, **VEO, "generation_type": "TEXT_2_VIDEO"}, "veo-3.1", 4, resolution="1080p"),
    table(
        "veo-3-1",
        {**PROMPT, **VEO, "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO", "image_urls": [FIRST_URL, LAST_URL]},
        *("veo-3.1", 4),
        **BOTH,
        resolution="1080p",
    ),
    table("minimax-h3/text-to-video", {**PROMPT, "duration": 4, "resolution": "2K", "aspect_ratio": "21:9"}, "minimax-h3", 4, resolution="2k", aspect="21:9"),
    table("minimax-h3/image-to-video", {**PROMPT, "duration": 6, "resolution": "768P", "last_frame_url": LAST_URL}, "minimax-h3", 6, resolution="768p", **LAST),
    table(
        "minimax-h3/reference-to-video",
        {"prompt": "Image 1 meets Video 1", "duration": 6, "resolution": "768P", "aspect_ratio": "16:9", "reference_image_urls": [MARA_URL], "reference_video_urls": [MOVES.clip_url]},
        *("minimax-h3", 6, MARA, MOVES),
        asked="Mara meets Otto",
        resolution="768p",
    ),
    table("wan/3-0-video", {**PROMPT, **WAN, "seed": 7}, "wan-3", 10, seed=7),
    table("wan/3-0-video", {**PROMPT, **WAN, **FRAMES}, "wan-3", 10, **BOTH),
    table("wan/3-0-video-prime", {**PROMPT, **WAN, "audio": False}, "wan-3-prime", 10, audio=False),
    table(
        "wan/2-7-r2v",
        {**SHOWN, "resolution": "1080p", "aspect_ratio": "9:16", "duration": 10, "reference_image": [MARA_URL]},
        *("wan-2.7", 10, MARA),
        resolution="1080p",
        aspect="9:16",
    ),
    table("grok-imagine-video-1-5-preview", {**PROMPT, "resolution": "1080p", "aspect_ratio": "16:9", "duration": 15}, "grok-imagine", 15, resolution="1080p"),
    table(
        "pixverse-v6/reference-to-video",
        {
            "prompt": "@mara waves",
            "quality": "1080p",
            "aspect_ratio": "16:9",
            "duration": 15,
            "generate_audio_switch": False,
            "image_references": [{"image_url": MARA_URL, "type": "subject", "ref_name": "mara"}],
        },
        *("pixverse-6", 15, MARA),
        resolution="1080p",
        audio=False,
    ),
    table("google/gemini-omni-flash-1-1", {**PROMPT, **OMNI, "seed": 7}, "gemini-omni-flash", 6, resolution="1080p", seed=7),
    table("google/gemini-omni-flash-1-1", {**PROMPT, **OMNI, **FRAMES}, "gemini-omni-flash", 6, resolution="1080p", **BOTH),
    table("google/gemini-omni-flash-1-1", {**SHOWN, **OMNI, "image_urls": [MARA_URL]}, "gemini-omni-flash", 6, MARA, resolution="1080p"),
]  # fmt: skip
_OLDER = "an older page's form, without fields that the model's newer page requires or names"
NOT_SENT = {
    ("veo-3-1.requests", 1): "the older Veo endpoint: its answers are not in the contract",
    ("omni-character.requests", 0): "characters of Omni are not made ahead: pictures go along with every scene",
    **{("reference-models.requests", part): _OLDER for part in range(1, 8)},
}
