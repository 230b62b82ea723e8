"""The page about the sandbox names every field of a rule; `tests/unit/test_docs.py` looks for the faults."""

from pathlib import Path

from prefect_storyboard.sandbox.faults import Rule

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_the_page_names_every_field_of_a_rule() -> None:
    assert [name for name in Rule.model_fields if f"`{name}" not in PAGE and f'"{name}"' not in PAGE] == []
