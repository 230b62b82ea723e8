"""What the operator allows comes from the environment, the profile and the block, and from no file of the folder."""

import pytest

from prefect_storyboard.blocks import Library, StoryboardSettings

NAME = "PREFECT_INTEGRATIONS_STORYBOARD_ALLOWED_HOSTS"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A storyboard's folder that somebody has downloaded, as the working directory."""
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv("PREFECT_PROFILES_PATH")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", f"{NAME}=evil\n"),
        ("prefect.toml", '[integrations.storyboard]\nallowed_hosts = "evil"\n'),
        ("pyproject.toml", '[tool.prefect.integrations.storyboard]\nallowed_hosts = "evil"\n'),
    ],
)
def test_a_downloaded_folder_allows_itself_nothing(folder, file, text):
    (folder / file).write_text(text)
    assert StoryboardSettings().allowed_hosts == ()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", "PREFECT_PROFILES_PATH=mine.toml\n"),
        ("prefect.toml", 'profiles_path = "mine.toml"\n'),
        ("pyproject.toml", '[tool.prefect]\nprofiles_path = "mine.toml"\n'),
    ],
)
def test_a_downloaded_folder_brings_no_profiles(folder, file, text):
    (folder / "mine.toml").write_text(f'active = "x"\n[profiles.x]\n{NAME} = "evil"\n')
    (folder / file).write_text(text)
    assert StoryboardSettings().allowed_hosts == ()


def test_the_environment_names_hosts_with_commas(folder, monkeypatch):
    monkeypatch.setenv(NAME, "10.0.0.7, media.inner:8080")
    assert StoryboardSettings().allowed_hosts == ("10.0.0.7", "media.inner:8080")


def test_the_profile_names_hosts(folder, monkeypatch):
    (folder / "home").mkdir()
    (folder / "home" / "profiles.toml").write_text(f'active = "x"\n[profiles.x]\n{NAME} = "one,two"\n')
    assert StoryboardSettings().allowed_hosts == ("one", "two")


def test_bounds_are_settings(folder, monkeypatch):
    monkeypatch.setenv("PREFECT_INTEGRATIONS_STORYBOARD_MAX_SCENES", "7")
    assert StoryboardSettings().bounds.max_scenes == 7


def test_the_block_adds_to_what_the_machine_allows(folder, monkeypatch):
    monkeypatch.setenv(NAME, "one")
    allowed = Library(url="s3://studio/series", allowed_hosts=["two"], media_roots=["/media"]).allowed("/boards")
    assert allowed.hosts == ("two", "one")
    assert allowed.roots == ("s3://studio", "/media", "/boards")
