"""Any text and any bytes whatever, in numbers: a parser ends in a value or in our own error, and in nothing else.

`make test-all` draws 100,000 inputs; without it a few hundred are drawn, so that the tests themselves stay true.
"""

from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_storyboard.addresses import bare
from prefect_storyboard.providers import callbacks
from prefect_storyboard.providers.errors import ProviderError, clean
from prefect_storyboard.providers.http import json_object
from prefect_storyboard.storyboards import StoryboardError, parse

YAML = st.text(st.sampled_from("title: scenes-[]{}&*<>!|'\"#,\n\t%@`\\é\u2028\x00ab01~?"), max_size=120)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
BOARD = st.dictionaries(st.sampled_from(["title", "scenes", "cast", "style", "seconds", "model", "x"]), JSON)
FEW, MANY = 200, 20_000  # of each of five: 100,000 in all


@pytest.fixture(params=[FEW, pytest.param(MANY, marks=pytest.mark.fuzz)])
def drawn(request):
    """Hypothesis' settings for a few inputs, or for many."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=request.param, deadline=None, suppress_health_check=quiet, database=None)


def test_any_text_is_a_storyboard_or_a_storyboard_error(drawn):
    @drawn
    @given(YAML | st.text(), st.sampled_from(["board.yaml", "board.json"]))
    def reads(text, name):
        with suppress(StoryboardError):
            parse(text, name)

    reads()


def test_any_mapping_is_a_storyboard_or_a_storyboard_error(drawn):
    import json

    @drawn
    @given(BOARD)
    def reads(board):
        with suppress(StoryboardError):
            parse(json.dumps(board), "board.json")

    reads()


def test_any_bytes_are_an_object_or_none(drawn):
    @drawn
    @given(st.binary() | YAML.map(lambda text: text.encode(errors="replace")))
    def reads(body):
        assert isinstance(json_object(httpx.Response(200, content=body)), dict | None)

    reads()


def test_no_bytes_verify_a_callback(drawn):
    names = st.sampled_from(["x-webhook-", "x-toapis-webhook-", "webhook-", "x-fal-webhook-"])
    odd = st.text(st.characters())

    @drawn
    @given(names, odd, odd, odd, st.binary())
    def verifies(prefix, at, signature, secret, body):
        headers = {f"{prefix}{n}": at for n in ("timestamp", "id", "request-id", "user-id")} | {
            f"{prefix}signature": signature
        }
        for verify in (callbacks.from_kie, callbacks.from_toapis, callbacks.from_wavespeed):
            assert verify(headers, body, secret) is None
        assert callbacks.from_fal(headers, body, [secret]) is None

    verifies()


def test_no_signature_outlives_an_error(drawn):
    @drawn
    @given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20), YAML)
    def cleans(signature, around):
        link = f"https://user:{signature}@host.example/a.mp4?sig={signature}#{signature}"
        assert (
            signature not in bare(f"{around} {link} {around}")
            or signature in around
            or signature in "https://host.example/a.mp4"
        )
        assert f"sig={signature}" not in str(ProviderError(f"{link} {around}")) + clean(link)

    cleans()
