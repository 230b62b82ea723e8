"""The open resources of a callbacks server: accounts, library, collector."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from prefect.settings import get_current_settings

from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.callbacks.collector import Collector, LookNow
from prefect_storyboard.callbacks.receiver import Receiver
from prefect_storyboard.callbacks.tokens import Tokens
from prefect_storyboard.jobs.poller import look_now
from prefect_storyboard.ledger import Ledger, prove
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.series.suspend import wake
from prefect_storyboard.tasks._events import outside_runs


@dataclass(frozen=True)
class Opened:
    """A running server; `close` is called on the loop that opened it."""

    receiver: Receiver
    close: Callable[[], Coroutine[Any, Any, None]]


class Opening:
    """The arguments for opening a server, and the blocks once they are loaded."""

    def __init__(
        self,
        *,
        providers: Sequence[Credentials | str],
        library: Library | str | None,
        look_now: LookNow = look_now,
        clock: Clock | None = None,
    ) -> None:
        self._providers, self._library, self._look_now = providers, library, look_now
        self._clock = clock or Clock()

    async def load(self) -> None:
        """Load the saved blocks. Raises ValueError if one is missing, or if two accounts have the same name."""
        given = [await load_credentials(each) if isinstance(each, str) else each for each in self._providers]
        if not given:
            raise ValueError("no account was given; name the accounts to serve callbacks for, for example fal")
        if len({(each.provider, each.account) for each in given}) < len(given):
            raise ValueError(
                "two credentials have the same provider and account, so their callbacks cannot be distinguished"
            )
        self._providers, self._library = given, await load_library(self._library)

    async def open(self) -> Opened:
        """Open everything, and continue with the callbacks that an earlier process received."""
        library = await load_library(self._library)
        accounts = {(each.provider, each.account): each for each in self._providers if not isinstance(each, str)}
        ledger = Ledger(await asyncio.to_thread(library.storage))
        identity = await asyncio.to_thread(prove, ledger.storage)
        stack = AsyncExitStack()
        for account in accounts.values():  # one session for the whole time: connections and public keys stay
            await stack.enter_async_context(account.session())
        served = get_current_settings().api.url is not None
        collector = Collector(
            ledger,
            library,
            lambda provider, account: accounts.get((provider, account)),
            wake=partial(wake, ledger) if served else None,
            emitting=outside_runs if served else nullcontext,
            look_now=self._look_now,
            clock=self._clock,
        )
        await collector.resume()
        receiver = Receiver(ledger, accounts, Tokens(ledger, identity, self._clock), collector, self._clock)

        async def close() -> None:
            await collector.close()
            await stack.aclose()

        return Opened(receiver, close)
