"""Pay once: buy, reconcile, wait, settle, budget. Nothing here imports Prefect.

`PaidJob` is what `generate` returns and `poll` and `store` take.
"""

from prefect_storyboard.jobs.paid import PaidJob

__all__ = ["PaidJob"]
