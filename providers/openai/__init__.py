"""Any server of the `/v1/videos` API: OpenAI's own, resellers, and servers of one's own."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(
    name="openai",
    title="OpenAI-compatible",
    credentials="prefect_storyboard.blocks.openai_compatible:OpenAICompatibleCredentials",
    tables="prefect_storyboard.providers",
)
