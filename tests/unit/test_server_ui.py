"""`storyboard doctor` says why the pages of a Prefect server on another port stay empty."""

import httpx
import pytest

from prefect_storyboard.cli.server_ui import examine_ui

API = "http://127.0.0.1:4300/api"


async def found(reply):
    transport = httpx.MockTransport(
        lambda request: reply if request.url.path == "/ui-settings" else httpx.Response(404)
    )
    async with httpx.AsyncClient(transport=transport) as http:
        return await examine_ui(API, http)


async def test_pages_that_ask_another_port_are_named_with_the_variable_that_mends_them():
    (finding,) = await found(httpx.Response(200, json={"api_url": "http://127.0.0.1:4200/api"}))
    assert (finding.subject, finding.state) == ("Prefect's server", "unsure")
    assert finding.text.endswith(f"start the server with PREFECT_SERVER_UI_API_URL={API}")


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, json={"api_url": API}),
        httpx.Response(200, json={"api_url": "https://prefect.studio.example/api"}),
        httpx.Response(200, json={"api_url": None}),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="<html>"),
        httpx.Response(404),
    ],
    ids=["right", "behind a proxy", "none", "a list", "a page", "no pages"],
)
async def test_everything_else_is_no_finding(reply):
    assert await found(reply) == []
