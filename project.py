"""The project's web addresses.

Every link to the project uses this module, so that no link is published before its address exists.
"""

from pydantic import HttpUrl

HOME: str | None = (
    None  # set at publication: the address of the repository, https://github.com/<owner>/prefect-storyboard
)


def page(path: str, home: str | None = HOME) -> HttpUrl | None:
    """The URL of a documentation page in the repository; None until the project is published."""
    return HttpUrl(f"{home}/blob/main/{path}") if home else None


def logo(name: str, home: str | None = HOME) -> HttpUrl | None:
    """The URL of a logo in docs/logos; None until the project is published. Prefect's UI then shows no logo."""
    return HttpUrl(f"{home}/raw/main/docs/logos/{name}.png") if home else None
