"""A judge of your own: a vision model checks four frames of every new clip. Any OpenAI-compatible API works.

export JUDGE_BASE_URL=http://127.0.0.1:8000/v1 JUDGE_API_KEY=... JUDGE_MODEL=qwen3-vl
storyboard run BOARD --provider fal --judge prefect_storyboard.examples.judge:by_vision_model
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

import httpx

from prefect_storyboard.judges import Verdict, judge
from prefect_storyboard.media.frames import pictures
from prefect_storyboard.storyboards import Character, Clip, Scene

TASK = """You check the clips of a video series. The first pictures are frames of one clip, in order; each later one
shows a character. Answer with JSON: {"state": "ok", "warn" or "bad", "reasons": [one plain sentence for each fault]}.
bad: the clip does not show what was asked for, a character looks like somebody else, or bodies are deformed."""


@judge(usd=0.002, seconds=90)
def by_vision_model(clip: Clip, scene: Scene, cast: tuple[Character, ...]) -> Verdict:
    """Check that the clip shows the scene and the cast looks right. A plain function runs in a thread."""
    frames = pictures(Path(clip.url), 4)
    shown = {who.name: Path(who.images[0]).read_bytes() for who in cast if who.images}
    asked = f"Asked for: {scene.prompt}\nCharacters: {', '.join(shown) or 'none'}"
    content = [{"type": "text", "text": f"{TASK}\n\n{asked}"}, *map(_picture, [*frames, *shown.values()])]
    body = {
        "model": os.environ["JUDGE_MODEL"],
        "messages": [{"role": "user", "content": content}],
        "response_format": {"type": "json_object"},
    }
    headers = {"Authorization": f"Bearer {os.environ['JUDGE_API_KEY']}"}
    url = f"{os.environ['JUDGE_BASE_URL'].rstrip('/')}/chat/completions"
    reply = httpx.post(url, json=body, headers=headers, timeout=60)
    reply.raise_for_status()
    verdict = json.loads(reply.json()["choices"][0]["message"]["content"])
    return Verdict(state=verdict["state"], reasons=tuple(verdict.get("reasons", ())))


def _picture(picture: bytes) -> dict[str, Any]:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(picture).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}}
