"""The resources of events, with stable ids: `storyboard.reel.<library>.<slug>`, likewise for jobs and scenes.

`<library>` is the name of its block or, without a saved block, a short hash of its URL.
"""

import hashlib
from urllib.parse import urlsplit, urlunsplit

from prefect_storyboard.blocks import Library

Resource = dict[str, str]


def library_id(library: Library) -> str:
    """The library in resource ids: its block's name, or a short hash of its URL."""
    name = library._block_document_name  # noqa: SLF001 - Prefect has no public name of a loaded block
    return name or hashlib.sha256(library.url.rstrip("/").encode()).hexdigest()[:8]


def bare(url: str) -> str:
    """The URL without its possible secrets: user, password, query, fragment."""
    parts = urlsplit(url)
    if not parts.scheme:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def resource(kind: str, library: Library, name: str, title: str) -> Resource:
    """A resource of that kind. `name` is unique in the library, `title` is what the UI shows."""
    return {
        "prefect.resource.id": f"storyboard.{kind}.{library_id(library)}.{name}",
        "prefect.resource.name": title,
        "storyboard.library": library_id(library),
    }


def job_resource(library: Library, key: str, label: str) -> Resource:
    """The job of that key."""
    return resource("job", library, key, label)


def scene_resource(library: Library, reel: str, scene: str) -> Resource:
    """The scene of a reel, or of no reel if a task renders it alone."""
    return resource("scene", library, f"{reel}.{scene}" if reel else scene, scene)


def related_reel(library: Library, slug: str) -> list[Resource]:
    """The reel that an event belongs to; empty if it belongs to none."""
    return [{**resource("reel", library, slug, slug), "prefect.resource.role": "reel"}] if slug else []
