"""A storyboard as the page needs it: its reels, how they differ from the storyboard's current text, and picks."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.flows import pick_take
from prefect_storyboard.ledger import Storage
from prefect_storyboard.media.figures import Difference
from prefect_storyboard.media.live import Today
from prefect_storyboard.pages.app import NotPicked, Picked
from prefect_storyboard.series.looking import looked_up
from prefect_storyboard.series.mistakes import MISTAKES, explain
from prefect_storyboard.series.opening import opened
from prefect_storyboard.series.prepare import Overrides

_OVERRIDES = {"model", "stills", "fit", "quality", "audio", "values"}


class Asked(NamedTuple):
    """Storyboard, account, library and options, as the commands take them."""

    storyboard: str
    provider: Credentials
    library: str | None
    overrides: Overrides


class ServedBoard:
    """The `Board` of the app. `serve_prefect` waits until Prefect's server answers, which a pick needs."""

    def __init__(
        self, asked: Asked, storage: Storage, reels: tuple[str, ...], serve_prefect: Callable[[], object]
    ) -> None:
        self.storage, self.reels = storage, reels
        self._asked, self._serve_prefect = asked, serve_prefect
        self._ready: asyncio.Task[object] | None = None

    @classmethod
    async def open(cls, asked: Asked, serve_prefect: Callable[[], object]) -> Self:
        """Read the storyboard and find its reels. Raises the errors of a plan, and ValueError if no reel has a page."""
        async with opened(*asked) as run:
            plan, storage = run.prepared.plan, run.library.storage()
        reels = tuple(dict.fromkeys([*(part.storyboard.slug for part in plan.reels()), plan.storyboard.slug]))
        with_page = [reel for reel in reels if await asyncio.to_thread(storage.exists, "reels", reel, "index.html")]
        if not with_page:
            raise ValueError(
                f"{run.library.url} has no page of {plan.storyboard.title!r}; run the storyboard first: "
                "storyboard run BOARD renders it, storyboard plan BOARD says what that costs"
            )
        return cls(asked, storage, tuple(sorted(reels, key=lambda reel: reel not in with_page)), serve_prefect)

    async def begin(self) -> None:
        """Wait for Prefect's server in the background: a pick needs it, the page does not."""
        self._ready = asyncio.create_task(asyncio.to_thread(self._serve_prefect))

    async def end(self) -> None:
        """Do nothing: the waiting thread ends by itself."""

    async def today(self) -> Today:
        """How the scenes differ from the storyboard's current text."""
        try:
            statuses = await looked_up(*self._asked)
        except (*MISTAKES, ValueError) as error:
            return Today(problem=explain(error))
        return Today(
            tuple(
                Difference(each.scene, each.state, "; ".join(each.why), each.remedy, each.usd)
                for each in statuses
                if each.state != "current"
            )
        )

    async def pick(self, picked: Picked) -> None:
        """Pick the take, as `storyboard pick` does."""
        asked = self._asked
        overrides: dict[str, Any] = asked.overrides.model_dump(include=_OVERRIDES)
        try:
            if self._ready:
                await asyncio.shield(self._ready)
            await pick_take(
                asked.storyboard, picked.scene, picked.take, asked.provider, asked.library, of=picked.of, **overrides
            )
        except (*MISTAKES, ValueError, RuntimeError) as error:
            raise NotPicked(explain(error)) from None
