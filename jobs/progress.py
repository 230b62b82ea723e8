"""The progress of a run, for listeners such as the terminal's live table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect_storyboard.storyboards import Frozen


class Progress(Frozen):
    """One change of one scene or character. `cost_usd` is what this run is charged for it; None until it is known."""

    subject: str
    state: str
    take: int | None = None
    seconds: float | None = None
    cost_usd: float | None = None


progress_listener: ContextVar[Callable[[Progress], None] | None] = ContextVar("progress_listener", default=None)


def emit_progress(progress: Progress) -> None:
    """Call the progress_listener, if there is one."""
    if watch := progress_listener.get():
        watch(progress)


@contextmanager
def reported_as(subject: str, take: int | None) -> Iterator[None]:
    """Inside, all progress is that of this take: a task knows its job, and not which take of which scene it is."""
    outer = progress_listener.get()

    def watch(progress: Progress) -> None:
        if outer:
            outer(progress.model_copy(update={"subject": subject, "take": take}))

    token = progress_listener.set(watch)
    try:
        yield
    finally:
        progress_listener.reset(token)
