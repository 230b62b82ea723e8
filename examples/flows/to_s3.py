"""Store to S3: clips, reel and the record of what was paid for, in a bucket of your own.

A saved library works as well: `library="storyboard-library/main"`. The storage has to refuse a second create of one
file (S3, GCS, Azure and MinIO do); else the library is refused. Costs $1.21 at fal.ai in November 2026, once. On the
sandbox, with an S3 server by moto, which is discarded at the end (`pip install 'moto[s3,server]'`):

    python -m prefect_storyboard.examples.flows.to_s3
"""

import asyncio

from prefect import flow
from prefect.types import SecretDict

from prefect_storyboard import sync
from prefect_storyboard.blocks import Library
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.tasks import assemble, render

MODEL, FAL = "seedance-2", "fal-credentials/production"
PROMPT = "Rain on the gallery window."


@flow
async def to_bucket(prompt: str, library: Library) -> Reel:
    """Render one scene into the bucket."""
    rain = await render(prompt, model=MODEL, credentials=FAL, library=library)
    return await assemble([rain], title="Rain", library=library)


@flow
def plain_to_bucket(prompt: str, library: Library) -> Reel:
    """The same without `await`."""
    rain = sync.render(prompt, model=MODEL, credentials=FAL, library=library)
    return sync.assemble([rain], title="Rain", library=library)


def bucket(endpoint: str, name: str = "series") -> Library:
    """A bucket on any S3 server; for AWS leave out `endpoint_url`, and the keys if the machine has a role."""
    options = {"key": "mine", "secret": "mine", "client_kwargs": {"region_name": "eu-central-1"}}
    return Library(url=f"s3://{name}/library", storage_options=SecretDict({**options, "endpoint_url": endpoint}))


if __name__ == "__main__":
    from urllib.request import Request, urlopen

    from moto.server import ThreadedMotoServer

    s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    s3.start()
    endpoint = "http://{}:{}".format(*s3.get_host_and_port())
    urlopen(Request(f"{endpoint}/series", method="PUT"), timeout=30).close()  # noqa: S310 - loopback
    with sandboxed():
        for _ in range(2):
            print(asyncio.run(to_bucket(PROMPT, bucket(endpoint))).url)
    s3.stop()
