"""The gateways: one module each, one skeleton, one tree of errors, one table of models. httpx and pydantic only."""
