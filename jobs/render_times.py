"""How long jobs of one kind render, as seen by this process, and when to poll the next one.

Ages are seconds since the submit. The first job of a kind is polled at growing intervals. Once one has ended, others
are first polled at the age of the fastest known end, then at the ages at which others ended.
"""

import bisect
import random
from collections import deque
from typing import NamedTuple

SHORTEST, LONGEST = 0.3, 10.0  # seconds between two polls of a job of an unknown kind
_UNKNOWN = 0.08  # of the age, between two polls of a job of an unknown kind
_MANY = 20  # jobs that depend on one scout: it is polled twice as often
_KNOWN = 0.08  # of the age, the most between two polls if others are known to have ended
_OVERDUE = (0.03, 0.15)  # of the age, between two polls of a job that takes longer than any other did
_CLOSE = 0.02  # of the age: the least between two polls
_LEAST = 0.1  # seconds: likewise
_EXACT = 0.25  # of the age: an end that is less certain than that teaches nothing
_KEPT = 64  # latest ends
_EXPLORE = 8  # one job in so many is polled earlier, to notice a provider that has become faster
_EARLIER = 0.85
_PATIENCE, _GRACE, _PATIENT = 1.5, 30.0, 300.0  # times the slowest known age, and seconds; see `patient_look`


class Kind(NamedTuple):
    """Jobs that take about as long: same endpoint, same length of video."""

    endpoint: str
    seconds: int


class RenderTimes:
    """The known render times of one kind of job."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_KEPT)
        self._sorted: list[float] = []
        self._first_looks = 0
        self._explore = False

    @property
    def known(self) -> bool:
        """Whether a job of this kind has been seen to end."""
        return bool(self._sorted)

    @property
    def fastest(self) -> float:
        """The age at which the fastest known job had ended."""
        return self._sorted[0]

    def ended(self, age: float, *, running: float | None) -> None:
        """Learn from a job that had a result at that age and was last seen rendering at age `running` (None: never).

        If the job may have ended long before, it teaches only that jobs are no slower than was known.
        """
        faster = self.known and age < self.fastest
        self._explore = self._explore or (faster and running is None)
        if faster or age - (running or 0.0) <= max(_EXACT * age, _LEAST):
            self._add(age)
        elif self.known and running is None:
            self._add(self.fastest)

    def rendering(self, age: float) -> None:
        """Learn from a job that still renders at that age."""
        if self.known and age < self.fastest:
            self._explore = False

    def first_look(self, age: float) -> float:
        """The age at which a job is polled for the first time; for a few jobs earlier than the known times."""
        self._first_looks += 1
        if self.known and (self._explore or self._first_looks % _EXPLORE == 0):
            return max(self.fastest * _EARLIER * _jitter(1.0, 1.01), age)
        return self.earliest(age)

    def earliest(self, age: float) -> float:
        """The age at which the fastest known job ended, or the job's own age if none is known."""
        return max(self.fastest * _jitter(1.0, 1.01), age) if self.known else age

    def next_look(self, age: float, *, waiting: int = 1) -> float:
        """The age at which a job that still renders is polled again; `waiting` jobs of its kind learn from it."""
        if not self.known:
            share = max(_UNKNOWN / (1 + waiting / _MANY), _UNKNOWN / 2)
            return age + min(max(share * age, SHORTEST), LONGEST) * _jitter(0.85, 1.15)
        slower = self._sorted[bisect.bisect_right(self._sorted, age) :]
        closest = age + max(_CLOSE * age, _LEAST)
        if slower:
            likely = min(slower[len(slower) // 2], max(age * (1 + _KNOWN), slower[0]))
            known = self.fastest if age < self.fastest else likely
            return max(known, closest) * _jitter(1.0, 1.01)
        least, most = (share * age for share in _OVERDUE)
        return age + min(max((age - self._sorted[-1]) / 2, least, _LEAST), most, LONGEST) * _jitter(0.85, 1.15)

    def patient_look(self, age: float, *, looked: bool) -> float:
        """The age at which a job is polled while its callback is relied on: the callback should have come by then."""
        first = max(_PATIENCE * self._sorted[-1], self._sorted[-1] + _GRACE) if self.known else _PATIENT
        if age < first:
            return first
        return _PATIENCE * age if looked else age

    def _add(self, age: float) -> None:
        if len(self._latest) == _KEPT:
            self._sorted.remove(self._latest[0])
        self._latest.append(age)
        bisect.insort(self._sorted, age)


def _jitter(least: float, most: float) -> float:
    """Jitter, so that jobs of one age are not polled in step."""
    return random.uniform(least, most)  # noqa: S311 - no secret
