"""What an event says about a job."""

from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.storyboards import Frozen


class JobFacts(Frozen):
    """What an event says about a job. `cost_usd` is None if the price is not published."""

    key: str
    label: str
    provider: str
    account: str
    cost_usd: float | None = None
    request_id: str | None = None
    reel: str = ""

    @classmethod
    def of_request(cls, request: PurchaseRequest, provider: str) -> "JobFacts":
        """The facts that are known before the submit."""
        given = {"key": request.key, "label": request.label, "account": request.account, "reel": request.reel}
        return cls(**given, provider=provider, cost_usd=request.usd)

    @classmethod
    def of_job(cls, job: PaidJob, account: str) -> "JobFacts":
        """The facts of a paid job."""
        reel = job.draft.reel if job.draft else ""
        facts = cls(key=job.key, label=job.about, provider=job.job.provider, account=account, reel=reel)
        return facts.bought(job)

    def bought(self, job: PaidJob) -> "JobFacts":
        """The same, with the provider's id and the price at which it was bought."""
        return self.model_copy(update={"request_id": job.job.request_id, "cost_usd": job.usd})

    @property
    def payload(self) -> dict[str, str | float | int | bool | None]:
        """The facts by the names that events use."""
        return {
            "job_key": self.key,
            "label": self.label,
            "provider": self.provider,
            "account": self.account,
            "request_id": self.request_id,
            "cost_usd": self.cost_usd,
        }
