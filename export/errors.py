class ExportError(ValueError):
    """A reel that cannot be written in this format; no file was written, and nothing was bought."""
