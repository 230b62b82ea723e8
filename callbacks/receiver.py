"""Receive one callback: find its job, verify the gateway's signature, and start polling the job."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.callbacks.collector import Collector
from prefect_storyboard.callbacks.tokens import AttemptId, Tokens
from prefect_storyboard.jobs.announced import is_settled
from prefect_storyboard.jobs.callbacks import is_about
from prefect_storyboard.ledger import Attempt, Ledger, LibraryError
from prefect_storyboard.ledger.callbacks import Arrival, Callbacks
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.serving.asgi import Answer

Accounts = Mapping[tuple[str, str], Credentials]

_NOTE_EVERY = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
_LONGEST = 200  # characters of a provider's id
_log = logging.getLogger(__name__)


ACCEPTED = Answer(HTTPStatus.OK, "success")
UNKNOWN = Answer(HTTPStatus.NOT_FOUND, "no open job has this URL")
FORGED = Answer(HTTPStatus.UNAUTHORIZED, "the signature is not the gateway's")
UNAVAILABLE = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "the library or the gateway cannot be reached; post it again")


class Receiver:
    """Receives the callbacks of one library. Each is recorded before the response, so that a restart loses none."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, tokens: Tokens, collector: Collector, clock: Clock | None = None
    ) -> None:
        self._ledger, self._accounts, self._tokens = ledger, accounts, tokens
        self._collector = collector
        self._clock = clock or Clock()
        self._noted: dict[tuple[str, str], datetime] = {}

    async def receive(self, token: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Verify a callback and let the collector poll its job; only the job id is taken from the body."""
        try:
            attempt_id = await self._tokens.find(token)
            return await self._of(attempt_id, headers, body) if attempt_id else UNKNOWN
        except (LibraryError, ProviderError) as error:
            _log.warning("A callback could not be checked: %s", error)
            return UNAVAILABLE

    async def _of(self, attempt_id: AttemptId, headers: Mapping[str, str], body: bytes) -> Answer:
        history = await asyncio.to_thread(self._ledger.history, attempt_id.key)
        if len(history) < attempt_id.number:
            return UNKNOWN  # its intent is being written, or was withdrawn
        attempt = history[attempt_id.number - 1]
        intent = attempt.intent
        account = self._accounts.get((intent.provider, intent.account))
        if account is None:
            _log.warning("A callback for %s was ignored: this server has no credentials of %s (%s)", *_names(attempt))
            return UNKNOWN
        async with account.session() as session:
            request_id = await session.provider.verify_callback(headers, body, account.callback_secret)
        if request_id is None or len(request_id) > _LONGEST or (attempt.job and not is_about(attempt.job, request_id)):
            _log.warning(
                "A callback for %s was refused: %s (%s) has not signed it; check webhook_secret", *_names(attempt)
            )
            return FORGED
        await self._note(account)
        if not is_settled(attempt):
            arrival = Arrival(request_id=request_id, at=self._clock.now())
            await asyncio.to_thread(Callbacks(self._ledger.storage).add, *attempt_id, arrival)
            self._collector.called(attempt_id)
        return ACCEPTED

    async def _note(self, account: Credentials) -> None:
        """Record for other processes that callbacks arrive, at most once a minute."""
        now, address = self._clock.now(), (account.provider, account.callback_url or "")
        if account.callback_url and now - self._noted.get(address, _NEVER) > _NOTE_EVERY:
            self._noted[address] = now
            await asyncio.to_thread(Callbacks(self._ledger.storage).note_last, *address, now)


def _names(attempt: Attempt) -> tuple[str, str, str]:
    intent = attempt.intent
    return f"{intent.label} (job {intent.key[:12]})", intent.provider, intent.account
