"""Check that the UI of Prefect's server calls that server: on a port other than 4200 this needs a setting."""

from urllib.parse import urlsplit

import httpx

from prefect_storyboard.flows.doctor import Finding

_HERE = {"127.0.0.1", "localhost", "0.0.0.0", "::1"}  # noqa: S104 - compared with, and not listened on


async def examine_ui(api: str, http: httpx.AsyncClient) -> list[Finding]:
    """A finding if the UI of a server on this machine calls another address than its own; else none."""
    try:
        address = (await http.get(f"{api.removesuffix('/api')}/ui-settings", timeout=10)).json()["api_url"]
        asked = urlsplit(address)
        wrong = asked.port != urlsplit(api).port and {asked.hostname, urlsplit(api).hostname} <= _HERE
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):
        return []  # no server, or one without a UI: not an error of an account
    if not wrong:
        return []
    text = f"its UI calls {address}, so its pages stay empty; start the server with PREFECT_SERVER_UI_API_URL={api}"
    return [Finding(subject="Prefect's server", check="UI", state="unsure", text=text)]
