"""Shared by our two small HTTP servers: the parts of ASGI that they use, and the process."""
