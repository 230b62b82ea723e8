"""ToAPIs' living models where the contract describes a body in its tables and prints none: each entry, each way to begin."""

from typing import Any

from cases import ExpectedOrder
from living_toapis import FIRST, LAST, MARA, PICTURED, scene

from prefect_storyboard.providers.protocol import Reference

HOST = "https://example.com"
FIRST_URL, LAST_URL, MARA_URL = f"{HOST}/first.png", f"{HOST}/last.png", f"{HOST}/mara.png"
BOTH = {**FIRST, **LAST}
MOVES = Reference(character="Otto", clip_url=f"{HOST}/otto.mp4")
PROMPT = {"prompt": "Mara waves"}
SHOWN = {"prompt": f"Mara waves{PICTURED}"}
FRAMES = [{"url": FIRST_URL, "role": "first_frame"}, {"url": LAST_URL, "role": "last_frame"}]
REFERENCE = [{"url": MARA_URL, "role": "reference_image"}]


def table(body: dict[str, Any], family: str, seconds: int, *cast: Reference, **facts: Any) -> ExpectedOrder:
    prompt = facts.pop("asked", "Mara waves")
    request = scene(family, prompt, seconds, *cast, **facts)
    return ExpectedOrder(endpoint="v1/videos/generations", body=body, request=request)


SEEDANCE = {"duration": 5, "aspect_ratio": "16:9", "resolution": "720p", "generate_audio": True}
KLING = {"mode": "pro", "duration": 5, "aspect_ratio": "16:9", "audio": False}
WAN = {"model": "wan3.0-video", "duration": 30, "aspect_ratio": "16:9", "resolution": "1080p"}
H3 = {"model": "MiniMax-H3", "duration": 6, "aspect_ratio": "16:9", "resolution": "2K"}
VEO = {"duration": 8, "aspect_ratio": "9:16"}
QUALITY, FAST = {"model": "Veo3.1-quality-official", **VEO}, {"model": "Veo3.1-fast-official", **VEO}
VIDU = {"model": "viduq3", "duration": 5, "aspect_ratio": "16:9", "resolution": "540p"}

ORDERS = [
    *(
        table({"model": name, **PROMPT, **SEEDANCE}, name, 5)
        for name in ("seedance-2", "seedance-2-fast", "seedance-2-mini")
    ),
    table({"model": "seedance-2", **PROMPT, **SEEDANCE, "image_with_roles": FRAMES}, "seedance-2", 5, **BOTH),
    table({"model": "seedance-2", **PROMPT, **SEEDANCE, "resolution": "4K"}, "seedance-2", 5, resolution="4k"),
    table(
        {
            "model": "seedance-2",
            "prompt": "image 1 meets video 1",
            **SEEDANCE,
            "image_with_roles": REFERENCE,
            "video_with_roles": [{"url": MOVES.clip_url, "role": "reference_video"}],
        },
        *("seedance-2", 5, MARA, MOVES),
        asked="Mara meets Otto",
    ),
    table({"model": "seedance-2-5", **PROMPT, **SEEDANCE, "duration": 30}, "seedance-2.5", 30),
    table({"model": "kling-v3", **PROMPT, **KLING, "metadata": {"negative_prompt": "blur"}}, "kling-v3", 5, resolution="1080p", audio=False, negative="blur"),
    table({"model": "kling-v3", **PROMPT, **KLING, "image_urls": [FIRST_URL, LAST_URL]}, "kling-v3", 5, resolution="1080p", audio=False, **BOTH),
    table({"model": "kling-v3-omni", **PROMPT, **KLING}, "kling-o3", 5, resolution="1080p", audio=False),
    table({**WAN, **PROMPT}, "wan-3", 30, resolution="1080p"),
    table({**WAN, **PROMPT, "image_with_roles": FRAMES}, "wan-3", 30, resolution="1080p", **BOTH),
    table({**WAN, **SHOWN, "reference_images": [MARA_URL]}, "wan-3", 30, MARA, resolution="1080p"),
    table({**H3, **PROMPT}, "minimax-h3", 6, resolution="2k"),
    table({**H3, **PROMPT, "aspect_ratio": "adaptive", "image_with_roles": FRAMES}, "minimax-h3", 6, resolution="2k", **BOTH),
    table({**H3, **SHOWN, "image_with_roles": REFERENCE}, "minimax-h3", 6, MARA, resolution="2k"),
    table({**QUALITY, **PROMPT, "metadata": {"resolution": "4K"}}, "veo-3.1", 8, aspect="9:16", resolution="4k"),
    table({**QUALITY, **PROMPT, "image_urls": [FIRST_URL], "metadata": {"resolution": "1080p", "lastFrame": LAST_URL}}, "veo-3.1", 8, aspect="9:16", resolution="1080p", **BOTH),
    table({**QUALITY, **SHOWN, "metadata": {"resolution": "720p", "referenceImages": [MARA_URL]}}, "veo-3.1", 8, MARA, aspect="9:16"),
    table({**FAST, **PROMPT, "image_urls": [FIRST_URL], "metadata": {"resolution": "720p"}}, "veo-3.1-fast", 8, aspect="9:16", **FIRST),
    table({**FAST, **SHOWN, "metadata": {"resolution": "720p", "referenceImages": [MARA_URL]}}, "veo-3.1-fast", 8, MARA, aspect="9:16"),
    table({"model": "happyhorse-1.1", **PROMPT, "duration": 15, "resolution": "1080P", "aspect_ratio": "16:9", "image_urls": [FIRST_URL]}, "happyhorse", 15, resolution="1080p", **FIRST),
    table({**VIDU, **SHOWN, "image_urls": [MARA_URL]}, "vidu-q3", 5, MARA, resolution="540p"),
    table({"model": "gemini-omni-flash", **PROMPT, "duration": 10, "aspect_ratio": "16:9", "resolution": "1080p"}, "gemini-omni-flash", 10, resolution="1080p"),
]  # fmt: skip
NOT_SENT = {("living.requests", 2): "scenes are generated: a storyboard has no word for more of the same clip"}
