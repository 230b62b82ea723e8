"""Which roots a storyboard gets: its own folder, the caller's working directory, and in a deployment what is named."""

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.media.bounds import refusal
from prefect_storyboard.series.read import allowed_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "b.yaml").write_text("title: T")
    return tmp_path


def test_on_the_command_line_the_storyboards_folder_and_the_working_directory_are_allowed(here):
    allowed = allowed_files(f"{here}/boards/b.yaml", f"{here}/boards", Library(url=f"{here}/library"))
    assert allowed.roots == (f"{here}/boards", f"{here}/boards", str(here))


def test_a_deployment_allows_the_storyboards_folder_and_what_is_named(here, monkeypatch):
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "d")
    library = Library(url="s3://studio/series", media_roots=["/srv/brand"])
    assert allowed_files("title: T\nscenes: []", "", library).roots == ("s3://studio", "/srv/brand")
    assert allowed_files({"title": "T"}, "", library).roots == ("s3://studio", "/srv/brand")
    assert allowed_files("s3://boards/b.yaml", "s3://boards", library).roots[-1] == "s3://boards"


def test_what_a_script_has_built_may_name_any_path(here):
    assert allowed_files({"title": "T"}, "", Library()).roots is None


def test_a_working_directory_that_is_the_whole_disk_allows_nothing(monkeypatch):
    monkeypatch.chdir("/")
    assert allowed_files("title: T\nscenes: []", "", Library(url="/library")).roots == ()


def test_a_local_library_is_no_permission_to_read_it(here):
    assert refusal("/library/x.png", allowed_files("title: T\nscenes: []", "", Library(url="/library"))) != ""
