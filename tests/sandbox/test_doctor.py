"""The doctor tells what is fit to run, buys nothing, and never tells a key."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.flows import doctor
from prefect_storyboard.flows.doctor import Finding, examine, examine_library
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.sandbox.server import environment, running
from tests.s3.s3_double import serving

SECRET = "s3cr3t-of-the-studio"
GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
NOWHERE = "http://127.0.0.1:9"
Account = Callable[..., Credentials]


class Gateways:
    """The sandbox, and what a test has to tell it or wants to know of it."""

    def __init__(self, base: str) -> None:
        self.base = base

    def account(self, provider: str, kind: str = "a", **fields: Any) -> Credentials:
        key = {"fal": f"{kind}:{SECRET}", "toapis": f"sk-{kind}{SECRET}"}.get(provider, f"{kind}{SECRET}")
        variables = environment(self.base) | {BY_PROVIDER[provider].key_variable: key}
        return BY_PROVIDER[provider].from_environment(variables).model_copy(update=fields)

    def fault(self, name: str, after: int = 0, **match: str) -> None:
        self._call("faults", {"fault": name, "after": after, "match": match})

    def behave(self) -> None:
        self._call("faults", method="DELETE")

    def requests(self) -> list[dict[str, Any]]:
        return self._call("requests")

    def meter(self) -> dict[str, Any]:
        return self._call("meter")

    def _call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
def gateways(base: str) -> Iterator[Gateways]:
    """One sandbox for all tests, which behaves again after each."""
    gateways = Gateways(base)
    yield gateways
    gateways.behave()


@pytest.fixture
def account(gateways: Gateways) -> Account:
    """An account at the sandbox: account("kie", "empty", api_url=...)."""
    return gateways.account


@pytest.fixture
def fault(gateways: Gateways) -> Callable[..., None]:
    return gateways.fault


@pytest.fixture
def asked(gateways: Gateways) -> Callable[[], list[dict[str, Any]]]:
    """What the sandbox was asked since the test began."""
    before = len(gateways.requests())
    return lambda: gateways.requests()[before:]


async def states(credentials: Credentials, *names: str) -> dict[str, str]:
    return {finding.check: finding.state for finding in await examine(credentials, names)}


def known(provider: str) -> list[str]:
    return [endpoint for entry in models()[provider].values() for endpoint in entry.endpoints.values()]


async def finding(credentials: Credentials, check: str, *names: str) -> Finding:
    (found,) = [each for each in await examine(credentials, names) if each.check == check]
    return found


# --- an account


def sound(provider: str) -> dict[str, str]:
    """Everything but clock and upload of an account in order: Kie keeps no list of what it sells."""
    listed = provider != "kie"
    sold = {name: "ok" if listed and not entry.retires_on else "unsure" for name, entry in models()[provider].items()}
    return {"balance": "unsure" if provider == "toapis" else "ok", **sold}


@pytest.mark.parametrize("provider", GATEWAYS)
async def test_a_sound_account_has_nothing_bad_and_has_bought_nothing(gateways, provider):
    before = gateways.meter()["uploads"]
    assert await states(gateways.account(provider)) == {"clock": "ok", "upload": "ok", **sound(provider)}
    meter = gateways.meter()
    assert (meter["jobs_accepted"], meter["uploads"] - before, meter["leaks"]) == (0, 1, 0)


async def test_a_server_that_takes_no_uploads_is_asked_for_its_list_of_models(gateways):
    findings = await examine(gateways.account("openai"))
    assert {each.check: each.state for each in findings} == {
        "clock": "ok",
        "models": "ok",
        "balance": "unsure",
        **dict.fromkeys(models()["openai"], "ok"),
    }
    assert "lists MiniMaxAI/MiniMax-H3, sora-2, sora-2-pro" in findings[1].text
    assert gateways.meter()["jobs_accepted"] == 0


async def test_a_key_that_the_server_refuses_is_said_by_its_list_of_models(account):
    findings = await examine(account("openai", "bad"))
    assert [(each.check, each.state) for each in findings] == [("clock", "ok"), ("key", "bad"), ("others", "unsure")]


@pytest.mark.parametrize("provider", GATEWAYS)
async def test_a_key_that_is_refused_is_said_once_and_nothing_more_is_asked(account, asked, provider):
    findings = await examine(account(provider, "bad"))
    assert [(each.check, each.state) for each in findings] == [("clock", "ok"), ("key", "bad"), ("others", "unsure")]
    assert "does not accept the key" in findings[1].text
    assert "Check the API key" in findings[1].text
    assert {request["route"] for request in asked()} <= {"", "upload"}


@pytest.mark.parametrize("provider", GATEWAYS)
async def test_a_key_that_can_be_none_is_said_before_anything_is_sent(account, asked, provider):
    (found,) = await examine(account(provider, api_key=SecretStr(f"sk-{SECRET}\N{EN DASH}1")))
    assert (found.check, found.state, found.subject) == ("key", "bad", f"{provider} (default)")
    assert "copy the key again" in found.text
    assert asked() == []


@pytest.mark.parametrize("provider", GATEWAYS)
async def test_no_finding_tells_a_key(gateways, provider):
    told = [await examine(gateways.account(provider, kind)) for kind in ("a", "bad", "empty")]
    for trouble in ("internal_error", "unauthorized", "malformed_json"):
        gateways.fault(trouble, gateway=provider)
        told.append(await examine(gateways.account(provider)))
        gateways.behave()
    told.append(await examine(gateways.account(provider, api_key=SecretStr(f"{SECRET} \N{EN DASH}"))))
    assert SECRET not in "".join(each.model_dump_json() for findings in told for each in findings)


async def test_a_key_that_the_provider_repeats_is_not_repeated_by_us(account):
    with hosting(body={"detail": f"No user found for Key kid:{SECRET}"}, status=401) as host:
        key = await finding(account("fal", rest_url=host.url, api_key=SecretStr(f"kid:{SECRET}")), "key")
    assert (key.state, SECRET in key.text) == ("bad", False)


async def test_a_callbacks_server_is_asked_whether_it_is_there_and_stops_no_run(account, gateways):
    there = await finding(account("fal", callback_url=f"{gateways.base}/sandbox"), "callbacks")
    assert there.state == "ok"
    for address, says in ((NOWHERE, "could not be reached"), (f"{gateways.base}/elsewhere", "answered 404")):
        away = await finding(account("fal", callback_url=address), "callbacks")
        assert away.state == "unsure"
        assert says in away.text
        assert "jobs are polled" in away.text
    assert "callbacks" not in await states(account("fal"))


async def test_an_account_is_called_by_its_own_name(account):
    assert {each.subject for each in await examine(account("kie", account="agency"))} == {"kie (agency)"}


# --- money


@pytest.mark.parametrize("provider", ["kie", "wavespeed"])
async def test_an_account_without_money_is_bad(account, provider):
    balance = await finding(account(provider, "empty"), "balance")
    assert (balance.state, balance.text) == ("bad", "no credit; top up the account")


@pytest.mark.parametrize(
    ("provider", "kind", "says"), [("fal", "a", "$24.50 left"), ("kie", "credits-50-", "$0.25 left")]
)
async def test_what_is_left_is_told_in_dollars(account, provider, kind, says):
    balance = await finding(account(provider, kind), "balance")
    assert (balance.state, balance.text) == ("ok", says)


async def test_credits_at_toapis_are_told_in_dollars(account, fault):
    fault("balance_in_credits", gateway="toapis")
    balance = await finding(account("toapis"), "balance")
    assert (balance.state, balance.text) == ("ok", "$100.00 left")
    assert (await finding(account("toapis", "empty"), "balance")).state == "bad"


@pytest.mark.parametrize(("provider", "kind"), [("fal", "plain"), ("toapis", "a")])
async def test_a_balance_that_is_not_told_stops_no_run(account, provider, kind):
    balance = await finding(account(provider, kind), "balance")
    assert (balance.state, "does not show it" in balance.text) == ("unsure", True)


async def test_a_balance_that_cannot_be_had_now_stops_no_run(account, fault):
    fault("internal_error", gateway="kie", route="platform")
    balance = await finding(account("kie"), "balance")
    assert (balance.state, "Kie" in balance.text) == ("unsure", True)


# --- files


@pytest.mark.parametrize("provider", GATEWAYS)
async def test_uploads_that_fail_are_bad_and_the_rest_is_asked(account, fault, provider):
    fault("internal_error", gateway=provider, route="upload")
    assert await states(account(provider)) == {"clock": "ok", "upload": "bad", **sound(provider)}


async def test_a_file_that_is_not_taken_is_bad(account, fault):
    fault("upload_failed", gateway="wavespeed")
    upload = await finding(account("wavespeed"), "upload")
    assert (upload.state, "invalid file type" in upload.text) == ("bad", True)


# --- clock and network


@dataclass
class Host:
    """A host on loopback that answers everything alike, at a time of its own, and remembers who brought a key."""

    body: Any = None
    status: int = 404
    ahead: float | None = None
    date: str | None = None
    url: str = ""
    keys: list[str | None] = field(default_factory=list)

    def tells(self) -> str | None:
        if self.ahead is None:
            return self.date
        return format_datetime(datetime.now(UTC) + timedelta(seconds=self.ahead), usegmt=True)


class _Handler(BaseHTTPRequestHandler):
    host: Host

    def do_GET(self) -> None:
        self.host.keys.append(self.headers["Authorization"])
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body, date = json.dumps(self.host.body).encode(), self.host.tells()
        self.send_response_only(self.host.status)
        for name, value in {"Date": date, "Content-Type": "application/json", "Content-Length": len(body)}.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hosting(**facts: Any) -> Iterator[Host]:
    host = Host(**facts)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": host})) as server:
        host.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("ahead", "state", "says"),
    [(0, "ok", "right"), (-100, "unsure", " s fast"), (100, "unsure", " s slow"), (4000, "bad", " s slow")],
)
async def test_a_clock_is_held_against_the_providers(account, ahead, state, says):
    with hosting(ahead=ahead) as host:
        clock = await finding(account("fal", queue_url=host.url), "clock")
    assert clock.state == state
    assert says in clock.text
    assert ("set this machine's clock" in clock.text) == (state != "ok")


@pytest.mark.parametrize(
    "date", [None, "", "tomorrow", "Sat, 21 Nov 99999 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
async def test_a_provider_that_tells_no_time_leaves_the_clock_unsure(account, date):
    with hosting(date=date) as host:
        clock = await finding(account("fal", queue_url=host.url), "clock")
    assert (clock.state, clock.text) == ("unsure", "the provider's responses carry no date")


async def test_the_clock_is_asked_without_the_key(account):
    with hosting(ahead=0) as host:
        await examine(account("fal", queue_url=host.url))
    assert host.keys == [None]


@pytest.mark.parametrize("provider", ["toapis", "wavespeed"])
@pytest.mark.parametrize("address", [NOWHERE, "http://[1", "nonsense", ""])
async def test_a_host_that_cannot_be_reached_is_bad_and_named(account, provider, address):
    findings = await examine(account(provider, api_url=address))
    assert [(each.check, each.state) for each in findings] == [
        ("network", "bad"),
        ("upload", "bad"),
        ("others", "unsure"),
    ]
    assert findings[0].text.startswith(f"{address} could not be reached")


async def test_one_host_of_three_that_cannot_be_reached_hides_nothing(account):
    findings = await states(account("fal", queue_url=NOWHERE))
    assert findings == {"network": "bad", "upload": "ok", **sound("fal")}


async def test_a_host_that_hangs_up_is_bad(account, fault):
    fault("drop_before", gateway="toapis", route="upload")
    upload = await finding(account("toapis"), "upload")
    assert (upload.state, "ToAPIs did not answer" in upload.text) == ("bad", True)


# --- models

TAKEN_OFF = {"fal": "deprecated", "toapis": "retired", "wavespeed": "retired"}


@pytest.mark.parametrize(("provider", "rule"), TAKEN_OFF.items())
async def test_a_model_that_was_taken_off_the_list_is_bad_only_where_it_is_needed(account, fault, provider, rule):
    fault(rule, gateway=provider, route="platform", endpoint="seedance")
    shown = await finding(account(provider), "seedance-2")
    assert (shown.state, shown.text) == ("unsure", "not sold here any more")
    needed = await examine(account(provider), ("seedance-2",))
    assert {each.check: each.state for each in needed}["seedance-2"] == "bad"
    assert {each.check for each in needed} == {"clock", "upload", "balance", "seedance-2"}


async def test_a_model_that_is_gone_names_its_successor(account, fault):
    fault("deprecated", gateway="fal", endpoint="sora-2")
    assert (await finding(account("fal"), "sora-2")).text == "not sold here any more; try seedance-2"


async def test_a_part_of_a_model_that_is_gone_is_named(account, fault):
    fault("deprecated", gateway="fal", endpoint="sora-2/image-to-video")
    sora, pro = [await finding(account("fal"), name, "sora-2", "sora-2-pro") for name in ("sora-2", "sora-2-pro")]
    assert sora.text == "not sold here any more: fal-ai/sora-2/image-to-video; try seedance-2"
    assert pro.text == "not sold here any more: fal-ai/sora-2/image-to-video/pro; try seedance-2"
    assert {sora.state, pro.state} == {"bad"}


@pytest.mark.parametrize(
    ("provider", "state", "says"),
    [
        ("fal", "unsure", "sold here; its maker ended it on 2026-09-24; try seedance-2"),
        ("kie", "bad", "perhaps sold here; its maker ended it on 2026-09-24; try seedance-2"),
    ],
)
async def test_what_its_maker_has_ended_counts_where_the_provider_does_not_say_otherwise(
    account, provider, state, says
):
    sora = await finding(account(provider), "sora-2", "sora-2")
    assert (sora.state, sora.text) == (state, says)


async def test_a_living_model_that_nobody_can_confirm_stops_no_run(account):
    seedance = await finding(account("kie"), "seedance-2", "seedance-2")
    assert (seedance.state, seedance.text) == ("unsure", "perhaps sold here: the provider does not say")


def test_a_model_that_will_end_is_still_good():
    entry = model("fal", "sora-2").model_copy(update={"retires_on": date(2999, 1, 1), "successor": None})
    listed: dict[str, bool | None] = dict.fromkeys(entry.endpoints.values(), True)
    assert doctor._offered(entry, listed, must=True) == ("ok", "sold here; its maker ends it on 2999-01-01")
    silent: dict[str, bool | None] = dict.fromkeys(entry.endpoints.values())
    assert doctor._offered(entry, silent, must=True)[0] == "unsure"


@pytest.mark.parametrize("provider", ["toapis", "wavespeed"])
async def test_a_long_list_is_read_once(account, asked, provider):
    await examine(account(provider))
    assert sum(request["path"].endswith("/models") for request in asked()) == 1


async def test_no_endpoint_is_asked_about_twice(account, asked):
    await examine(account("fal"))
    endpoints = [request["query"] for request in asked() if request["path"] == "/fal/v1/models"]
    assert len(endpoints) == len({*endpoints}) == len({*known("fal")})


async def test_a_list_that_cannot_be_read_is_one_line_and_stops_no_run(account, fault):
    fault("drop_before", gateway="toapis", endpoint="", route="platform")
    lists = await finding(account("toapis"), "models")
    assert (lists.state, lists.text) == (
        "unsure",
        "the list of models cannot be read: ToAPIs did not answer (RemoteProtocolError)",
    )


async def test_a_list_that_breaks_off_is_one_line_too(account, gateways):
    gateways.fault("drop_before", after=4, gateway="fal", route="platform")
    assert (await finding(account("fal"), "models")).state == "unsure"


@pytest.mark.parametrize("provider", ["fal", "toapis", "wavespeed"])
async def test_a_list_that_this_key_may_not_read_is_bad(account, fault, provider):
    fault("unauthorized", gateway=provider, route="platform")
    assert (await finding(account(provider), "models")).state == "bad"


async def test_a_model_that_is_not_known_is_bad_and_others_are_asked_all_the_same(account):
    found = {each.check: each for each in await examine(account("kie"), ("seedance-3", "seedance-2", "seedance-2"))}
    assert (found["seedance-3"].state, found["seedance-2"].state) == ("bad", "unsure")
    assert found["seedance-3"].text == "seedance-3 is not a known model of kie; did you mean seedance-2?"
    assert [*found] == ["clock", "upload", "balance", "seedance-2", "seedance-3"]


async def test_a_model_that_is_not_known_is_told_also_where_the_key_is_wrong(account):
    assert (await states(account("kie", "bad"), "nonsense"))["nonsense"] == "bad"


# --- the library


async def test_a_library_that_can_be_written_is_good_twice(tmp_path):
    library = Library(url=str(tmp_path / "library"))
    for _ in range(2):
        found = await examine_library(library)
        assert (found.subject, found.check, found.state) == (str(tmp_path / "library"), "library", "ok")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["library.json"]


async def test_a_library_that_cannot_be_written_is_bad(tmp_path):
    (tmp_path / "in the way").write_text("a file")
    found = await examine_library(Library(url=str(tmp_path / "in the way")))
    assert (found.state, "Not a directory" in found.text) == ("bad", True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:9/x", "https://127.0.0.1:9/x"])
async def test_a_library_that_is_no_storage_is_bad(url):
    found = await examine_library(Library(url=url))
    assert (found.state, "cannot create a file exclusively" in found.text) == ("bad", True)


async def test_a_library_whose_server_lets_a_second_writer_in_is_bad():
    with serving(conditional=False) as bucket:
        found = await examine_library(Library(url="s3://films/house", storage_options=bucket.options))
    assert (found.subject, found.state) == ("s3://films/house", "bad")
    assert "lets a second writer replace a file" in found.text


async def test_a_library_on_a_server_that_keeps_its_word_is_good():
    with serving() as bucket:
        found = await examine_library(Library(url="s3://films/house", storage_options=bucket.options))
    assert found.state == "ok"
