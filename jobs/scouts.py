"""When each job is polled.

While no job of a kind has ended yet, only the oldest few of that kind, its scouts, are polled. The first scout that
ends tells when to poll the others.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from prefect_storyboard.jobs.render_times import Kind, RenderTimes
from prefect_storyboard.jobs.waiting import Waiting

SCOUTS = 3  # jobs of an unknown kind that are polled on behalf of the others
UNSCOUTED = 60.0  # seconds: the age at which a job is polled although its scouts still render
_UNSCOUTED_AGAIN = 3.0  # times its age: when it is polled again
_FRESH = 2.0  # seconds since the submit: such a job has most likely not been waited for before


class Scouts:
    """The jobs that are waited for, in the order in which they were added, and the render times of their kinds.

    Ages are seconds since the submit; `age_of` returns a job's present age.
    """

    def __init__(self, age_of: Callable[[Waiting], float]) -> None:
        self.jobs: dict[str, Waiting] = {}
        self._age = age_of
        self._times: dict[Kind, RenderTimes] = {}

    def add(self, waiting: Waiting) -> float:
        """Add a job. Returns the age at which it is polled for the first time."""
        self.jobs[waiting.job.request_id] = waiting
        age, times = self._age(waiting), self._times.setdefault(waiting.kind, RenderTimes())
        if not times.known and age <= _FRESH and waiting not in self.of(waiting.kind):
            return UNSCOUTED
        return times.first_look(age)

    def remove(self, waiting: Waiting) -> list[Waiting]:
        """Remove a job. Returns the jobs that have become scouts in its place and are to be polled now."""
        before = self.of(waiting.kind)
        del self.jobs[waiting.job.request_id]
        return [] if self._times[waiting.kind].known else self._new_scouts(waiting.kind, before)

    def rendering(self, waiting: Waiting, age: float) -> None:
        """Note that a job still renders at that age."""
        waiting.running = age
        self._times[waiting.kind].rendering(age)

    def ended(self, waiting: Waiting, age: float) -> list[tuple[Waiting, float]]:
        """Note the age at which a job ended. Returns the jobs to be polled earlier, each with the age to poll it at.

        The first and the fastest job of a kind determine when the others are polled. If this end teaches nothing and
        the scouts still render, other jobs become scouts.
        """
        times, scouts = self._times[waiting.kind], self.of(waiting.kind)
        known, fastest = times.known, times.fastest if times.known else float("inf")
        times.ended(age, running=waiting.running)
        if times.known and times.fastest < fastest:
            others = (each for each in self._all_of(waiting.kind) if each.running is None or not known)
            return [(each, times.earliest(self._age(each))) for each in others]
        if known or waiting in scouts:
            return []
        for each in scouts:
            self.jobs[each.job.request_id] = self.jobs.pop(each.job.request_id)
        return [(each, self._age(each)) for each in self._new_scouts(waiting.kind, scouts)]

    def next_look(self, waiting: Waiting) -> float:
        """The age at which a job that still renders is polled again."""
        age, times = self._age(waiting), self._times[waiting.kind]
        if times.known or waiting in self.of(waiting.kind):
            return times.next_look(age, waiting=len(self.jobs))
        return max(UNSCOUTED, age * _UNSCOUTED_AGAIN)

    def patient_look(self, waiting: Waiting) -> float:
        """The age at which a job is polled while its callback is relied on."""
        return self._times[waiting.kind].patient_look(self._age(waiting), looked=waiting.looked)

    def of(self, kind: Kind) -> list[Waiting]:
        """The scouts of a kind."""
        return list(islice(self._all_of(kind), SCOUTS))

    def _new_scouts(self, kind: Kind, before: list[Waiting]) -> list[Waiting]:
        return [each for each in self.of(kind) if each not in before]

    def _all_of(self, kind: Kind) -> Iterator[Waiting]:
        return (each for each in self.jobs.values() if each.kind == kind)
