"""What the Prefect UI stores, held to Prefect's own standards for a collection."""

from importlib.metadata import entry_points
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from prefect_storyboard import blocks, project
from prefect_storyboard.blocks import (
    FalCredentials,
    KieCredentials,
    Library,
    OpenAICompatibleCredentials,
    RenderSettings,
    ToApisCredentials,
    WaveSpeedCredentials,
    load_credentials,
    load_library,
)
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.openai.adapter import OpenAICompatible
from prefect_storyboard.providers.table import models
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed

LOGOS = Path(__file__).parents[2] / "docs" / "logos"
CREDENTIALS = (
    FalCredentials,
    KieCredentials,
    OpenAICompatibleCredentials,
    ToApisCredentials,
    WaveSpeedCredentials,
)
KEYS = {
    FalCredentials: "FAL_KEY",
    KieCredentials: "KIE_API_KEY",
    OpenAICompatibleCredentials: "OPENAI_API_KEY",
    ToApisCredentials: "TOAPIS_API_KEY",
    WaveSpeedCredentials: "WAVESPEED_API_KEY",
}
HOSTS = {
    FalCredentials: {
        "queue_url": "https://queue.fal.run",
        "rest_url": "https://rest.fal.ai",
        "platform_url": "https://api.fal.ai/v1",
    },
    KieCredentials: {"api_url": "https://api.kie.ai", "upload_url": "https://kieai.redpandaai.co"},
    OpenAICompatibleCredentials: {"base_url": "https://api.openai.com/v1"},
    ToApisCredentials: {"api_url": "https://toapis.com"},
    WaveSpeedCredentials: {"api_url": "https://api.wavespeed.ai"},
}
SIGNING = (KieCredentials, ToApisCredentials, WaveSpeedCredentials)  # fal signs its callbacks with a public key
REQUIRED = {OpenAICompatibleCredentials: {"base_url": "https://api.openai.com/v1"}}
SECRET = "s3cr3t-of-the-studio"
WEBHOOK = "whsec_0f-the-studio"
CALLBACKS = "https://studio.example/callbacks"
each_block = pytest.mark.parametrize("block", CREDENTIALS)
EXPORTED = [
    each for name in blocks.__all__ if isinstance(each := getattr(blocks, name), type) and issubclass(each, Block)
]


def logo_name(block):
    return getattr(block, "provider", "settings" if block is RenderSettings else "library")


@pytest.mark.parametrize("block", sorted({*EXPORTED}, key=lambda block: block.__name__))
class TestStandards(BlockStandardTestSuite):
    """Prefect's suite over every exported block."""

    @pytest.fixture
    def block(self, request):
        return request.param

    def test_has_a_documentation_url(self, block):
        """No address before there is one: a dead link would be worse than none."""
        if project.HOME is None:
            assert block._documentation_url is None
        else:
            super().test_has_a_documentation_url(block)

    def test_has_a_valid_image(self, block):
        """Prefect's UI shows a logo only from the web; until one is published there, it shows none."""
        if project.HOME is None:
            assert block._logo_url is None
        file = (LOGOS / f"{logo_name(block)}.png").open("rb")
        where = patch.object(block, "_logo_url", project.logo(logo_name(block), "https://forge.example/studio/project"))
        with file, where, patch("prefect.testing.standard_test_suites.blocks.urlopen", return_value=file):
            super().test_has_a_valid_image(block)


def test_prefect_finds_the_collection_by_its_entry_point():
    (entry,) = (entry for entry in entry_points(group="prefect.collections") if entry.name == "prefect_storyboard")
    assert entry.load() is blocks


def test_prefect_can_store_what_the_collection_exports():
    assert {block.get_block_type_slug(): block.__name__ for block in EXPORTED} == {
        "fal-credentials": "FalCredentials",
        "kie-credentials": "KieCredentials",
        "openai-compatible-credentials": "OpenAICompatibleCredentials",
        "toapis-credentials": "ToApisCredentials",
        "wavespeed-credentials": "WaveSpeedCredentials",
        "storyboard-library": "Library",
        "storyboard-render-settings": "RenderSettings",
    }


