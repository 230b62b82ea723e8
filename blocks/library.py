"""The library as a block: where characters, ledger, clips and reels are stored."""

from urllib.parse import quote

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_storyboard.blocks.browser_links import checked, console_link
from prefect_storyboard.blocks.gateway import load_block
from prefect_storyboard.blocks.settings import StoryboardSettings
from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.media.bounds import Allowed, bucket_of
from prefect_storyboard.project import logo, page

HOME_FOLDER = "~/storyboard-library"


class Library(Block):
    """The folder, on local disk or in a bucket, that holds characters, ledger, clips and reels."""

    _block_type_name = "Storyboard Library"
    _logo_url = logo("library")
    _documentation_url = page("docs/blocks.md")

    url: str = Field(
        default=HOME_FOLDER,
        title="URL",
        description="A folder, or the fsspec URL of a bucket with conditional writes: s3://, gs:// or az://.",
    )
    storage_options: SecretDict = Field(
        default=SecretDict({}),
        title="Storage options",
        description="Passed to fsspec, for example key and endpoint_url for S3. Empty: the machine's credentials.",
    )

    public_url: str | None = Field(
        default=None,
        title="Public URL",
        description=(
            "The address at which browsers reach the library: the bucket's public address, a CDN, or a web server for "
            "the folder. Reports then link the reel and its page. Empty: the library is not public."
        ),
    )
    media_roots: list[str] = Field(
        default=[],
        title="Media folders",
        description="Folders of the worker whose files a storyboard may name, besides its own folder.",
    )
    allowed_stores: list[str] = Field(
        default=[],
        title="Media buckets",
        description="Other buckets, or folders in them, whose files a storyboard may name: s3://brand-assets.",
    )
    allowed_hosts: list[str] = Field(
        default=[],
        title="Inner hosts",
        description="Hosts, with or without a port, that a storyboard may name even though their address is private.",
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Make `url` required: else Prefect's form mistakes the reference to a saved library for a new one."""
        schema = handler(core)
        handler.resolve_ref_schema(schema)["required"] = ["url"]
        return schema

    @field_validator("public_url")
    @classmethod
    def _opens(cls, address: str | None) -> str | None:
        return checked(address.strip()) if address and address.strip() else None

    def opens_at(self, link: str) -> str | None:
        """The address at which a browser opens a file of this library, or None.

        It is below the public URL, else in the bucket's console, where the reader logs in. It has no signature.
        """
        if self.public_url:
            return f"{self.public_url}/{quote(link.removeprefix(self.url.rstrip('/')).lstrip('/'))}"
        return console_link(link, self.storage_options.get_secret_value())

    def storage(self) -> Storage:
        """Open the storage. Raises LibraryError if it cannot create a file exclusively."""
        return open_storage(self.url, self.storage_options.get_secret_value())

    def allowed(self, *roots: str) -> Allowed:
        """What a storyboard may read: this library's bucket, what block and settings allow, and the given roots."""
        settings = StoryboardSettings()
        own = [bucket_of(self.url)] if "://" in self.url and not self.url.startswith(("file:", "local:")) else []
        named = (*self.media_roots, *self.allowed_stores, *settings.media_roots, *settings.allowed_stores)
        hosts = (*self.allowed_hosts, *settings.allowed_hosts)
        return Allowed(roots=(*own, *named, *roots), hosts=hosts, bounds=settings.bounds)


def allowed_to_callers(library: Library | None = None) -> Allowed:
    """What a caller's own code may read: every path and bucket, and the hosts that block and settings allow."""
    given = (library or Library()).allowed()
    return given.model_copy(update={"roots": None})


async def load_library(reference: Library | str | None) -> Library:
    """Return the library, or load it by a saved block's reference ("storyboard-library/main"), a folder or a URL."""
    if isinstance(reference, Library):
        return reference
    slug = Library.get_block_type_slug()
    if reference and reference.startswith(f"{slug}/"):
        return Library.model_validate(await load_block(Library, reference.removeprefix(f"{slug}/")))
    return Library(url=reference) if reference else Library()
