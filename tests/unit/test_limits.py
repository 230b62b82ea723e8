"""How many slots of the account's limit a run holds."""

from contextlib import asynccontextmanager
from typing import Any

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.series import limits
from prefect_storyboard.series.limits import account_slots, limit_name

ACCOUNT = FalCredentials(api_key="id:secret", account="studio")


class Server:
    """A Prefect server with one limit, or without; `held` are the slots that were taken, with their options."""

    def __init__(self, limit: int | None, *, active: bool = True) -> None:
        self.name, self.limit, self.active = "storyboard-fal-studio", limit, active
        self.asked: list[str] = []
        self.held: list[tuple[int, dict[str, Any]]] = []

    async def read(self, name: str) -> "Server | None":
        self.asked.append(name)
        return None if self.limit is None else self

    @asynccontextmanager
    async def concurrency(self, name: str, *, occupy: int, **options: Any) -> Any:
        self.held.append((occupy, options))
        yield

    def serve(self, monkeypatch: pytest.MonkeyPatch, *, inside: bool = True) -> "Server":
        monkeypatch.setattr(limits, "_limit", self.read)
        monkeypatch.setattr(limits, "concurrency", self.concurrency)
        monkeypatch.setattr(limits.FlowRunContext, "get", lambda: self if inside else None)
        return self


def test_a_limit_is_named_for_its_account() -> None:
    assert limit_name(ACCOUNT) == "storyboard-fal-studio"


@pytest.mark.parametrize(("limit", "wanted", "slots"), [(5, 3, 3), (5, 5, 5), (2, 9, 2)])
async def test_a_run_holds_as_many_slots_as_it_has_jobs_at_most_all(
    monkeypatch: pytest.MonkeyPatch, limit: int, wanted: int, slots: int
) -> None:
    server = Server(limit).serve(monkeypatch)
    async with account_slots(ACCOUNT, wanted) as held:
        assert held == slots
    ((occupied, options),) = server.held
    assert (occupied, server.asked) == (slots, ["storyboard-fal-studio"])
    assert options["raise_on_lease_renewal_failure"] is False


@pytest.mark.parametrize("server", [Server(None), Server(2, active=False)], ids=["missing", "inactive"])
async def test_without_a_limit_nothing_is_held(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    server.serve(monkeypatch)
    async with account_slots(ACCOUNT, 7) as held:
        assert (held, server.held) == (7, [])


async def test_a_limit_of_nothing_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(0).serve(monkeypatch)
    with pytest.raises(ValueError, match=r"^the limit storyboard-fal-studio allows no job"):
        async with account_slots(ACCOUNT, 1):
            pytest.fail("it must not begin")


@pytest.mark.parametrize(("wanted", "inside"), [(0, True), (4, False)], ids=["nothing to buy", "no engine"])
async def test_the_server_is_not_asked_in_vain(monkeypatch: pytest.MonkeyPatch, wanted: int, inside: bool) -> None:  # noqa: FBT001
    server = Server(2).serve(monkeypatch, inside=inside)
    async with account_slots(ACCOUNT, wanted) as held:
        assert (held, server.asked) == (wanted, [])
