"""An OpenAI-compatible `/v1/videos` server: a reseller of Sora, and a self-hosted model with open weights."""
