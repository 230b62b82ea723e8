"""The error about a media file, without the codecs that find it: whoever catches it need not load them."""


class MediaError(ValueError):
    """A file is not what is needed here. The message says in one sentence what is wrong and what to do."""
