"""An amount of money reads the same everywhere, and an unknown one is never $0."""

import pytest

from prefect_storyboard.storyboards.money import price


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.0, "$0.00"),
        (0.4, "$0.40"),
        (2.8, "$2.80"),
        (0.1 + 0.2, "$0.30"),
        (1.2096, "$1.2096"),
        (0.001, "$0.001"),
        (0.175, "$0.175"),
        (120960.0, "$120,960.00"),
        (0.00001, "less than $0.0001"),
        (None, "unknown"),
    ],
)
def test_an_amount_has_cents_and_no_lost_digits(usd, text):
    assert price(usd) == text
