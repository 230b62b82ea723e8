"""Where characters, ledger, clips and reels are kept."""

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field, GetJsonSchemaHandler, HttpUrl
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_storyboard.blocks.gateway import HOME, LOGOS, saved
from prefect_storyboard.ledger import Storage, open_storage

HOME_FOLDER = "~/storyboard-library"


class Library(Block):
    """One folder, on local disk or in a bucket, for everything that storyboards leave behind."""

    _block_type_name = "Storyboard Library"
    _block_type_slug = "storyboard-library"
    _logo_url = HttpUrl(f"{LOGOS}/library.png")
    _documentation_url = HttpUrl(f"{HOME}#the-library")
    _description = "The folder or bucket that holds characters, ledger, clips and reels."
    _code_example = """
    ```python
    from prefect_storyboard.blocks import Library

    library = Library.load("BLOCK_NAME")
    ```
    """

    url: str = Field(
        default=HOME_FOLDER,
        title="URL",
        description="A folder, or any fsspec URL that can create a file exclusively: s3://, gs://, az://.",
    )
    storage_options: SecretDict = Field(
        default=SecretDict({}),
        title="Storage options",
        description="Given to fsspec, for example key, secret and endpoint_url for S3; else the machine's own.",
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """With nothing required, Prefect's forms take a reference to a saved library for a library, and refuse it."""
        schema = handler(core)
        handler.resolve_ref_schema(schema)["required"] = ["url"]
        return schema

    def storage(self) -> Storage:
        """Open the filesystem. Raises LibraryError for one that cannot promise to create a file only once."""
        return open_storage(self.url, self.storage_options.get_secret_value())


async def load_library(reference: Library | str | None) -> Library:
    """The library itself, a saved block's reference ("storyboard-library/main"), a folder or a URL."""
    if isinstance(reference, Library):
        return reference
    slug = Library.get_block_type_slug()
    if reference and reference.startswith(f"{slug}/"):
        return Library.model_validate(await saved(Library, reference.removeprefix(f"{slug}/")))
    return Library(url=reference) if reference else Library()
