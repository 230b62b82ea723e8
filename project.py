"""Where the project lives on the web. Everything that links there asks here, so that no address is promised early."""

from pydantic import HttpUrl

HOME: str | None = (
    None  # set at publication: the address of the repository, https://github.com/<owner>/prefect-storyboard
)


def page(path: str, home: str | None = HOME) -> HttpUrl | None:
    """The address of a page of the documentation in the repository; None until the project is published."""
    return HttpUrl(f"{home}/blob/main/{path}") if home else None


def logo(name: str, home: str | None = HOME) -> HttpUrl | None:
    """The address of a logo in docs/logos; None until the project is published. Prefect's UI then shows no picture."""
    return HttpUrl(f"{home}/raw/main/docs/logos/{name}.png") if home else None
