"""The canonical bodies of stills, and the drawings of ours that become them; what is printed and not sold says why."""

from typing import Any, NamedTuple

from prefect_storyboard.providers.images import image_model
from prefect_storyboard.providers.orders import StillRequest
from prefect_storyboard.storyboards import StillReference, drawing

BUS = "Image 1 is MIRA. Keep her face, hair and clothes. She stands at a rainy bus stop at night, medium shot, 35 mm, looking left."
SHEET = (
    "Character sheet of MIRA: large face at the left, then front, side and back view at equal height, plain light grey "
    "ground, even light, empty hands, no text"
)
LINKS = ("https://example.com/mira-sheet.png", "https://example.com/tom-sheet.png")


class Drawn(NamedTuple):
    """A drawing of ours, the fixture that it has to become, and where in it."""

    provider: str
    fixture: str
    part: Any
    endpoint: str
    request: StillRequest


def asked(provider: str, model: str, prompt: str, pictures: int, **facts: Any) -> StillRequest:
    """`pictures` nameless references: the canonical prompts cite them themselves."""
    job_key = facts.pop("job_key", "")
    references = [StillReference(fingerprint=link) for link in LINKS[:pictures]]
    drawn = drawing(prompt, image_model(provider, model), references=references, **facts)
    return StillRequest(drawing=drawn, pictures=tuple((link,) for link in LINKS[:pictures]), job_key=job_key)


def edit(provider: str, part: Any, endpoint: str, model: str, prompt: str = BUS, **facts: Any) -> Drawn:
    return Drawn(provider, "still-bodies.requests", part, endpoint, asked(provider, model, prompt, 2, **facts))


def sheet(provider: str, part: Any, endpoint: str, model: str, **facts: Any) -> Drawn:
    return Drawn(provider, "still-bodies.requests", part, endpoint, asked(provider, model, SHEET, 0, **facts))


NANO = "nano-banana-2.1"
DRAWN = [
    Drawn("fal", "still-sheet.request", None, "google/nano-banana-2.1", asked("fal", NANO, SHEET, 0, seed=7)),
    Drawn("fal", "still-edit.request", None, "google/nano-banana-2.1/edit", asked("fal", NANO, BUS, 2)),
    edit("fal", "bytedance/seedream/v5/pro/edit", "bytedance/seedream/v5/pro/edit", "seedream-5-pro"),
    edit("fal", "openai/gpt-image-2.5/sunburst/edit", "openai/gpt-image-2.5/sunburst/edit", "gpt-image-2.5"),
    edit("fal", "fal-ai/flux-2-pro/edit", "fal-ai/flux-2-pro/edit", "flux-2-pro", "image 1 is MIRA. She stands at a rainy bus stop", seed=7),
    edit("fal", "fal-ai/kling-image/o3/image-to-image", "fal-ai/kling-image/o3/image-to-image", "kling-image-o3", "@Image1 stands at a rainy bus stop", resolution="2K"),
    edit("fal", "fal-ai/qwen-image-edit-2511", "fal-ai/qwen-image-edit-2511", "qwen-edit", seed=7),
    Drawn("kie", "still-edit.request", None, "nano-banana-2-1", asked("kie", NANO, BUS, 2)),
    sheet("kie", 0, "nano-banana-2-1", NANO),
    sheet("kie", 3, "seedream/5-pro-text-to-image", "seedream-5-pro"),
    edit("kie", 4, "seedream/5-pro-image-to-image", "seedream-5-pro", resolution="2K"),
    sheet("kie", 6, "gpt-image-2-5-sunburst-text-to-image", "gpt-image-2.5"),
    edit("kie", 7, "gpt-image-2-5-sunburst-image-to-image", "gpt-image-2.5"),
    edit("kie", 8, "flux-2/pro-image-to-image", "flux-2-pro"),
    edit("kie", 10, "qwen3/image-to-image", "qwen-edit", aspect="auto"),
    Drawn("wavespeed", "still-edit.request", None, "google/nano-banana-2.1/edit", asked("wavespeed", NANO, BUS, 2)),
    sheet("wavespeed", "google/nano-banana-2.1/text-to-image", "google/nano-banana-2.1/text-to-image", NANO),
    edit("wavespeed", "bytedance/seedream-v5.0-pro/edit", "bytedance/seedream-v5.0-pro/edit", "seedream-5-pro", resolution="2K"),
    edit("wavespeed", "openai/gpt-image-2.5-sunburst/edit", "openai/gpt-image-2.5-sunburst/edit", "gpt-image-2.5"),
    edit("wavespeed", "wavespeed-ai/flux-2-pro/edit", "wavespeed-ai/flux-2-pro/edit", "flux-2-pro", aspect="auto"),
    Drawn("toapis", "still-submit.request", None, "v1/images/generations", asked("toapis", "gpt-image-2.5", BUS, 2, job_key="s1-still-1")),
    sheet("toapis", 0, "v1/images/generations", "gpt-image-2.5-flare"),
    edit("toapis", 5, "v1/images/generations", "seedream-5-pro", resolution="2K"),
]  # fmt: skip
_OLDER, _OTHER = "an older model of a family that is sold", "not among the six models"
NOT_SENT: dict[str, dict[Any, str]] = {
    "fal": {"blackforestlabs/flux-3/edit-image": _OTHER, "fal-ai/kling-image/o1": _OLDER},
    "kie": {1: _OLDER, 2: _OLDER, 5: _OLDER, 9: _OTHER, 11: _OTHER},
    "wavespeed": {"bytedance/seedream-v4.5/edit": _OLDER},
    "toapis": {1: "its prices are by tokens, its sizes in pixels", 2: _OLDER, 3: "its maker has shut it", 4: _OLDER},
}
