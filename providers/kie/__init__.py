"""Kie.ai: the adapter, the request bodies of its models, and its errors."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(
    name="kie",
    title="Kie.ai",
    credentials="prefect_storyboard.blocks.credentials:KieCredentials",
    tables="prefect_storyboard.providers",
)
