"""A library's URL means what its writer meant, or is refused with the one to write."""

from pathlib import Path

import pytest

from prefect_storyboard.ledger import LibraryError, open_storage
from prefect_storyboard.ledger.location import check_location


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("s3:/reels/shelf", r"write s3:// with two slashes, or \./s3:/reels"),
        ("gs:reels", "write gs:// with two slashes"),
        ("file:/srv/library", "write file:// with two slashes"),
        ("C:\\films\\library", "a Windows path"),
        ("C:/films/library", "a Windows path"),
        ("$HOME/library", r"\$HOME is not expanded; write the folder out, or begin with ~"),
        ("/srv/${STUDIO}/library", r"\$\{STUDIO is not expanded"),
        ("%USERPROFILE%/library", "%USERPROFILE% is not expanded"),
        ("file:///srv/$STUDIO", r"\$STUDIO is not expanded"),
        ("s3://reels//shelf", "write s3://reels/shelf"),
        ("s3://reels/a//b/", "write s3://reels/a/b/"),
        ("s3:///shelf", "it names no bucket; write s3://bucket/folder"),
        ("", "the library has no URL"),
    ],
)
def test_a_mistyped_url_is_refused_with_the_right_one(
    url: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LibraryError, match=remedy):
        open_storage(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA0123456789:s3cr3t+k3y@reels/shelf",
        "s3://AKIA0123456789:s3cr3t/k3y@reels/shelf",
        "s3://:s3cr3t@reels/shelf",
        "s3:/AKIA0123456789:s3cr3t/k3y@reels/shelf",
        "s3:AKIA0123456789:s3cr3t@reels",
        "gs://user:s3cr3t@reels//shelf",
        "az://user:s3cr3t?#@reels/shelf",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(LibraryError, match=r"library \w+:/{0,2}reels\S*: .* in storage_options") as refused:
        open_storage(url)
    assert "s3cr3t" not in f"{refused.value!r}"
    assert "AKIA" not in f"{refused.value!r}"


@pytest.mark.parametrize("url", ["s3://user:s3cr3t@reels", "s3://user:s3c/r3t@reels", "https://host/x?sig=s3cr3t"])
def test_no_error_of_a_library_repeats_a_password(url: str) -> None:
    shown = str(LibraryError(f"{url}/ledger/probe.json cannot be read: Forbidden"))
    assert "r3t" not in shown


def test_an_access_point_of_s3_is_no_password() -> None:
    check_location("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/reels/me@studio")


@pytest.mark.parametrize("name", ["a b", "Ünï", "100%", "a%b", "s3", "take:1"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / name))
    storage.write(b"1", "a.json")
    assert (tmp_path / name / "a.json").exists()


@pytest.mark.parametrize("name", ["a b", "Ünï"])
def test_a_file_url_and_its_path_are_one_library(name: str, tmp_path: Path) -> None:
    open_storage(str(tmp_path / name)).write(b"1", "ledger", "a.json")
    encoded = open_storage((tmp_path / name).as_uri())
    assert encoded.read("ledger", "a.json") == b"1"
    assert encoded.parts(encoded.link("ledger", "a.json")) == ("ledger", "a.json")


def test_a_library_that_0_1_0_made_under_the_encoded_name_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a%20b" / "ledger").mkdir(parents=True)
    with pytest.raises(LibraryError, match=r"0\.1\.0 kept it in .*a%20b, and the URL means .*a b; rename the folder"):
        open_storage((tmp_path / "a b").as_uri())
