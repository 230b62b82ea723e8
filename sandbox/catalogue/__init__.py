"""The living models as data: what each accepts, what a clip of it is, and what it costs, in TOML files of one gateway.

`rows` is the form of a file; the other modules read it: `forms` and `rules` check a body, `orders` says what it asks
for, `files` fetches and measures what it points to, `clips` decides what the clip shows, `pictures`, `roles` and
`sizes` what the picture shows, and `prices` what is billed.
A gateway adds its `House` and its own words for what is refused; a new model is a table in a file and no code.
"""

from prefect_storyboard.sandbox.catalogue.clips import House, Made, frame, make
from prefect_storyboard.sandbox.catalogue.files import BadFile
from prefect_storyboard.sandbox.catalogue.forms import Broken, form
from prefect_storyboard.sandbox.catalogue.orders import Order, draft, order
from prefect_storyboard.sandbox.catalogue.pictures import Drawn, draw, quoted
from prefect_storyboard.sandbox.catalogue.rows import Model, read

__all__ = [
    "BadFile",
    "Broken",
    "Drawn",
    "House",
    "Made",
    "Model",
    "Order",
    "draft",
    "draw",
    "form",
    "frame",
    "make",
    "order",
    "quoted",
    "read",
]
