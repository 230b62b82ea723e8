"""The model table beside a gateway's own list: new, gone, changed, and a patch that makes the table agree."""

import re
import tomllib
from typing import Any

import pytest

from prefect_storyboard.providers.catalogue import Comparison, compare, patch
from prefect_storyboard.providers.protocol import Listed
from prefect_storyboard.storyboards import Model

TEXT = """\
# ---- one
[one.first]
codec = "c"
seconds = [4]
aspects = ["16:9"]
resolutions = ["720p", "1080p"]
usd_per_second = { "720p" = 0.1, "1080p" = 0.2 } # seen

[one.first.endpoints]
text = "one/first/text-to-video"
image = "one/first/image-to-video"

[one."first.5"]
codec = "c"
seconds = [4]
aspects = ["16:9"]
resolutions = ["720p"]
endpoints = { text = "one/first.5/text-to-video" }

[one.over]
retires_on = 2020-01-01
codec = "c"
seconds = [4]
aspects = ["16:9"]
resolutions = ["720p"]
endpoints = { text = "one/over/text-to-video" }

# ---- two
[two.other]
codec = "c"
seconds = [4]
aspects = ["16:9"]
resolutions = ["720p"]
endpoints = { text = "one/first/image-to-video" }
"""


def sold(text: str = TEXT) -> dict[str, Model]:
    return {name: Model(name=name, provider="one", **facts) for name, facts in tomllib.loads(text)["one"].items()}


def listed(*names: str, **prices: Any) -> list[Listed]:
    return [Listed(endpoint=f"one/{name}", **prices) for name in names]


ALL = ("first/text-to-video", "first/image-to-video", "first.5/text-to-video")


def patched(found: Comparison) -> str:
    """The table after its patch, read as `patch -p0` reads it."""
    old, made, at = TEXT.splitlines(keepends=True), list[str](), 0
    for line in patch("one", found, TEXT, "2026-11-28").splitlines(keepends=True)[2:]:
        if hunk := re.match(r"@@ -(\d+)", line):
            made += old[at : int(hunk[1]) - 1]
            at = int(hunk[1]) - 1
        elif line.startswith("+"):
            made.append(line[1:])
        else:
            assert old[at] == line[1:]
            made += [] if line.startswith("-") else [old[at]]
            at += 1
    return "".join(made + old[at:])


def test_a_table_that_agrees_has_nothing_to_say() -> None:
    found = compare(sold(), listed(*ALL))
    assert not found
    assert patch("one", found, TEXT, "2026-11-28") == ""


def test_an_ended_model_is_not_missed() -> None:
    assert "over" not in dict(compare(sold(), listed()).gone)


def test_what_is_not_listed_or_not_active_is_gone() -> None:
    listing = [*listed(*ALL[1:]), Listed(endpoint="one/first/text-to-video", active=False)]
    assert compare(sold(), listing).gone == (("first", "one/first/text-to-video"),)


@pytest.mark.parametrize(("usd", "unit", "changed"), [
    (0.1, "second", ()),
    (0.2, "seconds", ()),
    (0.3, "second", (("first", "720p", 0.3),)),
    (0.3, "run", ()),
])  # fmt: skip
def test_a_unit_price_that_the_table_has_for_no_size_is_a_change(usd: float, unit: str, changed: Any) -> None:
    assert compare(sold(), [*listed(ALL[0], usd=usd, unit=unit), *listed(*ALL[1:])]).changed == changed


def test_what_makes_videos_and_is_in_no_section_is_new() -> None:
    further = [Listed(endpoint="one/second/text-to-video"), Listed(endpoint="one/voice", makes="text-to-speech")]
    found = compare(sold(), [*listed(*ALL), *further, Listed(endpoint="one/third", makes="image-to-video")])
    assert [each.endpoint for each in found.new] == ["one/second/text-to-video", "one/third"]
    assert str(found) == "2 new, 0 gone, 0 changed"


def test_the_patch_applies_and_the_patched_table_agrees() -> None:
    """Gone endpoints are commented out, and of another gateway with the same id nothing is."""
    listing = [*listed(ALL[0], usd=0.3, unit="second"), *listed(ALL[2]), *listed("second/text-to-video", usd=0.5)]
    text = patched(compare(sold(), listing))
    assert '# gone on 2026-11-28: image = "one/first/image-to-video"' in text
    assert 'usd_per_second = { "720p" = 0.3, "1080p" = 0.2 } # seen' in text
    assert "# new at one on 2026-11-28:\n#   one/second/text-to-video  $0.50 a unit\n\n# ---- two" in text
    assert tomllib.loads(text)["two"] == tomllib.loads(TEXT)["two"]
    again = compare(sold(text), listing)
    assert (again.gone, again.changed) == ((), ())


def test_a_model_that_is_like_another_gets_a_price_of_its_own() -> None:
    found = Comparison(changed=(("first.5", "720p", 0.7),))
    assert sold(patched(found))["first.5"].usd_per_second == {"720p": 0.7}
