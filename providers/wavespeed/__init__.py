"""WaveSpeedAI: the adapter, the request bodies of its models, and its errors."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(
    name="wavespeed",
    title="WaveSpeedAI",
    credentials="prefect_storyboard.blocks.credentials:WaveSpeedCredentials",
    tables="prefect_storyboard.providers",
)
