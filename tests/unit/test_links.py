"""A report leads to the reel: a link that opens where there is one, and never one that is signed."""

import pytest
from pydantic import ValidationError

from prefect_storyboard.blocks import Library
from prefect_storyboard.cli.links import links
from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.series.links import where
from prefect_storyboard.series.report import failures
from prefect_storyboard.storyboards import FailedScene, Reel


def told(library: Library) -> str:
    """What a report says of a reel in this library."""
    root = f"{library.url}/reels/the night"
    return "\n".join(
        where(Reel(title="The Night", clips=(), url=f"{root}/reel.mp4", page=f"{root}/index.html"), library)
    )


def test_a_public_address_links_the_reel_and_its_page():
    lines = told(Library(url="s3://films/a", public_url="https://cdn.studio.example/a/"))
    assert "[Watch the reel](https://cdn.studio.example/a/reels/the%20night/reel.mp4)" in lines
    assert "[open its page](https://cdn.studio.example/a/reels/the%20night/index.html)" in lines


def test_a_bucket_without_one_is_opened_in_its_console_by_whoever_may_read_it(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    amazon, google = told(Library(url="s3://films/a")), told(Library(url="gs://films/a"))
    assert "s3.console.aws.amazon.com/s3/object/films?prefix=a%2Freels%2Fthe%20night%2Freel.mp4)" in amazon
    assert "(https://storage.cloud.google.com/films/a/reels/the%20night/reel.mp4)" in google
    assert "`storyboard link the night --library gs://films/a`" in google


@pytest.mark.parametrize(
    "library",
    [
        Library(url="az://films"),
        Library(url="s3://films", storage_options={"endpoint_url": "http://minio:9000", "secret": "s3cr3t"}),
        Library(url="s3://films", storage_options={"client_kwargs": {"endpoint_url": "http://minio:9000"}}),
    ],
    ids=["azure", "minio", "minio's client"],
)
def test_a_bucket_without_a_console_says_the_command_that_makes_a_link(library):
    lines = told(library)
    assert "storyboard link the night" in lines
    assert "](" not in lines
    assert "s3cr3t" not in lines


def test_a_reel_on_disk_says_its_path():
    assert "`/films/reels/the night/reel.mp4`" in told(Library(url="/films"))


@pytest.mark.parametrize(
    "address", ["ftp://studio.example", "https://a:b@studio.example", "https://studio.example/?s=1"]
)
def test_a_public_address_that_holds_a_secret_or_opens_nowhere_is_refused(address):
    with pytest.raises(ValidationError, match="public URL has to be https"):
        Library(url="s3://films", public_url=address)


class Signing:
    """A bucket's filesystem that signs."""

    def sign(self, path: str, expiration: int) -> str:
        return f"https://films.example/{path}?expires={expiration}&signature=s3cr3t"


@pytest.fixture
def storage(tmp_path) -> Storage:
    made = open_storage(str(tmp_path))
    made.write(b"film", "reels", "the-night", "reel.mp4")
    return made


class InBucket(Storage):
    """The same files, as if in a bucket: none of them is on this disk."""

    def local(self, *parts: str) -> None:
        return None

    def exists(self, *parts: str) -> bool:
        return parts == ("reels", "the-night", "reel.mp4")


def in_bucket(fs: object) -> Storage:
    return InBucket(fs=fs, root="films", url="s3://films")


def test_the_command_gives_the_page_of_a_reel_on_disk_by_title_or_folder(storage):
    library = Library(url=storage.url)
    assert links("The Night", library, storage) == links("the-night", library, storage)
    page, film = links("The Night", library, storage)
    assert page.startswith("page   file:///")
    assert film == f"reel   {storage.path('reels', 'the-night', 'reel.mp4')}"


def test_the_command_signs_a_link_for_an_hour():
    (line,) = links("The Night", Library(url="s3://films"), in_bucket(Signing()))
    assert line == "reel   https://films.example/films/reels/the-night/reel.mp4?expires=3600&signature=s3cr3t"


def test_a_store_that_cannot_sign_is_told_in_one_sentence():
    with pytest.raises(
        ValueError, match=r"cannot sign a link \(AttributeError; .* Open s3://films/reels/the-night/reel.mp4"
    ):
        links("The Night", Library(url="s3://films"), in_bucket(object()))


def test_a_reel_that_is_not_there_names_those_that_are(storage):
    with pytest.raises(ValueError, match=r"there is no reel 'The Day'.*its reels: the-night"):
        links("The Day", Library(url=storage.url), storage)


def test_the_failed_scenes_are_one_table_whose_cells_wrap():
    failed = FailedScene(scene="s02", error="refused | *twice*", charged=False, remedy="Change the prompt.")
    page = failures(Reel(title="The Night", clips=(), failed=(failed,)))
    assert "1 of 1 scene failed. Run again: what is stored is not bought twice." in page
    assert page.endswith("| s02 | refused \\| \\*twice\\* | no | Change the prompt. |")
