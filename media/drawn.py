"""The stills and sheets on a reel's page: small pictures with their cost, and a mark on the chosen one."""

import base64
from pathlib import Path

from prefect_storyboard.media.frames import shrunk
from prefect_storyboard.storyboards import Frozen, Still

_SIZE = 480, 480


class Drawn(Frozen):
    """A still of a scene, or a sheet, on the page. `file` is its picture on local disk, None if it is missing."""

    still: Still
    file: Path | None
    chosen: bool = False

    @property
    def name(self) -> str:
        """The character of a sheet, or the scene of a still."""
        look = f" ({self.still.look})" if self.still.look else ""
        return f"{self.still.sheet_of}{look}" if self.still.sheet_of else self.still.scene

    @property
    def note(self) -> str:
        """The note of the reroll that ordered it."""
        return str(self.still.basis.get("note") or "")

    @property
    def picture(self) -> str:
        """The picture as a data URI, scaled down."""
        if self.file is None:
            return ""
        return f"data:image/jpeg;base64,{base64.b64encode(shrunk(self.file.read_bytes(), _SIZE, 82)).decode()}"
