"""ToAPIs: the adapter, the request bodies of its models, and its errors."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(
    name="toapis",
    title="ToAPIs",
    credentials="prefect_storyboard.blocks.credentials:ToApisCredentials",
    tables="prefect_storyboard.providers",
)