def test_every_block_has_a_logo_of_its_own():
    names = [f"{logo_name(block)}.png" for block in EXPORTED]
    assert {*names} == {path.name for path in LOGOS.iterdir()}
    assert len({(LOGOS / name).read_bytes() for name in names}) == len(names)


def test_addresses_are_of_the_home_page_and_none_before_there_is_one():
    home = "https://forge.example/studio/project"
    assert str(project.page("docs/blocks.md", home)) == f"{home}/blob/main/docs/blocks.md"
    assert str(project.logo("fal", home)) == f"{home}/raw/main/docs/logos/fal.png"
    assert (project.page("docs/blocks.md", None), project.logo("fal", None)) == (None, None)


def test_every_field_of_a_form_has_a_title():
    untitled = [(block, name) for block in EXPORTED for name, field in block.model_fields.items() if not field.title]
    assert untitled == []


def test_there_are_credentials_for_every_provider_of_the_model_table():
    assert {block.provider for block in CREDENTIALS} == {*models()}


@each_block
def test_secrets_show_in_no_representation(block):
    secrets = {"api_key": SecretStr(SECRET)} | ({"webhook_secret": SecretStr(WEBHOOK)} if block in SIGNING else {})
    credentials = block(**secrets, **REQUIRED.get(block, {}))
    shown = f"{credentials!r} {credentials} {credentials.model_dump()} {credentials.model_dump_json()}"
    assert SECRET not in shown
    assert WEBHOOK not in shown
    assert {*block.model_json_schema()["secret_fields"]} == {*secrets}, "what the UI masks"


def test_a_librarys_secrets_show_in_no_representation():
    library = Library(url="s3://films", storage_options={"secret": SECRET})
    assert SECRET not in f"{library!r} {library} {library.model_dump()} {library.model_dump_json()}"


@each_block
def test_a_key_alone_makes_credentials_for_the_real_hosts(block):
    credentials = block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {}))
    hosts = {name: value for name, value in credentials if name in HOSTS[block]}
    assert hosts == HOSTS[block]
    assert credentials.hosts == " ".join(HOSTS[block].values())
    assert credentials.account == "default"


@pytest.mark.parametrize(
    ("block", "jobs"), [(FalCredentials, 40), (KieCredentials, 20), (ToApisCredentials, 20), (WaveSpeedCredentials, 3)]
)
def test_jobs_at_once_are_what_a_new_account_may(block, jobs):
    assert block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {})).in_flight == jobs


@pytest.mark.parametrize("block", SIGNING)
def test_no_webhook_secret_is_needed_where_jobs_are_polled(block):
    credentials = block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {}))
    assert (credentials.webhook_secret, credentials.callback_secret, credentials.callback_url) == (None, "", None)


@pytest.mark.parametrize("block", SIGNING)
def test_a_callback_url_needs_the_secret_that_tells_forged_callbacks(block):
    with pytest.raises(ValueError, match="needs the webhook secret"):
        block(api_key=SecretStr(SECRET), callback_url=CALLBACKS)
    signed = block(api_key=SecretStr(SECRET), callback_url=CALLBACKS, webhook_secret=SecretStr(WEBHOOK))
    assert (signed.callback_url, signed.callback_secret) == (CALLBACKS, WEBHOOK)


@pytest.mark.parametrize("block", [each for each in CREDENTIALS if each is not OpenAICompatibleCredentials])
def test_a_callback_url_is_no_host_that_a_key_goes_to(block):
    secret = {"webhook_secret": SecretStr(WEBHOOK)} if block in SIGNING else {}
    called = block(api_key=SecretStr(SECRET), callback_url=f"{CALLBACKS}/", **secret)
    polled = block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {}))
    assert (called.callback_url, called.hosts) == (CALLBACKS, polled.hosts)
    assert block(api_key=SecretStr(SECRET), callback_url=" ").callback_url is None


