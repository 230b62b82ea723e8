import time
import pytest
pytestmark = pytest.mark.engine

async def test_first(studio):
    t = time.monotonic()
    reel = await studio.render(studio.board("Mara waves.", "Otto rolls to Mara.", "Rain {falls} on \"the\" roof\nand {more} {"))
    print(reel, time.monotonic()-t)
    print(studio.meter())
    t = time.monotonic()
    n = len(studio.requests())
    reel = await studio.render(studio.board("Mara waves.", "Otto rolls to Mara.", "Rain {falls} on \"the\" roof\nand {more} {"))
    print(reel, time.monotonic()-t)
    print(len(studio.requests()) - n, studio.requests()[n:])
