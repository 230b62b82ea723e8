"""What calls of fal's Platform API ask for: endpoints that there are, and jobs of the account."""

from starlette.requests import Request
from starlette.responses import Response

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox, fault_inside
from prefect_storyboard.sandbox.fal.auth import problem
from prefect_storyboard.sandbox.fal.jobs import settle
from prefect_storyboard.sandbox.fal.models import ENDPOINTS


def asked(request: Request) -> list[str]:
    """The endpoint ids of a query: repeated, separated by commas, or both."""
    return [name for value in request.query_params.getlist("endpoint_id") for name in value.split(",") if name]


def listed(request: Request) -> list[str]:
    """The endpoints that there are, without those that a rule takes out."""
    rule = fault_inside(request, "unlisted")
    gone = rule.match.endpoint.lower() if rule else None
    return [name for name in ENDPOINTS if gone is None or gone not in name.lower()]


def unknown(request: Request, names: list[str]) -> Response | None:
    """fal's answer to names that it does not list; None where it lists them all."""
    known = set(names) <= set(listed(request))
    return None if known else problem(404, "not_found", "Endpoint not found")


async def settled(sandbox: Sandbox, key_id: str) -> list[Job]:
    """The account's jobs of fal, each one run that is due."""
    now = sandbox.clock()
    jobs = [job for job in sandbox.state.jobs() if job.gateway == "fal" and job.key_id == key_id]
    return [await settle(sandbox, job) if job.phase(now) == "COMPLETED" else job for job in jobs]
