"""Every error answers three questions: was it sent, was it charged, what should the person do?"""

import pickle
import time

import pytest

from prefect_storyboard.providers import errors
from prefect_storyboard.providers.errors import ProviderError, clean

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProviderError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_three_answers(kind: type[ProviderError]) -> None:
    error = kind("it went wrong")
    assert (error.sent, error.charged) in {(True, False), (False, False), (None, None), (True, None)}
    assert error.remedy[0].isupper()
    assert error.remedy.endswith(".")
    assert (error.request_id, error.http_status, error.raw) == (None, None, None)
    assert str(error) == "it went wrong"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_drawing_in_the_docstring_shows_every_error(kind: type[ProviderError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__


def test_only_what_was_never_sent_says_so() -> None:
    assert [kind for kind in KINDS if kind("x").sent is False] == [errors.NotSent]


def test_facts_are_kept_and_unknown_ones_are_a_mistake_of_ours() -> None:
    error = errors.Busy("slow down", retry_after=7.0, http_status=429, request_id="r", charged=None, remedy="Wait.")
    assert (error.retry_after, error.http_status, error.request_id, error.charged, error.remedy) == (
        7.0,
        429,
        "r",
        None,
        "Wait.",
    )
    assert errors.Busy("slow down").retry_after is None
    with pytest.raises(TypeError, match="Busy has no field"):
        errors.Busy("slow down", field="prompt")


def test_an_error_survives_the_way_to_another_process() -> None:
    error = errors.GenerationFailed("no video", resubmittable=True, charged=False, request_id="r", raw={"a": [1]})
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("see https://a.b/c.mp4?X-Sig=1&b=2 now", "see https://a.b/c.mp4 now"),
        ("'https://a.b/c#token=1'", "'https://a.b/c'"),
        ('{"url": "http://a.b/c?d=\\"e"}', '{"url": "http://a.b/c\\"e"}'),
        ("(https://a.b/c?d) and https://e.f?g", "(https://a.b/c and https://e.f"),
        ("Authorization: Key kid:ksec was refused", "Authorization: (a key) was refused"),
        ("Bearer abc.def-ghi was refused", "(a key) was refused"),
        ("No user found for Key ID and Secret", "No user found for Key ID and Secret"),
        ("Expected '<key_id>:<key_secret>'.", "Expected '<key_id>:<key_secret>'."),
        ("Top up at fal.ai/dashboard/billing.", "Top up at fal.ai/dashboard/billing."),
        ("Is it so? Yes", "Is it so? Yes"),
    ],
)
def test_keys_and_signatures_are_cut_out(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert str(ProviderError(text)) == cleaned


def test_what_was_found_is_kept_without_its_signatures() -> None:
    raw = {"video": {"url": "https://a.b/c.mp4?sig=1"}, "list": ["Key kid:ksec", 7, None, "é\"'"]}
    assert ProviderError("x", raw=raw).raw == {
        "video": {"url": "https://a.b/c.mp4"},
        "list": ["(a key)", 7, None, "é\"'"],
    }
    assert ProviderError("x", raw="text").raw == "text"


@pytest.mark.parametrize(
    ("key", "echo"),
    [
        ("kid-01234567:s3cr3t-89abcdef", "s3cr3t-89abcdef"),
        ("kid-01234567:s3cr3t-89abcdef", "kid-01234567"),
        ("sk-abcdef0123456789", "abcdef0123456789"),
        ("whole-key-of-parts99", "whole-key-of-parts99"),
    ],
)
def test_every_part_of_a_key_is_masked(key: str, echo: str) -> None:
    errors.redact(key)
    assert echo not in str(ProviderError(f"no account for {echo}."))


@pytest.mark.parametrize("text", ["http://" * 300_000, "Key " * 500_000, "https://a?" * 200_000, "x@" * 500_000])
def test_a_megabyte_is_cleaned_in_proportion_to_its_length(text: str) -> None:
    begun = time.process_time()
    clean(text)
    assert time.process_time() - begun < 20  # a fraction of a second; quadratic, it would be an hour


def test_a_message_is_a_sentence_and_what_was_found_no_library() -> None:
    assert len(str(ProviderError("x" * 1_000_000))) == 2_000
    assert len(ProviderError("x", raw=["y" * 1_000_000]).raw) == 100_000
