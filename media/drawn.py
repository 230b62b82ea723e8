"""The stills and the sheets on a reel's page: small pictures with what they cost, and the one that was chosen."""

import base64
from pathlib import Path

from prefect_storyboard.media.frames import shrunk
from prefect_storyboard.storyboards import Frozen, Still

_SIZE = 480, 480


class Drawn(Frozen):
    """A still of a scene, or a sheet, on the page. `file` is its picture on this disk, None where it is gone."""

    still: Still
    file: Path | None
    chosen: bool = False

    @property
    def name(self) -> str:
        """Whose sheet it is, or the scene of the still."""
        look = f" ({self.still.look})" if self.still.look else ""
        return f"{self.still.sheet_of}{look}" if self.still.sheet_of else self.still.scene

    @property
    def note(self) -> str:
        """What it was asked to change."""
        return str(self.still.basis.get("note") or "")

    @property
    def picture(self) -> str:
        """The picture as a data URI, small."""
        if self.file is None:
            return ""
        return f"data:image/jpeg;base64,{base64.b64encode(shrunk(self.file.read_bytes(), _SIZE, 82)).decode()}"
