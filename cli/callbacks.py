"""`storyboard callbacks`: serve the callbacks of accounts, from the environment or saved blocks, at one address."""

import os

from prefect.settings import get_current_settings

from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.callbacks import app
from prefect_storyboard.callbacks.server import serve
from prefect_storyboard.cli.live import console


async def loaded(providers: tuple[str, ...], library: str | None) -> tuple[list[Credentials], Library]:
    """Load the accounts and the library. Raises ValueError if no account is named."""
    if not providers:
        raise ValueError("name the accounts to serve callbacks for, for example: storyboard callbacks fal")
    return [await load_credentials(each, os.environ) for each in providers], await load_library(library)


def listen(accounts: list[Credentials], library: Library, host: str, port: int) -> int:
    """Serve until stopped. Returns 1 if the server could not start."""
    for account in accounts:
        if account.callback_url is None:
            variable = f"{account.provider.upper()}_CALLBACK_URL"
            console.print(
                f"{account.provider} ({account.account}) has no callback_url, so its jobs are polled: set it in the "
                f"block, or export {variable}",
                style="yellow",
            )
    if not get_current_settings().api.url:
        console.print("PREFECT_API_URL is not set: clips are stored, suspended series are not resumed", style="yellow")
    return 0 if serve(app(accounts, library), host, port) else 1
