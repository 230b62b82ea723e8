"""Blocks come back from a Prefect server as they were saved, and it shows no secret of them."""

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from prefect_storyboard.blocks import (
    FalCredentials,
    KieCredentials,
    Library,
    RenderSettings,
    ToApisCredentials,
    WaveSpeedCredentials,
    load_credentials,
    load_library,
    load_render_settings,
)

CREDENTIALS = (FalCredentials, KieCredentials, ToApisCredentials, WaveSpeedCredentials)
SECRET = "s3cr3t-of-the-studio"
WEBHOOK = "whsec_0f-the-studio"

pytestmark = pytest.mark.usefixtures("engine")


async def test_credentials_come_back_from_the_server_as_they_were_saved():
    saved = FalCredentials(
        api_key=SecretStr("id:secret"), account="agency", in_flight=3, queue_url="http://127.0.0.1:1"
    )
    await saved.save("agency", overwrite=True)
    loaded = await load_credentials("fal-credentials/agency")
    assert isinstance(loaded, FalCredentials)
    assert loaded.model_dump() == saved.model_dump()
    assert loaded.api_key.get_secret_value() == "id:secret"


async def test_a_library_comes_back_from_the_server_as_it_was_saved():
    saved = Library(
        url="s3://films/house", storage_options={"key": "k", "secret": "s3cr3t", "client_kwargs": {"a": [1]}}
    )
    await saved.save("house", overwrite=True)
    loaded = await load_library("storyboard-library/house")
    assert loaded.url == "s3://films/house"
    assert loaded.storage_options.get_secret_value() == saved.storage_options.get_secret_value()


async def test_a_block_that_was_not_saved_is_an_error_that_says_how_to_save_it():
    with pytest.raises(ValueError, match=r"fal-credentials.*nobody"):
        await load_credentials("fal-credentials/nobody")
    with pytest.raises(ValueError, match=r"storyboard-library.*nobody|nobody.*storyboard-library"):
        await load_library("storyboard-library/nobody")


async def test_a_webhook_secret_comes_back_and_the_server_shows_neither_secret():
    saved = KieCredentials(
        api_key=SecretStr(SECRET), account="agency", api_url="http://127.0.0.1:1", webhook_secret=SecretStr(WEBHOOK)
    )
    await saved.save("agency-kie", overwrite=True)
    loaded = await load_credentials("kie-credentials/agency-kie")
    assert isinstance(loaded, KieCredentials)
    assert loaded.model_dump() == saved.model_dump()
    assert (loaded.api_key.get_secret_value(), loaded.webhook_secret.get_secret_value()) == (SECRET, WEBHOOK)
    async with get_client() as client:
        shown = await client.read_block_document_by_name("agency-kie", "kie-credentials", include_secrets=False)
    assert shown.data["account"] == "agency"
    assert SECRET not in str(shown.data)
    assert WEBHOOK not in str(shown.data)


@pytest.mark.parametrize("block", CREDENTIALS)
async def test_credentials_are_loaded_by_their_blocks_own_name(block):
    await block(api_key=SecretStr(SECRET), account=block.provider).save("by-slug", overwrite=True)
    loaded = await load_credentials(f"{block.provider}-credentials/by-slug")
    assert type(loaded) is block
    assert loaded.account == block.provider


async def test_render_settings_come_back_by_name_and_by_reference():
    saved = RenderSettings(fit="nearest", attempts=2, wait="suspend")
    await saved.save("draft", overwrite=True)
    for reference in ("draft", "storyboard-render-settings/draft"):
        loaded = await load_render_settings(reference)
        assert (loaded.fit, loaded.attempts, loaded.wait, loaded.on_unknown) == ("nearest", 2, "suspend", "stop")
    with pytest.raises(ValueError, match=r"no saved block storyboard-render-settings/nowhere; save it in the UI"):
        await load_render_settings("nowhere")
