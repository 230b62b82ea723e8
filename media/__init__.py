"""Clips on local disk: probe them, make them fit, take frames out of them, join them. PyAV and Pillow only."""
