"""Work on clips on local disk: probe them, convert them, extract frames, join them. Uses PyAV and Pillow only."""
