"""A stored URL says where in its library the file lies, wherever the library is and whatever things are called."""

import pytest

from prefect_storyboard.ledger.sidecars import inside, sheet_folder, takes_folder

HASH = "0123456789abcdef"


@pytest.mark.parametrize(
    "place",
    [
        (*takes_folder("pier", "s01"), "take-001.mp4"),
        (*takes_folder("", "the-sea"), "take-001.mp4"),
        (*takes_folder("pier", "s01", "stills"), "take-001.png"),
        (*takes_folder("", "the-sea", "stills"), "take-001.png"),
        (*takes_folder("mara", sheet_folder("storm"), "sheets"), "take-001.png"),
        (*takes_folder("pictures", sheet_folder(""), "sheets"), "take-001.png"),
        ("characters", "mara", HASH, "clip.mp4"),
        ("characters", "clips", HASH, "clip.mp4"),
        ("characters", "pictures", HASH, "image-1.png"),
        (*takes_folder("pictures", "clips", "stills"), "take-001.png"),
    ],
    ids="/".join,
)
@pytest.mark.parametrize("root", ["/data", "s3://studio/reels/characters", "/home/me/pictures", "/clips/reels"])
def test_a_url_leads_back_to_its_place(root: str, place: tuple[str, ...]) -> None:
    assert inside("/".join((root, *place))) == place
