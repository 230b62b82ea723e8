"""Every clip is looked at: what is wrong with it is said, and what only seems wrong is not called bad."""

from pathlib import Path

import pytest

from .looks_data import BAD, FINE, ODD, Case, cases, confusion, judged

SEED = 2


def one_of_each(folder: Path) -> list[Case]:
    """The shortest drawn clip of each look and truth."""
    drawn: dict[tuple[str, str], Case] = {}
    for case in sorted(cases(200, SEED, folder), key=lambda each: (each.clip.seconds, each.coding is not None)):
        drawn.setdefault((case.clip.look, case.truth), case)
    return [*drawn.values()]


def test_a_clip_of_each_kind_is_judged_as_it_is(tmp_path: Path) -> None:
    drawn = one_of_each(tmp_path)
    assert {case.clip.look for case in drawn} == {*BAD, *ODD, *FINE}
    wrong = [case.name for case in drawn if (judged(case, tmp_path).state == "bad") != (case.truth == "bad")]
    assert wrong == []


@pytest.mark.slow
def test_of_200_clips_at_most_two_in_a_hundred_are_judged_wrongly_either_way(tmp_path: Path) -> None:
    found = confusion([(case, judged(case, tmp_path)) for case in cases(200, SEED, tmp_path)])
    bad, good = found["bad"], found["odd"] + found["fine"]
    assert (bad.total(), good.total()) == (100, 100)
    assert bad["bad"] >= 98
    assert good["bad"] <= 2
