"""What our two small HTTP servers share: the parts of ASGI that they use, and the process. Knows no library."""
