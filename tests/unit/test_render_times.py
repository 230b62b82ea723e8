"""What a process learns of how long jobs take, and when it looks at one."""

import itertools

import pytest

from prefect_storyboard.jobs.render_times import RenderTimes


def learned(*ages: float) -> RenderTimes:
    times = RenderTimes()
    for age in ages:
        times.ended(age, running=age * 0.95)
    return times


@pytest.mark.parametrize(("age", "seconds"), [(0, 0.3), (2, 0.3), (25, 1.94), (1e6, 10.0)])
def test_a_job_of_which_nothing_is_known_is_looked_at_ever_more_rarely(age: float, seconds: float) -> None:
    assert RenderTimes().next_look(age) - age == pytest.approx(seconds, rel=0.16)


def test_jobs_of_one_age_do_not_ask_in_step() -> None:
    assert len({RenderTimes().next_look(20) for _ in range(20)}) > 10
    assert len({learned(60).first_look(0) for _ in range(20)}) > 10


def test_a_job_is_first_looked_at_when_the_fastest_known_one_had_ended() -> None:
    assert learned(62, 60, 71).first_look(3.0) == pytest.approx(60, rel=0.021)


def test_a_job_that_is_older_than_the_fastest_known_one_is_looked_at_at_once() -> None:
    assert learned(60).first_look(65.0) == 65.0


def test_a_job_that_still_renders_is_looked_at_where_half_of_the_slower_ones_had_ended() -> None:
    assert learned(60, 62, 64, 66, 68).next_look(61.0) == pytest.approx(66, rel=0.011)


def test_where_none_is_known_to_have_ended_nobody_looks() -> None:
    assert learned(60, 90, 91).next_look(61.0) == pytest.approx(90, rel=0.011)


def test_where_the_known_ones_lie_far_apart_a_twelfth_of_the_age_is_the_most() -> None:
    assert learned(60, 62, 90, 91).next_look(61.0) == pytest.approx(61 * 1.08, rel=0.011)


def test_two_looks_are_never_closer_than_a_fiftieth_of_the_age() -> None:
    assert learned(*(60 + n / 100 for n in range(30))).next_look(60.1) >= 60.1 * 1.02


def test_a_job_that_takes_longer_than_any_other_is_looked_at_again_soon_and_then_more_rarely() -> None:
    times, ages = learned(60.0), [60.5]
    while ages[-1] < 400:
        ages.append(times.next_look(ages[-1]))
    steps = [later - age for age, later in itertools.pairwise(ages)]
    assert steps[0] < 0.04 * 61
    assert max(steps) <= 10 * 1.16


def test_an_end_that_may_have_been_long_before_teaches_nothing() -> None:
    times = RenderTimes()
    times.ended(3600.0, running=None)
    assert not times.known


def test_a_job_that_had_ended_at_its_first_look_keeps_the_fastest_known_time() -> None:
    times = learned(60)
    for _ in range(200):
        times.ended(61.0, running=None)
    times.ended(90.0, running=88.0)
    assert times.fastest == 60


def test_what_becomes_slower_is_learned() -> None:
    times = learned(60)
    for _ in range(64):
        times.ended(90.0, running=88.5)
    assert times.fastest == 90


def test_what_becomes_faster_is_noticed_because_some_jobs_are_looked_at_earlier() -> None:
    times = learned(60)
    for _ in range(400):
        look = times.first_look(0.0)
        while look < 30.0:
            look = times.next_look(look)
        times.ended(look, running=None)
    assert times.fastest < 40