@pytest.mark.parametrize(
    "address",
    [
        "http://studio.example/callbacks",
        "studio.example",
        "https://",
        "https://user:pass@studio.example/",
        "https://studio.example/?token=1",
        "https://studio.example/#1",
        "ftp://studio.example/",
    ],
)
def test_a_callback_url_is_public_and_https(address):
    with pytest.raises(ValueError, match="must be https"):
        FalCredentials(api_key=SecretStr(SECRET), callback_url=address)


def test_a_sandbox_on_loopback_needs_no_https():
    assert FalCredentials(api_key=SecretStr(SECRET), callback_url="http://127.0.0.1:8572").callback_url


@pytest.mark.parametrize(
    ("block", "adapter"),
    [*zip(CREDENTIALS, (Fal, Kie, OpenAICompatible, ToApis, WaveSpeed), strict=True)],
    ids=lambda each: each.__name__,
)
async def test_a_client_is_the_providers_own_adapter(block, adapter):
    async with block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {})).session() as session:
        assert type(session.provider) is adapter
        assert session.provider.name == block.provider
    async with httpx.AsyncClient() as http:
        assert type(block(api_key=SecretStr(SECRET), **REQUIRED.get(block, {})).get_client(http)) is adapter


@each_block
def test_everything_but_the_pace_can_be_read_from_the_environment(block):
    prefix = block.provider.upper()
    hosts = {name: f"http://127.0.0.1:{port}" for port, name in enumerate(HOSTS[block], 1)}
    environment = {f"{prefix}_{name.upper()}": url for name, url in hosts.items()}
    environment |= {KEYS[block]: SECRET, f"{prefix}_ACCOUNT": "agency", f"{prefix}_IN_FLIGHT": "7"}
    environment |= {f"{prefix}_WEBHOOK_SECRET": WEBHOOK} if block in SIGNING else {}
    credentials = block.from_environment({**environment, "OTHER_API_KEY": "x"})
    assert {name: value for name, value in credentials if name in HOSTS[block]} == hosts
    assert credentials.api_key.get_secret_value() == SECRET
    assert credentials.account == "agency"
    assert credentials.in_flight == block.model_fields["in_flight"].default
    if block in SIGNING:
        assert credentials.webhook_secret.get_secret_value() == WEBHOOK


@each_block
def test_a_variable_that_is_empty_is_as_good_as_none(block):
    empty = {f"{block.provider.upper()}_{name.upper()}": "" for name in HOSTS[block]}
    credentials = block.from_environment({KEYS[block]: SECRET, **empty})
    assert credentials.hosts == " ".join(HOSTS[block].values())


