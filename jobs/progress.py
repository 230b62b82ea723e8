"""What a run tells whoever watches it, for example the terminal's live table."""

from collections.abc import Callable
from contextvars import ContextVar

from prefect_storyboard.storyboards import Frozen


class Progress(Frozen):
    """One change of one scene or character. `cost_usd` is None until it is known."""

    subject: str
    state: str
    take: int | None = None
    seconds: float | None = None
    cost_usd: float | None = None


watcher: ContextVar[Callable[[Progress], None] | None] = ContextVar("watcher", default=None)


def tell(progress: Progress) -> None:
    """Tell the watcher, if there is one."""
    if watch := watcher.get():
        watch(progress)
