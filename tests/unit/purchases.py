"""What the tests of a purchase share: one call of it, its owners dead and alive, and no waiting."""

import os
from typing import Any

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.ledger import Ledger, Owner
from prefect_storyboard.ledger import owner as owners
from prefect_storyboard.providers.clock import Clock

from .fakes import KEY, Gateway, owner, session_with, wording


def want(key: str = KEY, **facts: Any) -> PurchaseRequest:
    return PurchaseRequest(key=key, label="scene s01 take 1", account="default", usd=0.4, **facts)


async def buy(gateway: Gateway, ledger: Ledger, key: str = KEY, *, clock: Clock | None = None, **facts: Any) -> PaidJob:
    return await buy_once(session_with(gateway, clock=clock), ledger, want(key, **facts), wording())


def outcomes(ledger: Ledger, key: str = KEY) -> list[str | None]:
    return [attempt.outcome and attempt.outcome.kind for attempt in ledger.history(key)]


def dead() -> Owner:
    """An owner on this machine whose process is gone."""
    with owners.acting() as me:
        return me


def living() -> Owner:
    """An owner on this machine that runs: the parent of this process."""
    return owner(host=owners.host(), pid=os.getppid(), started=owners.started(os.getppid()))
