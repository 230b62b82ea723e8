"""WaveSpeed's living models: each canonical body of the contract, and the request of ours that becomes it."""

from typing import Any

from cases import ExpectedOrder

from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model

HOST = "https://example.com"
FIRST, LAST = {"image_url": f"{HOST}/first.png"}, {"last_frame_url": f"{HOST}/last.png"}
MARA = Reference(character="Mara", image_urls=(f"{HOST}/mara.png",))
ROW = Reference(character="Otto", clip_url=f"{HOST}/row.mp4")


def scene(family: str, prompt: str, seconds: int, *cast: Reference, **facts: Any) -> SceneRequest:
    wanted = {"aspect": "16:9", "resolution": "720p", "references": cast, **facts}
    return SceneRequest(model=model("wavespeed", family), prompt=prompt, seconds=seconds, **wanted)


def order(endpoint: str, request: SceneRequest, **differences: Any) -> ExpectedOrder:
    return ExpectedOrder(fixture="living.requests", part=endpoint, endpoint=endpoint, request=request, **differences)


def veo(family: str, **mine: Any) -> ExpectedOrder:
    words = "A woman in a red coat"
    return ExpectedOrder(
        fixture="reference-models.requests",
        part="google/veo3.1/reference-to-video",
        endpoint=f"google/{family.replace('-', '', 1)}/reference-to-video",
        request=scene(family, words, 8, JANE, resolution="1080p", audio=False),
        theirs=frozenset({"prompt"}),
        ours={"prompt": f"{words}\nReference image 1 shows Jane.", **mine},
    )


JANE = Reference(character="Jane", image_urls=(f"{HOST}/a.png",))
ROWS = "The woman rows a boat"
ORDERS = [
    order("bytedance/seedance-2.5/text-to-video", scene("seedance-2.5", "Mara climbs the stairs", 8, MARA)),
    order("bytedance/seedance-2.5/image-to-video", scene("seedance-2.5", "She turns", 8, **FIRST, **LAST)),
    order("kwaivgi/kling-v4.0/text-to-video", scene("kling-4", "A fox crosses a frozen lake", 8)),
    order(
        "kwaivgi/kling-v4.0/image-to-video",
        scene("kling-4", "The fox looks up", 8, **FIRST, **LAST, resolution="1080p"),
    ),
    order(
        "kwaivgi/kling-v4.0/reference-to-video",
        scene(*("kling-4", "Mara rows a boat, moving as in Otto", 8, MARA, ROW), fields={"keep_original_sound": False}),
    ),
    order("kwaivgi/kling-video-o3-pro/reference-to-video", scene("kling-o3", "Mara waves", 5, MARA)),
    order("kwaivgi/kling-video-o3-pro/image-to-video", scene("kling-o3", "She waves", 5, **FIRST, **LAST)),
    order("alibaba/wan-3.0/reference-to-video", scene("wan-3", "Mara rows a boat", 8, MARA)),
    order(
        "wavespeed-ai/minimax-h3/reference-to-video",
        scene("minimax-h3", "Mara rows a boat", 5, MARA, resolution="768p", seed=-1),
    ),
    order(
        "vidu/q3/reference-to-video",
        scene("vidu-q3", ROWS, 5, MARA),
        theirs=frozenset({"prompt"}),  # media cannot be cited: ours says besides who is on which picture
        ours={"prompt": f"{ROWS}\nReference image 1 shows Mara."},
    ),
    veo("veo-3.1"),
    veo("veo-3.1-fast", aspect_ratio="16:9"),
]
