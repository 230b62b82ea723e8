"""The times at which jobs are due to be polled, the earliest first."""

import heapq
from collections.abc import Mapping

from prefect_storyboard.jobs.waiting import Waiting


class Schedule:
    """A heap of due times. An entry is skipped if its job was pushed again, is being polled, or has no waiters."""

    def __init__(self, jobs: Mapping[str, Waiting]) -> None:
        self._jobs = jobs
        self._heap: list[tuple[float, int, Waiting]] = []
        self._pushed = 0

    def push(self, waiting: Waiting, due: float) -> bool:
        """Poll the job at that moment, or when the first waiter's time limit ends. True if it is now the next one."""
        waiting.due = min([due, *(waiter.until for waiter in waiting.waiters)])
        self._pushed += 1
        heapq.heappush(self._heap, (waiting.due, self._pushed, waiting))
        return self._heap[0][2] is waiting

    def next(self) -> Waiting | None:
        """The job that is due first."""
        while self._heap:
            due, _, waiting = self._heap[0]
            if self._jobs.get(waiting.job.request_id) is waiting and waiting.due == due and not waiting.looking:
                return waiting
            heapq.heappop(self._heap)
        return None

    def pop(self) -> None:
        """Remove the entry that `next` returned."""
        heapq.heappop(self._heap)
