"""Acme, a gateway of a package of its own. Read without Prefect: the block is named, and imported when it is needed."""

from prefect_storyboard.providers.gateways import Gateway

GATEWAY = Gateway(name="acme", title="Acme Video", credentials="acme_video.blocks:AcmeCredentials", tables="acme_video")
