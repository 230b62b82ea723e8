class ExportError(ValueError):
    """The reel cannot be written in this format. No file was written, and nothing was bought."""
