"""What the Prefect UI stores, held to Prefect's own standards for a collection."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from unittest.mock import patch

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from prefect_storyboard import blocks
from prefect_storyboard.blocks import FalCredentials, Library, load_credentials, load_library

LOGOS = Path(__file__).parents[2] / "docs" / "logos"
EXPORTED = [
    each for name in blocks.__all__ if isinstance(each := getattr(blocks, name), type) and issubclass(each, Block)
]


@pytest.mark.parametrize("block", sorted({*EXPORTED}, key=lambda block: block.__name__))
class TestStandards(BlockStandardTestSuite):
    """Prefect's suite over every exported block."""

    @pytest.fixture
    def block(self, request):
        return request.param

    def test_has_a_valid_image(self, block):
        """Prefect fetches the logo from the web. Tests have no internet: they open the file that is published there."""
        url = str(block._logo_url)
        assert url.startswith("https://raw.githubusercontent.com/")
        file = (LOGOS / url.rpartition("/")[2]).open("rb")
        with file, patch("prefect.testing.standard_test_suites.blocks.urlopen", return_value=file):
            super().test_has_a_valid_image(block)


def test_prefect_finds_the_collection_by_its_entry_point():
    (entry,) = (entry for entry in entry_points(group="prefect.collections") if entry.name == "prefect_storyboard")
    assert entry.load() is blocks


def test_prefect_can_store_what_the_collection_exports():
    assert {block.get_block_type_slug() for block in EXPORTED} == {"fal-credentials", "storyboard-library"}


def test_importing_the_blocks_costs_no_codec_no_server_and_no_cloud():
    """Prefect's server and `prefect block register` import every collection at their start."""
    heavy = "{'av', 'PIL', 's3fs', 'aiobotocore', 'moto', 'prefect_storyboard.sandbox', 'prefect_storyboard.media'}"
    script = f"import sys, prefect_storyboard.blocks; print(sorted({heavy} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


@pytest.mark.engine
async def test_credentials_come_back_from_the_server_as_they_were_saved(engine):
    saved = FalCredentials(
        api_key=SecretStr("id:secret"), account="agency", in_flight=3, queue_url="http://127.0.0.1:1"
    )
    await saved.save("agency", overwrite=True)
    loaded = await load_credentials("fal-credentials/agency")
    assert isinstance(loaded, FalCredentials)
    assert loaded.model_dump() == saved.model_dump()
    assert loaded.api_key.get_secret_value() == "id:secret"


@pytest.mark.engine
async def test_a_library_comes_back_from_the_server_as_it_was_saved(engine):
    saved = Library(
        url="s3://films/house", storage_options={"key": "k", "secret": "s3cr3t", "client_kwargs": {"a": [1]}}
    )
    await saved.save("house", overwrite=True)
    loaded = await load_library("storyboard-library/house")
    assert loaded.url == "s3://films/house"
    assert loaded.storage_options.get_secret_value() == saved.storage_options.get_secret_value()


@pytest.mark.engine
async def test_a_block_that_was_not_saved_is_an_error_that_says_how_to_save_it(engine):
    with pytest.raises(ValueError, match=r"fal-credentials.*nobody"):
        await load_credentials("fal-credentials/nobody")
    with pytest.raises(ValueError, match=r"storyboard-library.*nobody|nobody.*storyboard-library"):
        await load_library("storyboard-library/nobody")


def test_secrets_show_in_no_representation():
    credentials = FalCredentials(api_key=SecretStr("id:s3cr3t"))
    library = Library(url="s3://films", storage_options={"secret": "s3cr3t"})
    for block in (credentials, library):
        assert "s3cr3t" not in f"{block!r} {block} {block.model_dump()} {block.model_dump_json()}"


@pytest.mark.parametrize("environment", [{}, {"FAL_KEY": ""}])
def test_a_missing_key_says_which_variable_to_export(environment):
    with pytest.raises(ValueError, match="export FAL_KEY=<id>:<secret>"):
        FalCredentials.from_environment(environment)


async def test_credentials_can_be_read_from_the_environment_by_the_providers_name():
    found = await load_credentials("fal", {"FAL_KEY": "id:secret", "FAL_QUEUE_URL": "http://127.0.0.1:1"})
    assert (found.queue_url, found.rest_url) == ("http://127.0.0.1:1", "https://rest.fal.ai")


async def test_a_provider_that_is_not_known_says_which_there_are():
    with pytest.raises(ValueError, match="fal-credentials/<name of the block>"):
        await load_credentials("kie")


def test_no_jobs_at_once_is_no_setting():
    with pytest.raises(ValidationError, match="in_flight"):
        FalCredentials(api_key=SecretStr("id:secret"), in_flight=0)


async def test_a_library_is_named_by_a_block_a_path_or_nothing(tmp_path):
    library = Library(url=str(tmp_path))
    assert await load_library(library) is library
    assert (await load_library(str(tmp_path))).url == str(tmp_path)
    assert (await load_library(None)).url == "~/storyboard-library"
