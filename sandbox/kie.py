"""kie on the sandbox."""

from prefect_storyboard.sandbox.exchange import Gateway, Sandbox
from prefect_storyboard.sandbox.faults import Voice
from prefect_storyboard.sandbox.state import Job


def gateway(sandbox: Sandbox) -> Gateway:
    """kie on the sandbox."""

    async def settle(job: Job) -> Job:
        return job

    return Gateway(routes=[], voice=Voice(replies={}, changes={}), settle=settle)
