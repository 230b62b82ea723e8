"""fal.ai: the adapter, the request bodies of its models, and its errors."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(
    name="fal",
    title="fal.ai",
    credentials="prefect_storyboard.blocks.credentials:FalCredentials",
    tables="prefect_storyboard.providers",
)
