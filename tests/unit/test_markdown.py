"""What a storyboard or a provider says stays words in Prefect's artifacts, whatever Markdown would make of it."""

import pytest

from prefect_storyboard.series.markdown import code, escaped, escaped_rows

HOSTILE = (
    "![x](https://evil.example/pixel.png)",
    "[click](https://evil.example)",
    "<img src=https://evil.example>",
    "https://evil.example",
    "www.evil.example",
    "mail@evil.example",
    "[x]: https://evil.example",
    "&#60;img&#62;",
    "a\n\n# b\n| c |",
    "`x` **y** ~~z~~",
    "| a | b |",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_link_picture_or_html_is_left(text):
    shown = escaped(text)
    for mark in ("](", "![", "<", "://", "www.", "|", "&", "@", "`", "*"):
        plain = (
            shown.replace("\\" + mark[0], "").replace(mark[0] + "\\" + mark[1:], "")
            if len(mark) > 1
            else shown.replace("\\" + mark, "")
        )
        assert mark not in plain
    assert "\n" not in shown


def test_an_ordinary_sentence_stays_as_it_is():
    text = "Mara's clip (s01) is 3.5 s long: at least 4 s are needed; choose a longer one, $0.40 in all."
    assert escaped(text) == text


def test_code_cannot_end_its_own_marks():
    assert code("a`b|c\n`") == "`aˋb∣c ˋ`"


def test_every_text_of_a_table_is_escaped_and_every_number_kept():
    assert escaped_rows([{"why": "<b>", "take": 2}]) == [{"why": r"\<b\>", "take": 2}]
