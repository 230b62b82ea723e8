"""The error for media files, in a module without codecs, so that catching it does not load them."""


class MediaError(ValueError):
    """A media file cannot be used. The message says in one sentence what is wrong and what to do."""