@pytest.mark.parametrize("given", ["none", "an empty one"])
@pytest.mark.parametrize(
    ("block", "form"),
    [*zip(CREDENTIALS, ("<id>:<secret>", "<key>", "<key>", "sk-<key>", "<key>"), strict=True)],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_missing_key_says_which_variable_to_export(block, form, given):
    name = KEYS[block]
    others = {each: SECRET for each in KEYS.values() if each != name}
    with pytest.raises(ValueError) as missing:
        block.from_environment(others | ({name: ""} if given == "an empty one" else {}))
    assert str(missing.value) == (
        f"{name} is not set; export {name}={form}, or name a saved block such as {block.get_block_type_slug()}/production"
    )


@each_block
async def test_credentials_can_be_read_from_the_environment_by_the_providers_name(block):
    found = await load_credentials(block.provider, {KEYS[block]: SECRET, f"{block.provider.upper()}_ACCOUNT": "agency"})
    assert type(found) is block
    assert (found.account, found.hosts) == ("agency", " ".join(HOSTS[block].values()))


@pytest.mark.parametrize(
    "reference", ["sora", "fal", "openai-credentials/production", "kie-credentials/", "kie-credentials"]
)
async def test_a_provider_that_is_not_known_says_which_there_are(reference):
    with pytest.raises(ValueError, match="is not known") as unknown:
        await load_credentials(reference)
    for block in CREDENTIALS:
        assert f"{block.get_block_type_slug()}/" in str(unknown.value)


async def test_a_flow_does_not_take_a_key_from_the_environment(monkeypatch):
    """Only the command line may: a worker's variables are nobody's choice."""
    monkeypatch.setenv("KIE_API_KEY", SECRET)
    with pytest.raises(ValueError, match="kie-credentials/<name>"):
        await load_credentials("kie")


@each_block
def test_no_jobs_at_once_is_no_setting(block):
    with pytest.raises(ValidationError, match="in_flight"):
        block(api_key=SecretStr(SECRET), in_flight=0, **REQUIRED.get(block, {}))


async def test_a_library_is_named_by_a_block_a_path_or_nothing(tmp_path):
    library = Library(url=str(tmp_path))
    assert await load_library(library) is library
    assert (await load_library(str(tmp_path))).url == str(tmp_path)
    assert (await load_library(None)).url == "~/storyboard-library"


@pytest.mark.parametrize("block", SIGNING)
@pytest.mark.parametrize("secret", ["", "  ", "whsec_"])
def test_an_empty_webhook_secret_is_a_mistake(block, secret):
    with pytest.raises(ValueError, match="the webhook secret is empty"):
        block(api_key=SecretStr("k"), webhook_secret=SecretStr(secret))


def test_a_server_of_ones_own_needs_no_key():
    own = OpenAICompatibleCredentials.from_environment({"OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"})
    assert (own.has_key, own.can_ask, OpenAICompatibleCredentials.keyless().can_ask) == (False, True, False)


def test_a_key_for_language_models_is_no_account():
    """Many have one in their environment: doctor and setup take it for an account only beside an address."""
    key = {"OPENAI_API_KEY": SECRET}
    assert not OpenAICompatibleCredentials.is_configured(key)
    assert OpenAICompatibleCredentials.is_configured({**key, "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"})


def test_a_server_is_given_no_address_for_callbacks():
    with pytest.raises(ValueError, match="jobs are polled"):
        OpenAICompatibleCredentials(base_url="http://h/v1", callback_url=CALLBACKS)


def test_the_models_of_a_server_are_read_from_a_variable():
    models = '{"wan": {"sizes": ["832x480"], "seconds": [5], "usd_per_second": 0.02}}'
    own = OpenAICompatibleCredentials.from_environment({"OPENAI_BASE_URL": "http://h/v1", "OPENAI_MODELS": models})
    (model,) = own.sold().values()
    assert (model.name, model.seconds, model.size("16:9", "480p")) == ("wan", (5,), (832, 480))
    assert model.price("text", 5, "480p") == 0.1


@pytest.mark.parametrize(
    "wrong", ['{"wan": {"sizes": ["480p"]}}', '{"wan": {"seconds": [0]}}', '{"wan": {"cost": 1}}', "{"]
)
def test_a_description_that_is_none_is_a_mistake(wrong):
    with pytest.raises(ValueError):
        OpenAICompatibleCredentials(base_url="http://h/v1", models=wrong)


def test_a_model_that_nobody_describes_has_common_sizes_and_an_unknown_price():
    model = OpenAICompatibleCredentials(base_url="http://h/v1").model("org/some-model")
    assert (model.size("9:16", "1080p"), model.size("16:9", "480p")) == ((1080, 1920), (848, 480))
    assert model.price("text", 4, "720p") is None


def test_only_openais_own_address_has_openais_prices_and_end():
    own, reseller = (
        OpenAICompatibleCredentials.keyless().model("sora-2"),
        OpenAICompatibleCredentials(base_url="http://h/v1"),
    )
    assert (own.ended, own.price("text", 4, "720p")) == (True, 0.4)
    assert (reseller.model("sora-2").ended, reseller.model("sora-2").price("text", 4, "720p")) == (False, None)
