"""The tools of the benchmarks. What they measure is in no test."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import machine
from benchmarks.__main__ import BEGIN, END, replace, written
from benchmarks.far import distant
from benchmarks.plot import draw
from benchmarks.table import Row, line
from tests.s3.s3_double import serving

ROWS = [
    Row("core, 400 jobs", "ours at fal", "limit", wall=1.2, cpu=1.1, requests=1.2, mb=120.4, note="400 clips"),
    Row("core, 400 jobs", "wavespeed", "limit", wall=1.3, cpu=1.0, requests=6.0),
    Row("S3 with 20 ms of round trip, 20 scenes", "new", "local disk", requests=12.0),
]


def test_a_row_shows_what_was_measured_and_leaves_the_rest_empty() -> None:
    assert line(ROWS[2]) == "| S3 with 20 ms of round trip, 20 scenes | new | local disk |  |  | 12.0 |  |  |"


def test_the_table_of_a_page_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(f"before\n{BEGIN}old\n{END}after\n")
    replace(page, written(ROWS, machine.facts(), ["s3"], 90.0))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}")
    assert text.endswith(f"{END}after\n")
    assert "| core, 400 jobs | ours at fal | limit | 1.20 | 1.10 | 1.20 | 120 | 400 clips |" in text
    assert "Not measured in that run: s3." in text
    assert "old" not in text


def test_a_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text("before\nafter\n")
    with pytest.raises(ValueError, match="no lines"):
        replace(page, "table")
    assert page.read_text() == "before\nafter\n"


def test_the_same_rows_make_the_same_plot(tmp_path: Path) -> None:
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    draw(ROWS, one)
    draw(ROWS, other)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_text().startswith("<?xml")


def test_a_distant_server_answers_the_same_and_its_requests_are_counted_by_kind() -> None:
    with serving() as bucket, distant(f"http://127.0.0.1:{bucket.port}", 0.0) as far:
        connection = http.client.HTTPConnection(urlsplit(far.endpoint).netloc, timeout=10)
        for verb, path in (("PUT", "/reels/a"), ("GET", "/reels/a"), ("GET", "/reels/?list-type=2&prefix=a")):
            connection.request(verb, path, body=b"GET" if verb == "PUT" else None)
            connection.getresponse().read()
        connection.close()
    assert far.requests == {"PUT": 1, "GET": 1, "LIST": 1}
    assert bucket.objects == {"a": b"GET"}
