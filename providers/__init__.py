"""The gateways: one folder each, one protocol, one error tree, one model table. Depends on httpx and pydantic only."""
